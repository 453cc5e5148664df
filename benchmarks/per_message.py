"""The comparison: a loop that does the same work, with the same code, one message at a time."""

import asyncio
from collections.abc import Sequence
from time import perf_counter

from pydantic import SecretStr

from services.approval.handlers import HANDLERS
from services.approval.storage.store import CommitmentStore
from services.approval.storage.tables import KERNEL
from services.pipeline.aggregate import Aggregate
from services.pipeline.batch_processor import BatchProcessor, decode_batch
from services.pipeline.broker import EventProducer, TopicReader
from services.pipeline.database import Database
from services.pipeline.outbox import Outbox
from services.pipeline.records import Batch, Record
from services.pipeline.settings import KafkaSettings


async def per_message_rate(settings: KafkaSettings, database_url: SecretStr, topic: str, count: int) -> float:
    """Return how many submissions per second become state, history and an acknowledged status event."""
    database = Database(database_url, application_name="benchmarks.per_message", pool_size=2)
    producer = EventProducer(settings, "benchmarks.per_message")
    outbox = Outbox(KERNEL)
    consumer = BatchProcessor(
        "per_message", database, KERNEL, outbox, [Aggregate("commitment", tuple(HANDLERS), CommitmentStore())]
    )
    records = await asyncio.to_thread(_read, settings, topic, count)
    started = perf_counter()
    for record in records:
        await _settle(record, consumer, database, outbox, producer)
    seconds = perf_counter() - started
    await asyncio.to_thread(producer.close)
    await database.close()
    return len(records) / seconds


async def _settle(
    record: Record, consumer: BatchProcessor, database: Database, outbox: Outbox, producer: EventProducer
) -> None:
    """Process one message in one transaction, and send its event and wait for the acknowledgement."""
    await consumer.settle(Batch([record], {}, {}), decode_batch([record]))
    async with database.begin() as db:
        rows = await outbox.oldest(db, 10)
        errors = await producer.send([(row.topic, row.key, row.value) for row in rows])
        assert not any(errors), errors
        await outbox.settle(db, [row.id for row in rows])


def _read(settings: KafkaSettings, topic: str, count: int) -> Sequence[Record]:
    """Read the messages in advance, so that the loop is not charged for consuming."""
    reader = TopicReader(settings, [topic])
    records: list[Record] = []
    while len(records) < count:
        records += reader.read(1)
    reader.close()
    return records[:count]
