"""A batch that fails is settled event by event where an event is at fault, and raised where the database is."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.events import CommitmentRetrieved
from services.pipeline.aggregate import Aggregate
from services.pipeline.batch_processor import BatchProcessor
from services.pipeline.fold import On, StateChange
from services.pipeline.outbox import Outbox
from services.pipeline.records import Batch, Partition, Record
from tests.integration.pipeline.tally import Tally, TallyService, TallyStore, retrieve, retrieved

KEYS = ["a", "b", "c"]


class BrokenStore(TallyStore):
    """Fails in the transactions that change the key "b": with an error, or by losing its connection."""

    error: Exception | None = None

    async def save(self, db: AsyncConnection, changes: Sequence[StateChange[Tally, int]]) -> None:
        await super().save(db, changes)
        if "b" in [change.key for change in changes]:
            if self.error:
                raise self.error
            await db.execute(text("select pg_terminate_backend(pg_backend_pid())"))


async def settle(service: TallyService, store: TallyStore) -> None:
    """Settle one retrieve of each key as one batch."""
    aggregate = Aggregate("tally", (On(CommitmentRetrieved, retrieved),), store)
    kernel = service.tables.kernel
    processor = BatchProcessor(service.name, service.database, kernel, Outbox(kernel), [aggregate])
    records = [
        Record(Partition(CommitmentRetrieved.topic, 0), offset, key.encode(), retrieve(key, 1), (), datetime.now(UTC))
        for offset, key in enumerate(KEYS)
    ]
    await processor.settle(Batch.without_offsets(records))


async def dead_letters(service: TallyService) -> list[tuple[bytes, str, str]]:
    letter = service.tables.kernel.dead_letter.c
    async with service.database.begin() as db:
        return [tuple(row) for row in await db.execute(select(letter.key, letter.reason, letter.why))]


@pytest.mark.parametrize("error", [ValueError("a defect"), OverflowError("a defect")])
async def test_an_event_that_breaks_its_transaction_becomes_a_dead_letter_alone(
    tally: TallyService, error: Exception
) -> None:
    store = BrokenStore(tally.tables)
    store.error = error
    await settle(tally, store)
    assert sorted(await tally.tallies("")) == ["a", "c"]
    assert await dead_letters(tally) == [(b"b", "handler_failed", f"{type(error).__name__}: a defect")]


async def test_a_lost_connection_is_raised_and_nothing_is_changed(tally: TallyService) -> None:
    with pytest.raises(DBAPIError) as raised:
        await settle(tally, BrokenStore(tally.tables))
    assert raised.value.connection_invalidated
    assert await tally.tallies("") == {}
    assert await dead_letters(tally) == []


async def test_a_missing_table_is_raised_and_makes_no_event_a_dead_letter(tally: TallyService) -> None:
    async with tally.database.begin() as db:
        await db.execute(text(f"alter table {tally.name}.seen rename to hidden"))
    with pytest.raises(DBAPIError, match="does not exist"):
        await settle(tally, TallyStore(tally.tables))
    assert await dead_letters(tally) == []
