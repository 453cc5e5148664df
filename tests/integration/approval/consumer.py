"""Approval's consumer on a database of the test's own, fed with batches as they would come from Kafka."""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from pydantic import SecretStr
from sqlalchemy import Table, select

from schemas.envelope import CONTENT_TYPE, Event, decode, encode
from schemas.events import EventData
from services.approval.handlers import CONNECTION_HANDLERS, HANDLERS, PEOPLE_HANDLERS
from services.approval.storage import tables
from services.approval.storage.migrations import MIGRATIONS
from services.approval.storage.store import CONNECTIONS, PEOPLE, CommitmentStore
from services.pipeline.aggregate import Aggregate
from services.pipeline.batch_processor import BatchProcessor
from services.pipeline.database import Database
from services.pipeline.migrations import migrate
from services.pipeline.outbox import Outbox
from services.pipeline.records import Partition, Record, batch_of

TABLES = (tables.COMMITMENT, tables.SUBMISSION, tables.HISTORY, tables.PERSON, tables.ERP_CONNECTION)
KERNEL_TABLES = (tables.KERNEL.outbox, tables.KERNEL.consumer_offset, tables.KERNEL.dead_letter)


class Approval:
    """What approval knows, and the events that it is told."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.outbox = Outbox(tables.KERNEL)
        self._offsets: Counter[Partition] = Counter()
        aggregates = (
            Aggregate("person", tuple(PEOPLE_HANDLERS), PEOPLE),
            Aggregate("commitment", tuple(HANDLERS), CommitmentStore()),
            Aggregate("erp_connection", tuple(CONNECTION_HANDLERS), CONNECTIONS),
        )
        self._consumer = BatchProcessor("approval", database, tables.KERNEL, self.outbox, aggregates)

    async def hear(self, *events: Event[EventData]) -> None:
        """Settle `events` as one batch."""
        await self.hear_messages([(event.data.topic, event.subject, encode(event)) for event in events])

    async def hear_messages(self, messages: Sequence[tuple[str, str, bytes | None]]) -> None:
        """Settle (topic, key, value) messages as one batch."""
        positions = {Partition(topic, 0): self._offsets[Partition(topic, 0)] or None for topic, _, _ in messages}
        await self._consumer.settle(batch_of([self._record(*message) for message in messages], positions))

    def _record(self, topic: str, key: str, value: bytes | None) -> Record:
        place = Partition(topic, 0)
        offset = self._offsets[place]
        self._offsets[place] += 1
        headers = [("content-type", CONTENT_TYPE.encode())]
        return Record(place, offset, key.encode(), value, headers, datetime.now(UTC))

    async def rows(self, table: Table) -> list[dict[str, Any]]:
        """Return all rows of `table`, sorted by its key."""
        async with self.database.begin() as db:
            rows = (await db.execute(select(table).order_by(*table.primary_key.columns))).mappings()
            return [dict(row) for row in rows]

    async def published(self, topic: str) -> list[Event[EventData]]:
        """Return what approval has told on `topic`, in order."""
        rows = [row for row in await self.rows(tables.KERNEL.outbox) if row["topic"] == topic]
        return [decode(topic, row["key"].encode(), row["value"], (), datetime.now(UTC)) for row in rows]

    async def forget_everything(self) -> None:
        """Leave the tables as they were in the beginning."""
        self._offsets.clear()
        async with self.database.begin() as db:
            for table in (*TABLES, *KERNEL_TABLES):
                await db.execute(table.delete())


@asynccontextmanager
async def approval_on(database_url: str) -> AsyncIterator[Approval]:
    """Approval on the empty database at `database_url`."""
    await migrate(SecretStr(database_url), MIGRATIONS)
    database = Database(SecretStr(database_url), application_name="tests")
    try:
        yield Approval(database)
    finally:
        await database.close()
