"""A tally service of the test's own on the run's Kafka and a fresh database."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from time import monotonic

import pytest

from tests.integration.pipeline.tally import TallyService
from tests.kafka import KafkaUnderTest

WAIT_SECONDS = 60


@pytest.fixture(params=["consumer"])
async def tally(
    request: pytest.FixtureRequest, kafka: KafkaUnderTest, database_url: str, unique_suffix: str
) -> AsyncIterator[TallyService]:
    service = TallyService(f"tally_{unique_suffix}", kafka.bootstrap_servers, database_url, request.param)
    await service.prepare()
    yield service
    await service.database.close()


async def eventually(is_so: Callable[[], Awaitable[bool]], seconds: float = WAIT_SECONDS) -> None:
    """Return once `is_so` answers yes; fail when it does not in time."""
    deadline = monotonic() + seconds
    while not await is_so():
        assert monotonic() < deadline, f"not so within {seconds} s"
        await asyncio.sleep(0.05)
