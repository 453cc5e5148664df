"""An outbox with relays: in this process, or run as a program that can be killed."""

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from uuid import uuid4

from pydantic import SecretStr
from sqlalchemy import MetaData, select, text, update
from sqlalchemy.schema import CreateSchema

from schemas.envelope import Event
from schemas.events import EventData
from schemas.topics import TOPICS
from services.pipeline.broker import EventProducer, create_topics
from services.pipeline.broker.producer import Settle
from services.pipeline.database import Database
from services.pipeline.lease import Lease
from services.pipeline.outbox import Outbox
from services.pipeline.parked_events import ChosenEvents, ParkedEvents
from services.pipeline.relay import LEASE_SECONDS, Producer, Relay
from services.pipeline.settings import KafkaSettings
from services.pipeline.tables import KernelTables, kernel_tables
from services.pipeline.writes import Writes


class OutboxUnderTest:
    """An outbox in a schema of its own, and relays that send it."""

    def __init__(self, bootstrap_servers: str, database_url: str, schema: str) -> None:
        self.name = schema
        self.kafka = KafkaSettings(kafka_bootstrap_servers=bootstrap_servers)
        self.database = Database(SecretStr(database_url), application_name="tests", pool_size=4)
        self.metadata = MetaData(schema=schema)
        self.tables: KernelTables = kernel_tables(self.metadata)
        self.outbox = Outbox(self.tables)

    async def add(self, events: Sequence[Event[EventData]]) -> None:
        """Commit `events` to the outbox."""
        async with self.database.begin() as db:
            await self.outbox.add(db, events)
        self.outbox.wake()

    async def hand_over(self, events: Sequence[Event[EventData]]) -> None:
        """Commit `events` to the outbox as a batch does, and hand them to the relay of this process."""
        writes = Writes()
        async with self.database.begin() as db:
            written = await self.outbox.write(writes, events)
            await writes.execute(db)
        self.outbox.hand_over(written)

    async def prepare(self) -> None:
        """Create the topics and the tables."""
        await asyncio.to_thread(create_topics, self.kafka, TOPICS)
        await self.create_tables()

    async def create_tables(self) -> None:
        """Create the tables, which is enough for relays with a scripted producer."""
        async with self.database.begin() as db:
            await db.execute(CreateSchema(self.name))
            await db.run_sync(self.metadata.create_all)

    async def waiting(self) -> int:
        """Return how many rows are not acknowledged yet."""
        async with self.database.begin() as db:
            return (await self.outbox.backlog(db)).rows

    async def has_waiting(self, count: int) -> bool:
        """Whether so many rows are not acknowledged yet."""
        return await self.waiting() == count

    async def retry_parked(self) -> None:
        """Put all parked rows back into the outbox."""
        async with self.database.begin() as db:
            await ParkedEvents(self.tables).retry(db, ChosenEvents())

    async def has_parked(self, count: int) -> bool:
        """Whether so many rows are parked."""
        async with self.database.begin() as db:
            return await ParkedEvents(self.tables).count(db, ChosenEvents()) == count

    async def rename_parked(self, name: str, before: str = "outbox_parked") -> None:
        """Rename the table of parked rows."""
        async with self.database.begin() as db:
            await db.execute(text(f"alter table {self.name}.{before} rename to {name}"))

    async def is_empty(self) -> bool:
        return await self.waiting() == 0

    async def holder(self) -> str | None:
        """Return the holder in the lease's row, expired or not."""
        async with self.database.begin() as db:
            found: str | None = (await db.execute(select(self.tables.lease.c.holder))).scalar_one_or_none()
            return found

    async def expire_lease(self) -> None:
        """Make the lease expire at once."""
        async with self.database.begin() as db:
            past = datetime(2000, 1, 1, tzinfo=UTC)
            await db.execute(update(self.tables.lease).values(expires_at=past))

    async def relay(
        self, stopping: asyncio.Event, holder: str, scripted: Producer | None = None, lease: Lease | None = None
    ) -> None:
        """Run one relay until `stopping` is set, on Kafka unless a producer is given."""
        real = None if scripted else EventProducer(self.kafka, holder)
        lease = lease or Lease(self.database, self.tables, "relay", holder, LEASE_SECONDS)
        try:
            await Relay(self.name, self.database, self.outbox, scripted or real, lease).run(stopping)
        finally:
            if real:
                await asyncio.to_thread(real.close)

    @asynccontextmanager
    async def relaying(
        self, holder: str, scripted: Producer | None = None, lease: Lease | None = None
    ) -> AsyncIterator[None]:
        """Run a relay for as long as the block runs."""
        stopping = asyncio.Event()
        running = asyncio.create_task(self.relay(stopping, holder, scripted, lease))
        try:
            yield
        finally:
            stopping.set()
            await running


class AnnouncingProducer(EventProducer):
    """Says on standard output that it was given a message, so that a test can stop its process just then."""

    def submit(self, topic: str, key: str, value: bytes | None, settle: Settle) -> None:
        """As in EventProducer."""
        super().submit(topic, key, value, settle)
        print(key, flush=True)  # noqa: T201 - the test reads it


async def main(bootstrap_servers: str, database_url: str, schema: str) -> None:
    """Relay until this process is killed, by CRASH_AT or by the test."""
    outbox = OutboxUnderTest(bootstrap_servers, database_url, schema)
    await outbox.relay(asyncio.Event(), f"killed:{uuid4().hex[:8]}", AnnouncingProducer(outbox.kafka, "killed"))


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(main(*sys.argv[1:]))
