"""The outbox reaches Kafka: by one relay at a time, in order per key, whoever dies on the way."""

import asyncio
import os
import signal
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable
from itertools import groupby

import pytest
from sqlalchemy.schema import CreateSchema

from sandbox.servers import LocalKafka
from schemas.envelope import Event, new_event
from schemas.events import CommitmentStatus, EventData
from schemas.examples import EXAMPLES
from schemas.topics import BY_NAME, TOPICS
from services.pipeline.broker import create_topics
from tests.integration.pipeline.relaying import TOPIC, Line, on_topic, succeeded
from tests.kafka import KafkaUnderTest
from tests.waiting import eventually

KEYS, REVISIONS = 50, 100


async def prepared(line: Line) -> Line:
    await asyncio.to_thread(create_topics, line.kafka, TOPICS)
    async with line.database.begin() as db:
        await db.execute(CreateSchema(str(line.metadata.schema)))
        await db.run_sync(line.metadata.create_all)
    return line


@pytest.fixture
async def line(kafka: KafkaUnderTest, database_url: str, unique_suffix: str) -> AsyncIterator[Line]:
    made = await prepared(Line(kafka.bootstrap_servers, database_url, f"line_{unique_suffix}"))
    yield made
    await made.database.close()


async def is_empty(line: Line) -> bool:
    return await line.waiting() == 0


async def has_holder(line: Line, holder: str) -> bool:
    return await line.holder() == holder


def revisions(events: Iterable[Event[EventData]]) -> dict[str, list[int]]:
    """The revisions of each key as they stand on the topic, repetitions of one after the other left out."""
    by_key: dict[str, list[int]] = defaultdict(list)
    for event in events:
        by_key[event.subject].append(getattr(event.data, "revision", 0))
    return {key: [revision for revision, _ in groupby(told)] for key, told in by_key.items()}


async def test_one_relay_sends_while_the_other_waits_and_takes_over_when_it_stops(
    line: Line, unique_suffix: str
) -> None:
    async with line.relaying("holder"):
        await eventually(lambda: has_holder(line, "holder"))
        async with line.relaying("waiter"):
            await line.add([succeeded(f"{unique_suffix}-{number}", 1) for number in range(200)])
            await eventually(lambda: is_empty(line))
            assert await line.holder() == "holder"
    assert await line.holder() is None

    async with line.relaying("successor"):
        await line.add([succeeded(f"{unique_suffix}-{number}", 2) for number in range(200)])
        await eventually(lambda: is_empty(line))

    sent = await asyncio.to_thread(on_topic, line.kafka, TOPIC, unique_suffix)
    assert len(sent) == 400
    assert set(map(tuple, revisions(sent).values())) == {(1, 2)}


async def test_a_killed_relay_keeps_the_lease_until_it_runs_out_and_no_order_is_lost(
    line: Line, database_url: str, unique_suffix: str
) -> None:
    await line.add([succeeded(unique_suffix, revision) for revision in range(1, 11)])
    killed = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.integration.pipeline.relaying"),
        *(line.kafka.kafka_bootstrap_servers, database_url, str(line.metadata.schema)),
        env=os.environ | {"CRASH_AT": f"{line.metadata.schema}.relay_before_delete:3"},
    )
    assert await killed.wait() == -signal.SIGKILL
    assert str(await line.holder()).startswith("killed:")
    assert await line.waiting() == 8

    async with line.relaying("heir"):
        await asyncio.sleep(2.5)
        assert str(await line.holder()).startswith("killed:")
        assert await line.waiting() == 8
        await line.let_the_lease_run_out()
        await eventually(lambda: is_empty(line))
        assert await line.holder() == "heir"

    sent = await asyncio.to_thread(on_topic, line.kafka, TOPIC, unique_suffix)
    assert revisions(sent) == {unique_suffix: list(range(1, 11))}
    assert len(sent) == 11, "the third was acknowledged, its row was not deleted, so it is sent again"


async def test_statuses_that_wait_together_are_sent_as_the_newest_one(line: Line, unique_suffix: str) -> None:
    example = next(each.event for each in EXAMPLES if isinstance(each.event.data, CommitmentStatus))
    assert BY_NAME["commitment.status"].is_compacted
    statuses = [
        new_event(
            example.data.model_copy(update={"commitment_id": f"{unique_suffix}-{key}", "version": version}),
            source="test",
            time=example.time,
        )
        for version in range(1, 301)
        for key in ("a", "b")
    ]
    await line.add(statuses)

    async with line.relaying("relay"):
        await eventually(lambda: is_empty(line))

    sent = await asyncio.to_thread(on_topic, line.kafka, "commitment.status", unique_suffix)
    assert sorted((event.subject, getattr(event.data, "version", 0)) for event in sent) == [
        (f"{unique_suffix}-a", 300),
        (f"{unique_suffix}-b", 300),
    ]


async def test_order_per_key_outlives_a_broker_that_is_killed_and_started_again(
    local_kafka: Callable[[], LocalKafka], database_url: str, unique_suffix: str
) -> None:
    broker = await asyncio.to_thread(local_kafka)
    line = await prepared(Line(broker.bootstrap_servers, database_url, f"line_{unique_suffix}"))
    keys = [f"{unique_suffix}-{number}" for number in range(KEYS)]
    for revision in range(1, REVISIONS + 1):
        await line.add([succeeded(key, revision) for key in keys])

    async with line.relaying("relay"):
        await eventually(lambda: _is_under_way(line))
        await asyncio.to_thread(broker.kill)
        held_up = await line.waiting()
        await asyncio.sleep(1)
        assert 0 < await line.waiting() <= held_up
        await asyncio.to_thread(broker.start)
        await eventually(lambda: is_empty(line))

    sent = await asyncio.to_thread(on_topic, line.kafka, TOPIC, unique_suffix)
    assert revisions(sent) == {key: list(range(1, REVISIONS + 1)) for key in keys}
    await line.database.close()


async def _is_under_way(line: Line) -> bool:
    return await line.waiting() < KEYS * (REVISIONS - 10)
