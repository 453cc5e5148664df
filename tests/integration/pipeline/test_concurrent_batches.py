"""Two processes that settle overlapping keys at once wait for each other in one direction only."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

from schemas.events import CommitmentRetrieved
from services.pipeline.aggregate import Aggregate
from services.pipeline.batch_processor import BatchProcessor
from services.pipeline.decoding import decode_batch
from services.pipeline.fold import On
from services.pipeline.outbox import Outbox
from services.pipeline.records import Batch, Partition, Record
from tests.integration.pipeline.counting_service import (
    CountingService,
    RetrieveCountStore,
    retrieve_event,
    retrieved,
)
from tests.locking import waiting_sessions
from tests.waiting import eventually

KEYS = ["a", "m", "z"]


async def test_new_keys_in_opposite_orders_are_no_deadlock(service: CountingService) -> None:
    """Both are held up at the key in the middle, after each has inserted the keys that come first for it."""
    table = service.tables.retrieve_count
    async with service.database.engine.connect() as other:
        await other.execute(table.insert().values(key="m"))
        settling = [
            asyncio.create_task(settle(service, keys, revision)) for revision, keys in enumerate((KEYS, KEYS[::-1]), 1)
        ]
        await eventually(lambda: wait_for_locks(service, len(settling)))
        await other.rollback()
    await asyncio.gather(*settling)

    counts = await service.counts("")
    assert {key: counts[key].highest for key in KEYS} == dict.fromkeys(KEYS, 2)
    assert await service.rows(service.tables.kernel.dead_letter) == 0


async def settle(service: CountingService, keys: Sequence[str], revision: int) -> None:
    """Settle one retrieve of each key as one batch, as a process of its own does."""
    aggregate = Aggregate("retrieve_count", (On(CommitmentRetrieved, retrieved),), RetrieveCountStore(service.tables))
    kernel = service.tables.kernel
    processor = BatchProcessor(service.name, service.database, kernel, Outbox(kernel), [aggregate])
    place, now = Partition(CommitmentRetrieved.topic, 0), datetime.now(UTC)
    records = [
        Record(place, offset, key.encode(), retrieve_event(key, revision), (), now) for offset, key in enumerate(keys)
    ]
    await processor.settle(Batch.without_offsets(records), decode_batch(records))


async def wait_for_locks(service: CountingService, count: int) -> bool:
    return await waiting_sessions(service.database) == count
