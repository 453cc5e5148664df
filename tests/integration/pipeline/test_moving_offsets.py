"""A running service continues where its offset was set, without a restart."""

import asyncio
from collections.abc import Mapping

import pytest
from sqlalchemy import delete, select

from schemas.events import CommitmentRetrieved
from services.pipeline.broker import Brokers, EventProducer
from services.pipeline.moving_offsets import OffsetDesk, plan_move
from services.pipeline.records import Partition
from tests.integration.pipeline.counting_service import CountingService, retrieve_event
from tests.waiting import eventually


async def publish(service: CountingService, key: str, count: int) -> None:
    producer = EventProducer(service.settings, "tests")
    messages = [(CommitmentRetrieved.topic, key, retrieve_event(key, revision)) for revision in range(1, count + 1)]
    assert await producer.send(messages) == [None] * count
    await asyncio.to_thread(producer.close)


@pytest.mark.usefixtures("begins_at_the_end")
async def test_a_running_service_reads_again_from_where_it_was_set(
    service: CountingService, unique_suffix: str
) -> None:
    before = await _saved(service)
    async with service.running():
        await publish(service, unique_suffix, 4)
        await eventually(lambda: _has_counted(service, unique_suffix, 4))
        after = await _saved(service)
        [moved] = [each for each in after if after[each] != before.get(each)]
        spans = await Brokers(service.settings).spans([moved.topic])
        move = plan_move(moved, after[moved], spans[moved], after[moved] - 4)
        async with service.database.begin() as db:
            await db.execute(delete(service.tables.retrieve_count))
            await OffsetDesk(service.tables.kernel).apply(db, [move], "me", "why")
        await eventually(lambda: _has_counted(service, unique_suffix, 4))


async def _saved(service: CountingService) -> Mapping[Partition, int]:
    async with service.database.begin() as db:
        rows = await db.execute(select(service.tables.kernel.consumer_offset))
        return {Partition(row.topic, row.partition): row.next_offset for row in rows}


async def _has_counted(service: CountingService, key: str, count: int) -> bool:
    return await service.total(key) == count
