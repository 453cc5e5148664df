"""A counting service of the test's own, on the run's Kafka and a fresh database."""

from collections.abc import AsyncIterator

import pytest

from tests.integration.pipeline.counting_service import CountingService
from tests.kafka import KafkaUnderTest


@pytest.fixture(params=["consumer"])
async def service(
    request: pytest.FixtureRequest, kafka: KafkaUnderTest, database_url: str, unique_suffix: str
) -> AsyncIterator[CountingService]:
    made = CountingService(f"counting_{unique_suffix}", kafka.bootstrap_servers, database_url, request.param)
    await made.prepare()
    yield made
    await made.database.close()
