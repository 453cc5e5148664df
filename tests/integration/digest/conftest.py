"""The digest's parts on the run's Kafka and a fresh database."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import pytest
from pydantic import SecretStr
from sqlalchemy import Table, select

from schemas.topics import TOPICS
from services.digest.projection import Projection
from services.digest.settings import DigestSettings
from services.digest.storage.migrations import MIGRATIONS
from services.digest.storage.tables import KERNEL
from services.pipeline.broker import EventProducer, create_topics
from services.pipeline.database import Database
from services.pipeline.migrations import Migrations
from services.pipeline.outbox import Outbox
from tests.integration.digest.company_events import CompanyEvents, Message, records
from tests.kafka import KafkaUnderTest


@dataclass(frozen=True)
class DigestUnderTest:
    """The digest's settings and database, and a company whose events it gets."""

    settings: DigestSettings
    database: Database
    producer: EventProducer
    company: CompanyEvents

    def projection(self) -> Projection:
        """Return a projection with a consumer group of its own."""
        group = f"countersign.digest.{self.company.suffix}"
        return Projection(self.settings, self.database, Outbox(KERNEL), group)

    async def settle(self, *messages: Message) -> None:
        """Settle messages as one batch, without Kafka."""
        await self.projection().settle(records(messages))

    async def publish(self, *messages: Message) -> None:
        """Send messages, in order per key."""
        for message in messages:
            assert await self.producer.send([message]) == [None]

    async def row(self, table: Table, key: str) -> dict[str, object] | None:
        """Return the row of one key."""
        async with self.database.begin() as db:
            found = (await db.execute(select(table).where(table.c.id == key))).mappings().one_or_none()
            return None if found is None else dict(found)


@pytest.fixture
def template(migrated: Callable[[Migrations], str]) -> str:
    """A database with the digest's tables and no rows."""
    return migrated(MIGRATIONS)


@pytest.fixture
async def digest(kafka: KafkaUnderTest, database_url: str, unique_suffix: str) -> AsyncIterator[DigestUnderTest]:
    settings = DigestSettings(
        kafka_bootstrap_servers=kafka.bootstrap_servers,
        database_url=SecretStr(database_url),
        public_url="https://desk.example",
        link_secret=SecretStr("a secret of this test"),
    )
    await asyncio.to_thread(create_topics, settings, TOPICS)
    database = Database(settings.database_url, application_name="tests")
    producer = EventProducer(settings, "tests")
    yield DigestUnderTest(settings, database, producer, CompanyEvents(unique_suffix))
    await asyncio.to_thread(producer.close)
    await database.close()


@pytest.fixture
async def projection(digest: DigestUnderTest) -> AsyncIterator[Projection]:
    """A running projection, which is stopped when the test ends."""
    projection = digest.projection()
    stopping = asyncio.Event()
    running = asyncio.create_task(projection.run(stopping))
    yield projection
    stopping.set()
    await running
