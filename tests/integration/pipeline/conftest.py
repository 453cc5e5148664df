"""A tally service of the test's own on the run's Kafka and a fresh database."""

from collections.abc import AsyncIterator

import pytest

from tests.integration.pipeline.tally import TallyService
from tests.kafka import KafkaUnderTest


@pytest.fixture(params=["consumer"])
async def tally(
    request: pytest.FixtureRequest, kafka: KafkaUnderTest, database_url: str, unique_suffix: str
) -> AsyncIterator[TallyService]:
    service = TallyService(f"tally_{unique_suffix}", kafka.bootstrap_servers, database_url, request.param)
    await service.prepare()
    yield service
    await service.database.close()
