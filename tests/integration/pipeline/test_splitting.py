"""A batch that fails is settled in pieces where an event is at fault, and raised where the database is."""

from collections.abc import Sequence
from datetime import UTC, datetime
from time import monotonic
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.events import CommitmentRetrieved
from services.pipeline.aggregate import Aggregate
from services.pipeline.batch_processor import MAX_FAILURES_IN_A_ROW, BatchProcessor
from services.pipeline.decoding import decode_batch
from services.pipeline.errors import DefectError
from services.pipeline.fold import On, StateChange
from services.pipeline.offsets import Offsets
from services.pipeline.outbox import Outbox
from services.pipeline.records import Batch, Partition, Record, batch_of
from services.pipeline.writes import Writes
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
    saves = 0

    async def save(
        self, db: AsyncConnection, writes: Writes, changes: Sequence[StateChange[RetrieveCount, int]]
    ) -> None:
        self.saves += 1
        await super().save(db, writes, changes)
        if "b" in [change.key for change in changes]:
            if self.error:
                raise self.error
            await db.execute(text("select pg_terminate_backend(pg_backend_pid())"))


def processor_of(
    service: CountingService, store: RetrieveCountStore, *, is_independent: bool = False
) -> BatchProcessor:
    handlers = (On(CommitmentRetrieved, retrieved),)
    aggregate = Aggregate("retrieve_count", handlers, store, is_independent=is_independent)
    kernel = service.tables.kernel
    return BatchProcessor(service.name, service.database, kernel, Outbox(kernel), [aggregate])


def record(partition: int, offset: int, key: str, **given: Any) -> Record:
    place = Partition(CommitmentRetrieved.topic, partition)
    return Record(place, offset, key.encode(), retrieve_event(key, 1, **given), (), datetime.now(UTC))


async def settle(service: CountingService, store: RetrieveCountStore) -> None:
    """Settle one retrieve of each key as one batch."""
    records = [record(0, offset, key) for offset, key in enumerate(KEYS)]
    await processor_of(service, store).settle(Batch.without_offsets(records), decode_batch(records))


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


async def test_one_bad_event_among_many_takes_few_transactions_to_find(service: CountingService) -> None:
    store = BrokenStore(service.tables)
    store.error = ValueError("a defect")
    keys = ["b" if number == 123 else f"k{number:03}" for number in range(300)]
    records = [record(number % 3, number, key) for number, key in enumerate(keys)]
    batch = batch_of(records, {Partition(CommitmentRetrieved.topic, number): None for number in range(3)})
    await processor_of(service, store).settle(batch, decode_batch(records))
    assert len(await service.counts("k")) == 299
    assert [key for key, _, _ in await dead_letters(service)] == [b"b"]
    assert store.saves <= 25
    saved = await Offsets(service.tables.kernel).load(service.database, list(batch.begins))
    assert {place.number: offset for place, offset in saved.items()} == {0: 298, 1: 299, 2: 300}


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


async def test_a_row_that_another_transaction_holds_delays_only_the_events_behind_it(service: CountingService) -> None:
    store = RetrieveCountStore(service.tables)
    processor = processor_of(service, store)
    first = [record(partition, 0, key) for partition, key in enumerate(KEYS)]
    await processor.settle(Batch.without_offsets(first), decode_batch(first))
    records = [record(0, 1, "before"), record(0, 2, "a"), record(0, 3, "behind"), record(1, 1, "beside")]
    batch = batch_of(records, {Partition(CommitmentRetrieved.topic, number): None for number in range(2)})

    async with service.database.begin() as other:
        await store.load(other, ["a"])
        with pytest.raises(DBAPIError, match="lock timeout"):
            await processor.settle(batch, decode_batch(records))

    assert set(await service.counts("be")) == {"before", "beside"}
    assert await dead_letters(service) == []
    saved = await Offsets(service.tables.kernel).load(service.database, list(batch.begins))
    assert {place.number: offset for place, offset in saved.items()} == {0: 2, 1: 2}


async def test_a_transaction_whose_process_is_frozen_is_ended_by_the_server(service: CountingService) -> None:
    async with service.database.engine.connect() as db:
        settings = {
            name: (await db.execute(text(f"show {name}"))).scalar_one()
            for name in ("idle_in_transaction_session_timeout", "lock_timeout", "tcp_keepalives_idle")
        }
    assert settings["idle_in_transaction_session_timeout"] == "20s"
    assert settings["lock_timeout"] == "3s"


async def test_a_release_that_fails_on_every_event_sets_only_so_many_aside(service: CountingService) -> None:
    processor = processor_of(service, RetrieveCountStore(service.tables))
    failing = [record(0, offset, f"k{offset}", project_id="defect") for offset in range(MAX_FAILURES_IN_A_ROW + 20)]
    half = len(failing) // 2
    await processor.settle(Batch.without_offsets(failing[:half]), decode_batch(failing[:half]))
    with pytest.raises(DefectError, match="in a row failed"):
        await processor.settle(Batch.without_offsets(failing[half:]), decode_batch(failing[half:]))
    assert 0 < len(await dead_letters(service)) <= MAX_FAILURES_IN_A_ROW


async def test_failures_among_events_that_succeed_are_all_set_aside(service: CountingService) -> None:
    processor = processor_of(service, RetrieveCountStore(service.tables))
    count = 2 * MAX_FAILURES_IN_A_ROW
    failing = [record(0, 2 * number, f"k{number}", project_id="defect") for number in range(count)]
    sound = [record(0, 2 * number + 1, f"sound-{number}") for number in range(count)]
    records = [each for pair in zip(failing, sound, strict=True) for each in pair]
    await processor.settle(Batch.without_offsets(records), decode_batch(records))
    assert len(await dead_letters(service)) == count
    assert len(await service.counts("sound-")) == count


async def test_locked_rows_in_many_partitions_do_not_hold_up_the_consumer_for_long(service: CountingService) -> None:
    store = RetrieveCountStore(service.tables)
    processor = processor_of(service, store)
    records = [record(partition, 0, f"key-{partition}") for partition in range(12)]
    await processor.settle(Batch.without_offsets(records), decode_batch(records))
    again = [record(partition, 1, f"key-{partition}") for partition in range(12)]
    async with service.database.begin() as other:
        await store.load(other, [f"key-{partition}" for partition in range(12)])
        started = monotonic()
        with pytest.raises(DBAPIError, match="lock timeout"):
            await processor.settle(Batch.without_offsets(again), decode_batch(again))
    assert monotonic() - started < 30
