"""The digest shows the lag of the partitions that it reads, and of no others."""

import asyncio

from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from schemas.topics import PARTITIONS
from services.digest.storage.tables import ITEM
from services.pipeline.records import Partition
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


async def test_the_lag_is_shown_of_what_another_member_has_read(digest: DigestUnderTest) -> None:
    """Where nothing comes any more, whoever takes a partition over shows that nothing is left, and up to where."""
    await digest.publish(message(digest.company.status("SC-1", 1)))
    for _ in range(2):
        projection, stopping = digest.projection(), asyncio.Event()
        running = asyncio.create_task(projection.run(stopping))
        await eventually(lambda: sum(shown_lags()) == 0 and sum(shown("kafka_consumer_position")) > 0)
        assert len(shown_lags()) == PARTITIONS
        stopping.set()
        await running
    assert await has_row(digest, "SC-1")


async def test_an_app_that_reads_nothing_although_there_are_messages_is_renewed(digest: DigestUnderTest) -> None:
    projection, stopping = digest.projection(), asyncio.Event()
    running = asyncio.create_task(projection.run(stopping))
    first, second = (message(digest.company.status(f"SC-{number}", 1)) for number in range(2))
    await digest.publish(first)
    await eventually(lambda: has_row(digest, "SC-0"))
    await eventually(lambda: projection.is_ready and len(shown_lags()) > 0)

    with capture_logs() as logged:
        for _ in range(2):
            assert projection.is_ready
            projection.compare_with({Partition("commitment.status", number): 10**9 for number in range(PARTITIONS)})
            await eventually(lambda: projection.is_compared)
        await eventually(lambda: any(line["event"] == "projection.renewed" for line in logged))
        await eventually(lambda: any(line["event"] == "projection.started" for line in logged))
    await digest.publish(second)
    await eventually(lambda: has_row(digest, "SC-1"))
    await eventually(lambda: max(shown_lags(), default=0.0) > 10**8)
    stopping.set()
    await running


async def has_row(digest: DigestUnderTest, name: str) -> bool:
    return await digest.row(ITEM, digest.company.key(name)) is not None


def shown_lags(topic: str = "commitment.status") -> list[float]:
    return shown("kafka_consumer_lag", topic)


def shown(name: str, topic: str = "commitment.status") -> list[float]:
    return [
        sample.value
        for metric in REGISTRY.collect()
        for sample in metric.samples
        if sample.name == name and sample.labels["topic"] == topic
    ]
