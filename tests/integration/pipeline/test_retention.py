"""Retention goes in small steps, by one process at a time, ends with a stop, and leaves what is open."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import REGISTRY
from pydantic import SecretStr
from sqlalchemy import insert, select

from services.approval.storage.migrations import MIGRATIONS
from services.approval.storage.tables import KERNEL
from services.pipeline.database import Database
from services.pipeline.migrations import migrate
from services.pipeline.retention import MAX_ROWS, Retention, dead_letter_rule

NOW = datetime.now(UTC)
KEPT_DAYS = 90
LETTERS = KERNEL.dead_letter


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    await migrate(SecretStr(database_url), MIGRATIONS)
    opened = Database(SecretStr(database_url), application_name="tests")
    yield opened
    await opened.close()


def retention(database: Database, service: str) -> Retention:
    return Retention(service, database, KERNEL, [dead_letter_rule(KERNEL, KEPT_DAYS)], lambda: NOW)


async def keep_letters(database: Database, count: int, settled_at: datetime | None, partition: int = 0) -> None:
    row = {"topic": "commitment.sent", "partition": partition, "reason": "schema", "why": "", "header_names": []}
    row |= {"header_values": [], "happened_at": NOW, "settled_as": settled_at and "redriven", "settled_at": settled_at}
    async with database.begin() as db:
        await db.execute(insert(LETTERS), [row | {"offset": offset, "settled_by": "me"} for offset in range(count)])


async def partitions(database: Database) -> list[int]:
    async with database.begin() as db:
        return sorted((await db.execute(select(LETTERS.c.partition))).scalars())


def counted(service: str) -> float:
    return REGISTRY.get_sample_value("retention_rows_total", {"service": service, "table": "dead_letter"}) or 0.0


async def test_settled_dead_letters_go_when_their_time_is_over_and_open_ones_stay(database: Database) -> None:
    limit = NOW - timedelta(days=KEPT_DAYS)
    await keep_letters(database, 2 * MAX_ROWS + 1, limit - timedelta(seconds=1), partition=1)
    await keep_letters(database, 1, limit + timedelta(seconds=1), partition=2)
    await keep_letters(database, 1, None, partition=3)

    await retention(database, "old").sweep(asyncio.Event())

    assert await partitions(database) == [2, 3]
    assert counted("old") == 2 * MAX_ROWS + 1


async def test_another_process_does_not_sweep_again_soon(database: Database) -> None:
    await retention(database, "first").sweep(asyncio.Event())
    await keep_letters(database, 1, NOW - timedelta(days=KEPT_DAYS + 1))
    await retention(database, "second").sweep(asyncio.Event())
    assert await partitions(database) == [0]


async def test_a_stop_ends_it_and_another_process_continues(database: Database) -> None:
    stopping = asyncio.Event()
    stopping.set()
    await keep_letters(database, 1, NOW - timedelta(days=KEPT_DAYS + 1))
    await retention(database, "stopped").sweep(stopping)
    assert await partitions(database) == [0]
    await retention(database, "next").sweep(asyncio.Event())
    assert await partitions(database) == []


async def test_the_loop_ends_at_once_with_the_service(database: Database) -> None:
    stopping = asyncio.Event()
    running = asyncio.create_task(retention(database, "ending").run(stopping))
    await asyncio.sleep(0)
    stopping.set()
    await asyncio.wait_for(running, 60)


def swept_at(service: str) -> float | None:
    return REGISTRY.get_sample_value("retention_swept_timestamp_seconds", {"service": service})


async def test_only_the_process_that_swept_to_the_end_shows_when(database: Database) -> None:
    stopping = asyncio.Event()
    stopping.set()
    await retention(database, "ended").sweep(stopping)
    await retention(database, "swept").sweep(asyncio.Event())
    await retention(database, "waits").sweep(asyncio.Event())

    assert [swept_at("ended"), swept_at("waits"), counted("waits")] == [0, 0, 0]
    assert swept_at("swept") == pytest.approx(datetime.now(UTC).timestamp(), abs=60)
