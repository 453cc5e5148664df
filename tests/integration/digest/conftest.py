"""The digest's parts on the run's Kafka and a fresh database."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from pydantic import SecretStr
from sqlalchemy import Table, select

from schemas.topics import TOPICS
from services.digest.projection import Projection
from services.digest.settings import DigestSettings
from services.digest.storage.migrations import MIGRATIONS
from services.pipeline.broker import EventProducer, create_topics
from services.pipeline.database import Database
from services.pipeline.migrations import migrate
from tests.integration.digest.company import Company, Message
from tests.kafka import KafkaUnderTest

WAIT_SECONDS = 60


@dataclass(frozen=True)
class Bench:
    """What a test of the digest works with."""

    settings: DigestSettings
    database: Database
    producer: EventProducer
    company: Company

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
async def bench(kafka: KafkaUnderTest, database_url: str, unique_suffix: str) -> AsyncIterator[Bench]:
    settings = DigestSettings(
        kafka_bootstrap_servers=kafka.bootstrap_servers,
        database_url=SecretStr(database_url),
        public_url="https://desk.example",
        link_secret=SecretStr("a secret of this test"),
    )
    await migrate(settings.database_url, MIGRATIONS)
    await asyncio.to_thread(create_topics, settings, TOPICS)
    database = Database(settings.database_url, application_name="tests")
    producer = EventProducer(settings, "tests")
    yield Bench(settings, database, producer, Company(unique_suffix))
    await asyncio.to_thread(producer.close)
    await database.close()


@pytest.fixture
async def projection(bench: Bench) -> AsyncIterator[Projection]:
    """A running projection with a group of its own, which is stopped when the test ends."""
    projection = Projection(bench.settings, bench.database, f"countersign.digest.{bench.company.suffix}")
    stopping = asyncio.Event()
    running = asyncio.create_task(projection.run(stopping))
    yield projection
    stopping.set()
    await running
