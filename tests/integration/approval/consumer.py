"""Approval's consumer without Kafka: processes batches of events on a database of the test's own."""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from pydantic import SecretStr
from sqlalchemy import Table, select

from schemas.envelope import CONTENT_TYPE, Event, decode, encode
from schemas.events import EventData, Removal
from schemas.examples import EXAMPLES
from services.approval.aggregates import AGGREGATES
from services.approval.rules.refusals import refusal
from services.approval.storage import tables
from services.pipeline.batch_processor import BatchProcessor
from services.pipeline.database import Database
from services.pipeline.outbox import Outbox
from services.pipeline.records import Partition, Record, batch_of


class ApprovalConsumer:
    """Processes events as approval does, and reads the rows that result."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.outbox = Outbox(tables.KERNEL)
        self._offsets: Counter[Partition] = Counter()
        self._processor = BatchProcessor("approval", database, tables.KERNEL, self.outbox, AGGREGATES, reply=refusal)

    async def process(self, *events: Event[EventData]) -> None:
        """Process `events` as one batch."""
        await self.process_messages([(event.data.topic, event.subject, _value(event)) for event in events])

    async def process_messages(self, messages: Sequence[tuple[str, str, bytes | None]]) -> None:
        """Process (topic, key, value) messages as one batch."""
        positions = {Partition(topic, 0): self._offsets[Partition(topic, 0)] or None for topic, _, _ in messages}
        batch = batch_of([self._record(*message) for message in messages], positions)
        await self._processor.settle(batch, self._processor.decode(batch.records))

    def _record(self, topic: str, key: str, value: bytes | None) -> Record:
        partition = Partition(topic, 0)
        offset = self._offsets[partition]
        self._offsets[partition] += 1
        headers = [("content-type", CONTENT_TYPE.encode())]
        return Record(partition, offset, key.encode(), value, headers, datetime.now(UTC))

    async def rows(self, table: Table) -> list[dict[str, Any]]:
        """Return all rows of `table`, sorted by its key."""
        async with self.database.begin() as db:
            rows = (await db.execute(select(table).order_by(*table.primary_key.columns))).mappings()
            return [dict(row) for row in rows]

    async def published(self, topic: str) -> list[Event[EventData]]:
        """Return the events that were published on `topic`, in order."""
        rows = [row for row in await self.rows(tables.KERNEL.outbox) if row["topic"] == topic]
        return [decode(topic, row["key"].encode(), row["value"], (), datetime.now(UTC)) for row in rows]

    async def clear(self) -> None:
        """Empty all tables and start at offset 0 again."""
        self._offsets.clear()
        async with self.database.begin() as db:
            for table in tables.METADATA.sorted_tables:
                await db.execute(table.delete())


def example(topic: str, name: str) -> Event[Any]:
    """The event of the contract's examples with this topic and name."""
    return next(each.event for each in EXAMPLES if each.event.data.topic == topic and each.name == name)


def _value(event: Event[EventData]) -> bytes | None:
    return None if isinstance(event.data, Removal) else encode(event)


@asynccontextmanager
async def consumer_on(database_url: str) -> AsyncIterator[ApprovalConsumer]:
    """A consumer on the database at `database_url`, which has the tables."""
    database = Database(SecretStr(database_url), application_name="tests")
    try:
        yield ApprovalConsumer(database)
    finally:
        await database.close()
