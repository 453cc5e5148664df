"""Producers that use transactions: what they commit is read once, what they abort never, and their marks are passed."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager

import pytest
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from prometheus_client import REGISTRY

from sandbox.servers import LocalKafka
from schemas.events import CommitmentRetrieved
from services.pipeline.broker import Brokers
from services.pipeline.broker.consumer import COMPARE_SECONDS
from services.pipeline.catching_up import CatchingUp
from services.pipeline.offsets import Offsets
from services.pipeline.records import Partition
from tests.integration.pipeline.counting_service import CountingService, retrieve_event
from tests.waiting import eventually

TOPIC = CommitmentRetrieved.topic
PASSED_SECONDS = COMPARE_SECONDS + 10


@pytest.fixture
async def counting(
    local_kafka: Callable[[], LocalKafka], database_url: str, unique_suffix: str
) -> AsyncIterator[CountingService]:
    broker = await asyncio.to_thread(local_kafka)
    service = CountingService(f"counting_{unique_suffix}", broker.bootstrap_servers, database_url)
    await service.prepare()
    yield service
    await service.database.close()


class Upstream:
    """A producer with transactions."""

    def __init__(self, service: CountingService) -> None:
        limits = {"transactional.id": "upstream", "partitioner": "murmur2_random", "log_level": 0}
        self._producer = Producer(service.settings.client_config() | limits)
        self._producer.init_transactions(30)

    @contextmanager
    def transaction(self, *, commits: bool) -> Iterator[None]:
        self._producer.begin_transaction()
        yield
        self._producer.flush(30)
        if commits:
            self._producer.commit_transaction(30)
        else:
            self._producer.abort_transaction(30)

    def send(self, key: str, revision: int) -> None:
        self._producer.produce(TOPIC, retrieve_event(key, revision), key)


def lags() -> list[float]:
    return [
        sample.value
        for metric in REGISTRY.collect()
        for sample in metric.samples
        if sample.name == "kafka_consumer_lag" and sample.labels["topic"] == TOPIC
    ]


async def saved_and_ends(service: CountingService) -> tuple[dict[Partition, int], dict[Partition, int]]:
    spans = await Brokers(service.settings).spans([TOPIC])
    saved = await Offsets(service.tables.kernel).load_all(service.database)
    return dict(saved), {name: span.high for name, span in spans.items() if span.high}


async def everything_is_passed(service: CountingService) -> bool:
    saved, ends = await saved_and_ends(service)
    return saved == ends and bool(lags()) and not any(lags())


async def test_marks_are_passed_so_that_no_lag_stays_and_no_offset_is_lost_with_retention(
    counting: CountingService, unique_suffix: str
) -> None:
    upstream = await asyncio.to_thread(Upstream, counting)
    async with counting.running():
        for revision in range(1, 4):
            with upstream.transaction(commits=True):
                upstream.send(unique_suffix, revision)
            with upstream.transaction(commits=False):
                upstream.send(f"{unique_suffix}-aborted", revision)
        await eventually(lambda: everything_is_passed(counting), PASSED_SECONDS)
    assert await counting.total(f"{unique_suffix}-aborted") == 0
    assert (await counting.counts(unique_suffix))[unique_suffix].count == 3

    await asyncio.to_thread(delete_all_messages, counting)
    async with counting.running() as runtime:
        with upstream.transaction(commits=True):
            upstream.send(unique_suffix, 4)
        await eventually(lambda: has_counted(counting, unique_suffix, 4))
        assert runtime.is_ready
    assert REGISTRY.get_sample_value("pipeline_offsets_out_of_range", {"service": counting.name}) == 0


async def test_what_is_not_committed_yet_keeps_nobody_waiting(counting: CountingService, unique_suffix: str) -> None:
    upstream = await asyncio.to_thread(Upstream, counting)
    catching_up = CatchingUp(counting.database, counting.tables.kernel, [TOPIC])
    async with counting.running():
        with upstream.transaction(commits=True):
            upstream.send(unique_suffix, 1)
        with upstream.transaction(commits=True):
            upstream.send(unique_suffix, 2)
            await eventually(lambda: has_counted(counting, unique_suffix, 1))
            await eventually(lambda: has_caught_up(catching_up, counting), PASSED_SECONDS)
        await eventually(lambda: has_counted(counting, unique_suffix, 2))


async def has_counted(service: CountingService, key: str, revision: int) -> bool:
    return key in (found := await service.counts(key)) and found[key].highest == revision


async def has_caught_up(catching_up: CatchingUp, service: CountingService) -> bool:
    await catching_up.look(Brokers(service.settings))
    return catching_up.is_caught_up


def delete_all_messages(service: CountingService) -> None:
    """Delete what the topic holds, as retention does. Blocks."""
    admin = AdminClient(service.settings.client_config())
    everything = [TopicPartition(TOPIC, number, -1) for number in range(12)]
    for answer in admin.delete_records(everything).values():
        answer.result(30)
