"""The gauges of a service's tables, and the series that are there before anything is counted."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import REGISTRY
from pydantic import SecretStr
from sqlalchemy import insert

from services.approval.storage.migrations import MIGRATIONS
from services.approval.storage.tables import KERNEL
from services.pipeline.catching_up import CatchingUp
from services.pipeline.database import Database
from services.pipeline.gauges import Gauges, begin_series
from services.pipeline.migrations import migrate
from services.pipeline.outbox import Outbox


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    await migrate(SecretStr(database_url), MIGRATIONS)
    opened = Database(SecretStr(database_url), application_name="tests")
    yield opened
    await opened.close()


def value(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(name, {"service": "gauged", **labels})


async def keep_letter(database: Database, offset: int, age: timedelta, settled_as: str | None = None) -> None:
    at = datetime.now(UTC)
    row = {"topic": "commitment.sent", "partition": 0, "offset": offset, "reason": "schema", "why": ""}
    row |= {"header_names": [], "header_values": [], "happened_at": at, "recorded_at": at - age}
    row |= {"settled_as": settled_as, "settled_at": settled_as and at, "settled_by": settled_as and "me"}
    async with database.begin() as db:
        await db.execute(insert(KERNEL.dead_letter), [row])


async def test_the_oldest_open_dead_letter_has_an_age(database: Database) -> None:
    gauges = Gauges("gauged", database, KERNEL, Outbox(KERNEL))
    await gauges.refresh()
    assert value("dead_letters_oldest_age_seconds") == 0
    assert value("dead_letters", reason="schema") == 0

    await keep_letter(database, 1, timedelta(days=9), settled_as="discarded")
    await keep_letter(database, 2, timedelta(days=2))
    await keep_letter(database, 3, timedelta(days=1))
    await gauges.refresh()

    assert value("dead_letters", reason="schema") == 2
    assert value("dead_letters_oldest_age_seconds") == pytest.approx(2 * 86_400, abs=60)


async def test_whether_the_service_has_caught_up_is_shown(database: Database) -> None:
    catching_up = CatchingUp(database, KERNEL, ())
    gauges = Gauges("gauged", database, KERNEL, Outbox(KERNEL), catching_up)
    await gauges.refresh()
    before = value("service_caught_up")
    catching_up.is_caught_up = True
    await gauges.refresh()

    assert (before, value("service_caught_up")) == (0, 1)


def test_series_begin_before_the_first_event() -> None:
    begin_series("gauged", ["commitment.sent"])

    assert value("pipeline_events_total", topic="commitment.sent", outcome="dead_lettered") == 0
    assert value("pipeline_partly_read_total", topic="commitment.sent") == 0
    assert value("pipeline_offsets_out_of_range") == 0
