"""Servers that die in the middle of a stream: nothing is lost, nothing counted twice, nothing has to be restarted."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from sqlalchemy import select

from sandbox.servers import LocalKafka, LocalPostgres
from schemas.envelope import Event
from services.pipeline.database import DATABASE_ERRORS
from services.pipeline.outbox import Outbox
from tests.integration.pipeline.relaying import TOPIC, on_topic, succeeded
from tests.integration.pipeline.tally import TallyService, publish, retrieve
from tests.kafka import KafkaUnderTest
from tests.waiting import eventually

KEYS, REVISIONS = 40, 12
DRAINED_SECONDS = 10


async def test_a_database_that_is_killed_and_comes_back_has_counted_everything_once(
    kafka: KafkaUnderTest, local_postgres: Callable[[], LocalPostgres], unique_suffix: str
) -> None:
    postgres = await asyncio.to_thread(local_postgres)
    service = TallyService(f"tally_{unique_suffix}", kafka.bootstrap_servers, postgres.url)
    await service.prepare()

    async with service.running() as runtime:
        streaming = asyncio.create_task(stream(service, unique_suffix))
        await eventually(lambda: has_counted(service, unique_suffix, KEYS))
        await asyncio.to_thread(postgres.kill)
        await asyncio.sleep(1)
        assert not await runtime.is_ready()
        await asyncio.to_thread(postgres.start)
        await streaming
        await eventually(lambda: has_counted(service, unique_suffix, KEYS * REVISIONS))
        await eventually(lambda: is_sent(service))
        await eventually(runtime.is_ready)

    await assert_each_was_seen_and_told_once(service, unique_suffix)
    await service.database.close()


async def test_a_broker_that_is_stopped_and_started_holds_the_stream_up_and_loses_nothing(
    local_kafka: Callable[[], LocalKafka], database_url: str, unique_suffix: str
) -> None:
    broker = await asyncio.to_thread(local_kafka)
    service = TallyService(f"tally_{unique_suffix}", broker.bootstrap_servers, database_url)
    await service.prepare()

    async with service.running():
        half = REVISIONS // 2
        await tell(service, unique_suffix, range(1, half + 1))
        await eventually(lambda: has_counted(service, unique_suffix, 1))
        await asyncio.to_thread(broker.stop)
        await asyncio.sleep(1)
        await asyncio.to_thread(broker.start)
        await tell(service, unique_suffix, range(half + 1, REVISIONS + 1))
        await eventually(lambda: has_counted(service, unique_suffix, KEYS * REVISIONS))
        await eventually(lambda: is_sent(service))

    await assert_each_was_seen_and_told_once(service, unique_suffix)
    await service.database.close()


async def test_a_service_stops_in_time_while_kafka_is_away_and_keeps_what_it_could_not_send(
    local_kafka: Callable[[], LocalKafka], database_url: str, unique_suffix: str
) -> None:
    broker = await asyncio.to_thread(local_kafka)
    service = TallyService(f"tally_{unique_suffix}", broker.bootstrap_servers, database_url)
    await service.prepare()

    async with service.running() as runtime:
        await tell(service, unique_suffix, [1])
        await eventually(lambda: has_counted(service, unique_suffix, KEYS))
        await eventually(lambda: is_sent(service))
        await asyncio.to_thread(broker.kill)
        async with service.database.begin() as db:
            await Outbox(service.tables.kernel).add(db, [succeeded(unique_suffix, 1)])
        await asyncio.sleep(2)  # by now a commit of offsets and a message wait for the broker
        runtime.stop()
        stopped_at = asyncio.get_running_loop().time()

    assert asyncio.get_running_loop().time() - stopped_at < DRAINED_SECONDS
    assert await service.count(service.tables.kernel.outbox) == 1
    await service.database.close()


async def stream(service: TallyService, prefix: str) -> None:
    """Tell of one revision after the other, for about two seconds."""
    for revision in range(1, REVISIONS + 1):
        await tell(service, prefix, [revision])
        await asyncio.sleep(0.15)


async def tell(service: TallyService, prefix: str, revisions: Iterable[int]) -> None:
    keys = [f"{prefix}-{number}" for number in range(KEYS)]
    await publish(service.settings, [(key, retrieve(key, revision)) for revision in revisions for key in keys])


async def has_counted(service: TallyService, prefix: str, expected: int) -> bool:
    """Whether so many are counted; no, where a connection from before the fault is met."""
    try:
        return sum(tally.count for tally in (await service.tallies(prefix)).values()) >= expected
    except DATABASE_ERRORS:
        return False


async def is_sent(service: TallyService) -> bool:
    return await service.count(service.tables.kernel.outbox) == 0


async def assert_each_was_seen_and_told_once(service: TallyService, prefix: str) -> None:
    """Every revision of every key was counted once, in order, and told in order, at least once."""
    expected = {f"{prefix}-{number}": list(range(1, REVISIONS + 1)) for number in range(KEYS)}
    assert {key: tally.count for key, tally in (await service.tallies(prefix)).items()} == dict.fromkeys(
        expected, REVISIONS
    )
    seen = service.tables.seen
    async with service.database.begin() as db:
        rows = (await db.execute(select(seen.c.key, seen.c.revision).order_by(seen.c.id))).all()
    assert set(Counter(map(tuple, rows)).values()) == {1}
    assert {key: [revision for each, revision in rows if each == key] for key in expected} == expected
    letters = service.tables.kernel.dead_letter
    async with service.database.begin() as db:
        refused = (await db.execute(select(letters.c.key, letters.c.why))).all()
    # other tests leave theirs on the same topic
    assert [letter.why for letter in refused if (letter.key or b"").startswith(prefix.encode())] == []

    told = await asyncio.to_thread(on_topic, service.settings, TOPIC, prefix)
    assert {key: once_each(told, key) for key in expected} == expected


def once_each(told: list[Event[Any]], key: str) -> list[int]:
    """The revisions of `key` in the order of their first telling."""
    return list(dict.fromkeys(event.data.revision for event in told if event.subject == key))
