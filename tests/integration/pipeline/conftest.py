"""A counting service or an outbox of the test's own, on a fresh database."""

from collections.abc import AsyncIterator

import pytest

from tests.integration.pipeline.counting_service import CountingService
from tests.integration.pipeline.outbox_under_test import OutboxUnderTest
from tests.kafka import KafkaUnderTest


@pytest.fixture(params=["consumer"])
async def service(
    request: pytest.FixtureRequest, kafka: KafkaUnderTest, database_url: str, unique_suffix: str
) -> AsyncIterator[CountingService]:
    made = CountingService(f"counting_{unique_suffix}", kafka.bootstrap_servers, database_url, request.param)
    await made.prepare()
    yield made
    await made.database.close()


@pytest.fixture
async def begins_at_the_end(service: CountingService) -> None:
    """The service does not read what other tests left on the topic, such as messages that unpack to huge ones."""
    await service.begin_at_the_end()


@pytest.fixture
async def outbox(database_url: str, unique_suffix: str) -> AsyncIterator[OutboxUnderTest]:
    """An outbox without a Kafka, for relays with a scripted producer."""
    made = OutboxUnderTest("127.0.0.1:9", database_url, f"outbox_{unique_suffix}")
    await made.create_tables()
    yield made
    await made.database.close()
