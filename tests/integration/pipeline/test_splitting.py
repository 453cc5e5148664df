"""A batch that fails is settled event by event where an event is at fault, and raised where the database is."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.events import CommitmentRetrieved
from services.pipeline.aggregate import Aggregate
from services.pipeline.batch_processor import BatchProcessor, decode_batch
from services.pipeline.fold import On, StateChange
from services.pipeline.outbox import Outbox
from services.pipeline.records import Batch, Partition, Record
from tests.integration.pipeline.counting_service import (
    CountingService,
    RetrieveCount,
    RetrieveCountStore,
    retrieve_event,
    retrieved,
)

KEYS = ["a", "b", "c"]


class BrokenStore(RetrieveCountStore):
    """Fails in the transactions that change the key "b": with an error, or by losing its connection."""

    error: Exception | None = None

    async def save(self, db: AsyncConnection, changes: Sequence[StateChange[RetrieveCount, int]]) -> None:
        await super().save(db, changes)
        if "b" in [change.key for change in changes]:
            if self.error:
                raise self.error
            await db.execute(text("select pg_terminate_backend(pg_backend_pid())"))


async def settle(service: CountingService, store: RetrieveCountStore) -> None:
    """Settle one retrieve of each key as one batch."""
    aggregate = Aggregate("retrieve_count", (On(CommitmentRetrieved, retrieved),), store)
    kernel = service.tables.kernel
    processor = BatchProcessor(service.name, service.database, kernel, Outbox(kernel), [aggregate])
    records = [
        Record(
            Partition(CommitmentRetrieved.topic, 0), offset, key.encode(), retrieve_event(key, 1), (), datetime.now(UTC)
        )
        for offset, key in enumerate(KEYS)
    ]
    await processor.settle(Batch.without_offsets(records), decode_batch(records))


async def dead_letters(service: CountingService) -> list[tuple[bytes, str, str]]:
    letter = service.tables.kernel.dead_letter.c
    async with service.database.begin() as db:
        return [tuple(row) for row in await db.execute(select(letter.key, letter.reason, letter.why))]


@pytest.mark.parametrize("error", [ValueError("a defect"), OverflowError("a defect")])
async def test_an_event_that_breaks_its_transaction_becomes_a_dead_letter_alone(
    service: CountingService, error: Exception
) -> None:
    store = BrokenStore(service.tables)
    store.error = error
    await settle(service, store)
    assert sorted(await service.counts("")) == ["a", "c"]
    assert await dead_letters(service) == [(b"b", "handler_failed", f"{type(error).__name__}: a defect")]


async def test_a_lost_connection_is_raised_and_nothing_is_changed(service: CountingService) -> None:
    with pytest.raises(DBAPIError) as raised:
        await settle(service, BrokenStore(service.tables))
    assert raised.value.connection_invalidated
    assert await service.counts("") == {}
    assert await dead_letters(service) == []


async def test_a_missing_table_is_raised_and_makes_no_event_a_dead_letter(service: CountingService) -> None:
    async with service.database.begin() as db:
        await db.execute(text(f"alter table {service.name}.seen rename to hidden"))
    with pytest.raises(DBAPIError, match="does not exist"):
        await settle(service, RetrieveCountStore(service.tables))
    assert await dead_letters(service) == []
