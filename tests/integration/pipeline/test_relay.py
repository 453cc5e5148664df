"""The outbox reaches Kafka through one relay at a time, in order per key, whichever process or server is killed."""

import asyncio
import os
import signal
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable
from itertools import groupby

import pytest
from sqlalchemy import func, update

from sandbox.servers import LocalKafka
from schemas.envelope import Event, new_event
from schemas.events import CommitmentStatus, ErpReference, ErpReferenceRemoved, EventData
from schemas.examples import EXAMPLES
from schemas.topics import BY_NAME
from services.pipeline.broker.producer import DELIVERY_TIMEOUT_SECONDS
from services.pipeline.relay import MAX_ROWS
from tests.integration.pipeline.outbox_under_test import OutboxUnderTest
from tests.integration.pipeline.topic_events import events_on, export_succeeded, values_on
from tests.kafka import KafkaUnderTest
from tests.waiting import eventually

KEYS, REVISIONS = 50, 100


@pytest.fixture
async def outbox(kafka: KafkaUnderTest, database_url: str, unique_suffix: str) -> AsyncIterator[OutboxUnderTest]:
    made = OutboxUnderTest(kafka.bootstrap_servers, database_url, f"outbox_{unique_suffix}")
    await made.prepare()
    yield made
    await made.database.close()


async def has_holder(outbox: OutboxUnderTest, holder: str) -> bool:
    return await outbox.holder() == holder


def revisions(events: Iterable[Event[EventData]]) -> dict[str, list[int]]:
    """Return the revisions of each key in their order on the topic, without immediate repeats."""
    by_key: dict[str, list[int]] = defaultdict(list)
    for event in events:
        by_key[event.subject].append(getattr(event.data, "revision", 0))
    return {key: [revision for revision, _ in groupby(each)] for key, each in by_key.items()}


async def test_one_relay_sends_while_the_other_waits_and_takes_over_when_it_stops(
    outbox: OutboxUnderTest, unique_suffix: str
) -> None:
    async with outbox.relaying("holder"):
        await eventually(lambda: has_holder(outbox, "holder"))
        async with outbox.relaying("waiter"):
            await outbox.add([export_succeeded(f"{unique_suffix}-{number}", 1) for number in range(200)])
            await eventually(outbox.is_empty)
            assert await outbox.holder() == "holder"
    assert await outbox.holder() is None

    async with outbox.relaying("successor"):
        await outbox.add([export_succeeded(f"{unique_suffix}-{number}", 2) for number in range(200)])
        await eventually(outbox.is_empty)

    sent = await asyncio.to_thread(events_on, outbox.kafka, "export.succeeded", unique_suffix)
    assert len(sent) == 400
    assert set(map(tuple, revisions(sent).values())) == {(1, 2)}


async def test_a_killed_relay_keeps_its_lease_until_it_expires_and_the_order_is_kept(
    outbox: OutboxUnderTest, database_url: str, unique_suffix: str
) -> None:
    await outbox.add([export_succeeded(unique_suffix, revision) for revision in range(1, 11)])
    killed = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.integration.pipeline.outbox_under_test"),
        *(outbox.kafka.kafka_bootstrap_servers, database_url, outbox.name),
        env=os.environ | {"CRASH_AT": f"{outbox.name}.relay_before_delete:3"},
    )
    assert await killed.wait() == -signal.SIGKILL
    assert str(await outbox.holder()).startswith("killed:")
    assert await outbox.waiting() == 8

    async with outbox.relaying("successor"):
        await asyncio.sleep(2.5)
        assert str(await outbox.holder()).startswith("killed:")
        assert await outbox.waiting() == 8
        await outbox.expire_lease()
        await eventually(outbox.is_empty)
        assert await outbox.holder() == "successor"

    sent = await asyncio.to_thread(events_on, outbox.kafka, "export.succeeded", unique_suffix)
    assert revisions(sent) == {unique_suffix: list(range(1, 11))}
    assert len(sent) == 11, "the third was acknowledged but its row not deleted, so it is sent again"


