"""The digest shows the lag of the partitions that it reads, and of no others."""

import asyncio

from prometheus_client import REGISTRY

from tests.integration.digest.company_events import message
from tests.integration.digest.conftest import DigestUnderTest
from tests.waiting import eventually


async def test_the_lag_is_shown_only_while_the_projection_runs(digest: DigestUnderTest) -> None:
    projection, stopping = digest.projection(), asyncio.Event()
    running = asyncio.create_task(projection.run(stopping))
    await digest.publish(message(digest.company.status("SC-1", 1)))

    await eventually(lambda: len(shown_lags()) > 0)
    assert len(shown("kafka_consumer_position")) == len(shown_lags())
    stopping.set()
    await running

    assert shown_lags() == shown("kafka_consumer_position") == []


def shown_lags(topic: str = "commitment.status") -> list[float]:
    return shown("kafka_consumer_lag", topic)


def shown(name: str, topic: str = "commitment.status") -> list[float]:
    return [
        sample.value
        for metric in REGISTRY.collect()
        for sample in metric.samples
        if sample.name == name and sample.labels["topic"] == topic
    ]
