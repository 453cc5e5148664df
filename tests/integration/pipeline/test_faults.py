"""Servers are killed in the middle of a stream: nothing is lost or counted twice, and no service needs a restart."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any

import pytest
from sqlalchemy import select
from structlog.testing import capture_logs

from sandbox.servers import LocalKafka, LocalPostgres
from schemas.envelope import Event
from services.pipeline.broker.watch import WATCH_SECONDS
from services.pipeline.database import DATABASE_ERRORS
from services.pipeline.outbox import Outbox
from services.pipeline.runtime import Runtime
from tests.integration.pipeline.counting_service import CountingService, publish, retrieve_event
from tests.integration.pipeline.topic_events import events_on, export_succeeded
from tests.kafka import KafkaUnderTest
from tests.waiting import eventually

KEYS, REVISIONS = 40, 12
DRAINED_SECONDS = 10
UNREADY_SECONDS = 15
MANY_LINES = 20


@pytest.fixture
async def broker(local_kafka: Callable[[], LocalKafka]) -> LocalKafka:
    """A local broker, to be stopped and killed."""
    return await asyncio.to_thread(local_kafka)


@pytest.fixture
async def service_on_broker(
    broker: LocalKafka, database_url: str, unique_suffix: str
) -> AsyncIterator[CountingService]:
    service = CountingService(f"counting_{unique_suffix}", broker.bootstrap_servers, database_url)
    await service.prepare()
    await eventually(lambda: is_taking_messages(service))
    yield service
    await service.database.close()


async def test_everything_is_counted_once_when_the_database_is_killed_and_comes_back(
    kafka: KafkaUnderTest, local_postgres: Callable[[], LocalPostgres], unique_suffix: str
) -> None:
    postgres = await asyncio.to_thread(local_postgres)
    service = CountingService(f"counting_{unique_suffix}", kafka.bootstrap_servers, postgres.url)
    await service.prepare()
    await service.begin_at_the_end()

    async with service.running() as runtime:
        streaming = asyncio.create_task(stream(service, unique_suffix))
        await eventually(lambda: has_counted(service, unique_suffix, KEYS))
        await asyncio.to_thread(postgres.kill)
        await asyncio.sleep(1)
        assert not await runtime.is_ready()
        await asyncio.to_thread(postgres.start)
        await streaming
        await eventually(lambda: has_counted(service, unique_suffix, KEYS * REVISIONS))
        await eventually(service.has_sent_everything)
        await eventually(runtime.is_ready)

    await assert_each_was_counted_once_and_published(service, unique_suffix)
    await service.database.close()


async def test_nothing_is_lost_when_the_broker_is_stopped_and_started(
    broker: LocalKafka, service_on_broker: CountingService, unique_suffix: str
) -> None:
    service = service_on_broker
    async with service.running() as runtime:
        half = REVISIONS // 2
        await publish_revisions(service, unique_suffix, range(1, half + 1))
        await eventually(lambda: has_counted(service, unique_suffix, 1))
        await eventually(runtime.is_ready)
        await asyncio.to_thread(broker.stop)
        await eventually(lambda: is_unready(runtime), UNREADY_SECONDS)
        await asyncio.to_thread(broker.start)
        await eventually(runtime.is_ready)
        await publish_revisions(service, unique_suffix, range(half + 1, REVISIONS + 1))
        await eventually(lambda: has_counted(service, unique_suffix, KEYS * REVISIONS))
        await eventually(service.has_sent_everything)

    await assert_each_was_counted_once_and_published(service, unique_suffix)


@pytest.mark.alone
async def test_a_service_stops_in_time_while_kafka_is_unavailable_and_keeps_unsent_events(
    broker: LocalKafka, service_on_broker: CountingService, unique_suffix: str
) -> None:
    service = service_on_broker
    async with service.running() as runtime:
        await publish_revisions(service, unique_suffix, [1])
        await eventually(lambda: has_counted(service, unique_suffix, KEYS))
        await eventually(service.has_sent_everything)
        await asyncio.to_thread(broker.kill)
        async with service.database.begin() as db:
            await Outbox(service.tables.kernel).add(db, [export_succeeded(unique_suffix, 1)])
        await asyncio.sleep(2)  # by now an offset commit and a message wait for the broker
        runtime.stop()
        stopped_at = asyncio.get_running_loop().time()

    assert asyncio.get_running_loop().time() - stopped_at < DRAINED_SECONDS
    assert await service.rows(service.tables.kernel.outbox) == 1


async def test_the_log_says_once_that_the_brokers_are_away_and_once_that_they_are_back(
    broker: LocalKafka, service_on_broker: CountingService
) -> None:
    with capture_logs() as logged:
        async with service_on_broker.running() as runtime:
            await eventually(runtime.is_ready)
            await asyncio.to_thread(broker.stop)
            await eventually(lambda: any(line["event"] == "brokers.away" for line in logged))
            await asyncio.sleep(WATCH_SECONDS + 1)  # until they are asked again
            assert not await runtime.is_ready()
            await asyncio.to_thread(broker.start)
            await eventually(runtime.is_ready)

    assert [line["event"] for line in logged if line["event"].startswith("brokers.")] == [
        "brokers.away",
        "brokers.back",
    ]
    assert len(logged) < MANY_LINES, Counter(line["event"] for line in logged)


async def is_taking_messages(service: CountingService) -> bool:
    """Whether Kafka takes a message in time; on a busy machine, a broker that has just started does not."""
    try:
        await publish(service.settings, [("first", retrieve_event("first", 1))])
    except AssertionError:
        return False
    return True


async def is_unready(runtime: Runtime) -> bool:
    return not await runtime.is_ready()


async def stream(service: CountingService, prefix: str) -> None:
    """Publish one revision after the other, for about two seconds."""
    for revision in range(1, REVISIONS + 1):
        await publish_revisions(service, prefix, [revision])
        await asyncio.sleep(0.15)


async def publish_revisions(service: CountingService, prefix: str, revisions: Iterable[int]) -> None:
    keys = [f"{prefix}-{number}" for number in range(KEYS)]
    await publish(service.settings, [(key, retrieve_event(key, revision)) for revision in revisions for key in keys])


async def has_counted(service: CountingService, prefix: str, expected: int) -> bool:
    """Whether at least `expected` events are counted; False on a connection that the fault has broken."""
    try:
        return await service.total(prefix) >= expected
    except DATABASE_ERRORS:
        return False


async def assert_each_was_counted_once_and_published(service: CountingService, prefix: str) -> None:
    """Every revision of every key was counted once, in order, and published in order, at least once."""
    expected = {f"{prefix}-{number}": list(range(1, REVISIONS + 1)) for number in range(KEYS)}
    counts = {key: each.count for key, each in (await service.counts(prefix)).items()}
    assert counts == dict.fromkeys(expected, REVISIONS)
    seen = service.tables.seen
    async with service.database.begin() as db:
        rows = (await db.execute(select(seen.c.key, seen.c.revision).order_by(seen.c.id))).all()
    assert set(Counter(map(tuple, rows)).values()) == {1}
    assert {key: [revision for each, revision in rows if each == key] for key in expected} == expected
    letters = service.tables.kernel.dead_letter
    async with service.database.begin() as db:
        refused = (await db.execute(select(letters.c.key, letters.c.why))).all()
    # bad messages of other tests are on the same topic
    assert [letter.why for letter in refused if (letter.key or b"").startswith(prefix.encode())] == []

    published = await asyncio.to_thread(events_on, service.settings, "export.succeeded", prefix)
    assert {key: without_repeats(published, key) for key in expected} == expected


def without_repeats(published: list[Event[Any]], key: str) -> list[int]:
    """Return the revisions of `key` in the order in which they were first published."""
    return list(dict.fromkeys(event.data.revision for event in published if event.subject == key))