async def test_of_several_waiting_statuses_only_the_newest_is_sent(outbox: OutboxUnderTest, unique_suffix: str) -> None:
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
    await outbox.add(statuses)

    async with outbox.relaying("relay"):
        await eventually(outbox.is_empty)

    sent = await asyncio.to_thread(events_on, outbox.kafka, "commitment.status", unique_suffix)
    assert sorted((event.subject, getattr(event.data, "version", 0)) for event in sent) == [
        (f"{unique_suffix}-a", 300),
        (f"{unique_suffix}-b", 300),
    ]


async def test_a_broker_restart_keeps_the_order_per_key(
    local_kafka: Callable[[], LocalKafka], database_url: str, unique_suffix: str
) -> None:
    broker = await asyncio.to_thread(local_kafka)
    outbox = OutboxUnderTest(broker.bootstrap_servers, database_url, f"outbox_{unique_suffix}")
    await outbox.prepare()
    keys = [f"{unique_suffix}-{number}" for number in range(KEYS)]
    for revision in range(1, REVISIONS + 1):
        await outbox.add([export_succeeded(key, revision) for key in keys])

    async with outbox.relaying("relay"):
        await eventually(lambda: _has_begun(outbox))
        await asyncio.to_thread(broker.kill)
        waiting = await outbox.waiting()
        await asyncio.sleep(1)
        assert 0 < await outbox.waiting() <= waiting
        await asyncio.to_thread(broker.start)
        await eventually(outbox.is_empty)

    sent = await asyncio.to_thread(events_on, outbox.kafka, "export.succeeded", unique_suffix)
    assert revisions(sent) == {key: list(range(1, REVISIONS + 1)) for key in keys}
    await outbox.database.close()


async def test_a_large_backlog_is_sent_after_kafka_was_away_for_longer_than_a_delivery_takes(
    local_kafka: Callable[[], LocalKafka], database_url: str, unique_suffix: str
) -> None:
    broker = await asyncio.to_thread(local_kafka)
    outbox = OutboxUnderTest(broker.bootstrap_servers, database_url, f"outbox_{unique_suffix}")
    await outbox.prepare()
    await asyncio.to_thread(broker.kill)
    async with outbox.relaying("relay"):
        await outbox.add([export_succeeded(f"{unique_suffix}-{number}", 1) for number in range(MAX_ROWS + 1_000)])
        await asyncio.sleep(DELIVERY_TIMEOUT_SECONDS + 1)
        await asyncio.to_thread(broker.start)
        await eventually(outbox.is_empty, seconds=60)
    sent = await asyncio.to_thread(events_on, outbox.kafka, "export.succeeded", unique_suffix)
    assert set(map(tuple, revisions(sent).values())) == {(1,)}
    assert len(revisions(sent)) == MAX_ROWS + 1_000
    await outbox.database.close()


async def test_rows_of_a_restored_database_are_not_deleted_for_older_ones_with_their_ids(
    outbox: OutboxUnderTest, unique_suffix: str
) -> None:
    await outbox.add([export_succeeded(unique_suffix, 1)])
    async with outbox.database.begin() as db:
        (before,) = await outbox.outbox.oldest(db, 10)
        await db.execute(update(outbox.tables.outbox).values(created_at=func.now()))  # as if written after a restore
        await outbox.outbox.settle(db, [before.name])
        await outbox.outbox.park(db, [before.name], "refused", None)
        (after,) = await outbox.outbox.oldest(db, 10, known=[before.name])
    assert (after.id, after.name == before.name) == (before.id, False)


async def _has_begun(outbox: OutboxUnderTest) -> bool:
    return await outbox.waiting() < KEYS * (REVISIONS - 10)


async def test_a_removal_is_sent_as_a_message_without_a_value(outbox: OutboxUnderTest, unique_suffix: str) -> None:
    entry = ErpReference(connection=unique_suffix, list_name="vendor", id="1", name="Acme", version=1)
    removal = ErpReferenceRemoved(key=entry.subject)
    example = next(each.event for each in EXAMPLES if isinstance(each.event.data, ErpReference))

    async with outbox.relaying("relay"):
        for data in (entry, removal):
            await outbox.add([new_event(data, source="test", time=example.time)])
            await eventually(outbox.is_empty)

    sent = await asyncio.to_thread(events_on, outbox.kafka, "erp.reference", unique_suffix)
    values = await asyncio.to_thread(values_on, outbox.kafka, "erp.reference", unique_suffix)
    assert [event.data for event in sent] == [entry, removal]
    assert [value is None for value in values] == [False, True]
