"""Two processes of approval receive the first events of the same commitments at the same time."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from schemas.envelope import Event, encode
from schemas.events import EventData
from services.approval.aggregates import AGGREGATES
from services.approval.storage import tables
from services.pipeline.batch_processor import BatchProcessor
from services.pipeline.decoding import decode_batch
from services.pipeline.outbox import Outbox
from services.pipeline.records import Batch, Partition, Record
from tests.integration.approval import company
from tests.integration.approval.consumer import ApprovalConsumer
from tests.locking import waiting_sessions
from tests.waiting import eventually

IDS = ["sc-a", "sc-m", "sc-z"]


def sent(commitment_id: str) -> Event[EventData]:
    return company.event(company.sent(company.content(commitment_id, commitment_id.upper())))


def retrieved(commitment_id: str) -> Event[EventData]:
    return company.event(company.retrieved(company.content(commitment_id, commitment_id.upper())))


async def test_new_commitments_in_opposite_orders_are_no_deadlock(consumer: ApprovalConsumer) -> None:
    """Both are held up at the one in the middle, after each has inserted those that come first for it."""
    async with consumer.database.engine.connect() as other:
        await other.execute(tables.COMMITMENT.insert().values(id="sc-m", state="{}"))
        settling = [
            asyncio.create_task(settle(consumer, [sent(each) for each in IDS])),
            asyncio.create_task(settle(consumer, [retrieved(each) for each in reversed(IDS)])),
        ]
        await eventually(lambda: wait_for_locks(consumer, len(settling)))
        await other.rollback()
    await asyncio.gather(*settling)

    assert await statuses(consumer) == dict.fromkeys(IDS, "retrieved")
    assert await consumer.rows(tables.KERNEL.dead_letter) == []


@pytest.mark.parametrize("first", ["sent", "retrieved"])
async def test_a_commitment_that_another_process_has_created_meanwhile_gets_the_events_of_both(
    consumer: ApprovalConsumer, first: str
) -> None:
    """One process has inserted it and not committed yet, while the other has looked for it and found nothing."""
    events = [[sent("sc-1")], [retrieved("sc-1")]]
    one, another = events if first == "sent" else reversed(events)
    async with consumer.database.engine.connect() as other:
        await other.execute(text("lock table approval.history in exclusive mode"))
        settling = [asyncio.create_task(settle(consumer, one))]
        await eventually(lambda: wait_for_locks(consumer, 1))
        settling.append(asyncio.create_task(settle(consumer, another)))
        await eventually(lambda: wait_for_locks(consumer, 2))
        await other.rollback()
    await asyncio.gather(*settling)

    assert await statuses(consumer) == {"sc-1": "retrieved"}
    assert await consumer.rows(tables.KERNEL.dead_letter) == []


async def settle(consumer: ApprovalConsumer, events: Sequence[Event[EventData]]) -> None:
    """Settle `events` as one batch, as a process of its own does."""
    kernel = tables.KERNEL
    processor = BatchProcessor("approval", consumer.database, kernel, Outbox(kernel), AGGREGATES)
    now = datetime.now(UTC)
    records = [
        Record(Partition(event.data.topic, 0), offset, event.subject.encode(), encode(event), (), now)
        for offset, event in enumerate(events)
    ]
    await processor.settle(Batch.without_offsets(records), decode_batch(records))


async def statuses(consumer: ApprovalConsumer) -> dict[str, str]:
    return {row["id"]: row["status"] for row in await consumer.rows(tables.COMMITMENT)}


async def wait_for_locks(consumer: ApprovalConsumer, count: int) -> bool:
    return await waiting_sessions(consumer.database) == count
