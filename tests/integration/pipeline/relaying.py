"""Relays of the tests: in this process, or in one of its own that can be killed."""

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from uuid import uuid4

from pydantic import SecretStr
from sqlalchemy import MetaData, select, update

from schemas.commitment import ErpDocument
from schemas.envelope import Event, decode, new_event
from schemas.events import EventData, ExportSucceeded
from services.pipeline.broker import EventProducer, TopicReader
from services.pipeline.database import Database
from services.pipeline.lease import Lease
from services.pipeline.outbox import Outbox
from services.pipeline.relay import LEASE_SECONDS, Relay
from services.pipeline.settings import KafkaSettings
from services.pipeline.tables import KernelTables, kernel_tables

TOPIC = "export.succeeded"


class Line:
    """An outbox with the relays that empty it."""

    def __init__(self, bootstrap_servers: str, database_url: str, schema: str) -> None:
        self.kafka = KafkaSettings(kafka_bootstrap_servers=bootstrap_servers)
        self.database = Database(SecretStr(database_url), application_name="relaying", pool_size=4)
        self.metadata = MetaData(schema=schema)
        self.tables: KernelTables = kernel_tables(self.metadata)
        self.outbox = Outbox(self.tables)
        self._name = schema

    async def add(self, events: Sequence[Event[EventData]]) -> None:
        """Commit `events` to the outbox."""
        async with self.database.begin() as db:
            await self.outbox.add(db, events)
        self.outbox.wake()

    async def waiting(self) -> int:
        """How many rows are not acknowledged yet."""
        async with self.database.begin() as db:
            return (await self.outbox.backlog(db))[0]

    async def holder(self) -> str | None:
        """Who holds the lease, rightly or not."""
        async with self.database.begin() as db:
            found: str | None = (await db.execute(select(self.tables.lease.c.holder))).scalar_one_or_none()
            return found

    async def let_the_lease_run_out(self) -> None:
        """As if its time had passed."""
        async with self.database.begin() as db:
            past = datetime(2000, 1, 1, tzinfo=UTC)
            await db.execute(update(self.tables.lease).values(expires_at=past))

    async def relay(self, stopping: asyncio.Event, holder: str) -> None:
        """Run one relay until it is told to stop."""
        producer = EventProducer(self.kafka, holder)
        lease = Lease(self.database, self.tables, "relay", holder, LEASE_SECONDS)
        try:
            await Relay(self._name, self.database, self.outbox, producer, lease).run(stopping)
        finally:
            await asyncio.to_thread(producer.close)

    @asynccontextmanager
    async def relaying(self, holder: str) -> AsyncIterator[None]:
        """A relay that works while the block runs."""
        stopping = asyncio.Event()
        running = asyncio.create_task(self.relay(stopping, holder))
        try:
            yield
        finally:
            stopping.set()
            await running


def succeeded(key: str, revision: int) -> Event[EventData]:
    data = ExportSucceeded(
        company_id="c",
        project_id="p",
        commitment_id=key,
        revision=revision,
        round=1,
        erp_document=ErpDocument(connection="erp", id=key),
    )
    return new_event(data, source="test", time=datetime.now(UTC))


def on_topic(kafka: KafkaSettings, topic: str, prefix: str) -> list[Event[EventData]]:
    """Everything on `topic` whose key begins with `prefix`, each partition in its order. Blocks."""
    reader = TopicReader(kafka, [topic])
    ends = reader.ends()
    records = []
    while not reader.has_reached(ends):
        records += reader.read(1)
    reader.close()
    mine = [record for record in records if (record.key or b"").startswith(prefix.encode())]
    return [decode(topic, record.key, record.value, record.headers, record.at) for record in mine]


async def main(bootstrap_servers: str, database_url: str, schema: str) -> None:
    """Relay for good, or until CRASH_AT."""
    await Line(bootstrap_servers, database_url, schema).relay(asyncio.Event(), f"killed:{uuid4().hex[:8]}")


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(main(*sys.argv[1:]))
