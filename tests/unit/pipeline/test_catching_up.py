"""How far a service is behind the ends that its topics had when it started."""

from collections.abc import Sequence
from typing import cast

import pytest
from pydantic import SecretStr
from sqlalchemy import MetaData

from schemas.envelope import Event
from schemas.events import EventData
from services.pipeline.broker.brokers import Span
from services.pipeline.catching_up import CatchingUp, OnceCaughtUp, messages_behind
from services.pipeline.database import Database, Transaction
from services.pipeline.records import Partition
from services.pipeline.tables import kernel_tables

PARTITION = Partition("decision.accepted", 3)


@pytest.mark.parametrize(
    ("span", "saved", "behind"),
    [
        (Span(0, 0), None, 0),  # an empty topic
        (Span(7, 7), None, 0),  # all messages have expired, and nothing was ever read
        (Span(0, 5), None, 5),
        (Span(2, 5), None, 3),
        (Span(0, 5), 3, 2),
        (Span(0, 5), 5, 0),
        (Span(0, 5), 9, 0),  # more was decided since
        (Span(7, 7), 3, 4),  # what expired before it was read is missing for ever
    ],
)
def test_what_was_not_read_before_the_end_is_behind(span: Span, saved: int | None, behind: int) -> None:
    assert messages_behind({PARTITION: span}, {} if saved is None else {PARTITION: saved}) == behind


def test_every_partition_counts() -> None:
    other = Partition("decision.rejected", 0)
    assert messages_behind({PARTITION: Span(0, 2), other: Span(0, 3)}, {PARTITION: 2}) == 3


class Claiming:
    """Work of which everything is always due."""

    name = "claiming"

    async def claim(self, db: Transaction, limit: int) -> Sequence[int]:
        del db
        return range(limit)

    async def perform(self, job: int) -> str:
        return f"performed {job}"

    async def settle(self, db: Transaction, job: int, result: str) -> Sequence[Event[EventData]]:
        raise NotImplementedError(result)


async def test_nothing_is_claimed_until_the_service_has_caught_up() -> None:
    database = Database(SecretStr("postgresql://nobody@127.0.0.1:9/nothing"), application_name="tests")
    catching_up = CatchingUp(database, kernel_tables(MetaData(schema="exporter")), ["decision.accepted"])
    work: OnceCaughtUp[int, str] = OnceCaughtUp(Claiming(), catching_up)
    transaction = cast("Transaction", None)  # not used by this work

    assert list(await work.claim(transaction, 3)) == []
    catching_up.is_caught_up = True
    assert list(await work.claim(transaction, 3)) == [0, 1, 2]
    assert await work.perform(2) == "performed 2"
    assert work.name == "claiming"
