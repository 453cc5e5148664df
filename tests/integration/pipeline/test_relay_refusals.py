"""What Kafka does not take is parked, and holds up only the later events of its own key."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from secrets import token_urlsafe
from time import sleep

import pytest
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType
from sqlalchemy import text

from sandbox.servers import LocalKafka
from schemas.events import ExportSucceeded
from services.pipeline.outbox import Backlog
from tests.damaging import ODD_TIMES
from tests.integration.pipeline.outbox_under_test import OutboxUnderTest
from tests.integration.pipeline.topic_events import events_on, export_succeeded, values_on
from tests.second_broker import SecondBroker, create_topic_partly_on_second
from tests.waiting import POLL_SECONDS, eventually

KEYS = 600


@pytest.fixture
def broker(local_kafka: Callable[[], LocalKafka]) -> LocalKafka:
    return local_kafka()


@pytest.fixture
def second_broker(broker: LocalKafka) -> Iterator[SecondBroker]:
    with SecondBroker(broker) as second:
        yield second


@pytest.fixture
async def outbox(broker: LocalKafka, database_url: str, unique_suffix: str) -> AsyncIterator[OutboxUnderTest]:
    made = OutboxUnderTest(broker.bootstrap_servers, database_url, f"outbox_{unique_suffix}")
    yield made
    await made.database.close()


async def test_a_partition_without_a_leader_holds_up_only_its_own_events(
    outbox: OutboxUnderTest, broker: LocalKafka, second_broker: SecondBroker
) -> None:
    await asyncio.to_thread(create_topic_partly_on_second, broker, ExportSucceeded.topic)
    await outbox.prepare()
    await asyncio.to_thread(second_broker.kill)

    async with outbox.relaying("relay"):
        for revision in range(1, 11):
            await outbox.add([export_succeeded(f"key-{number}", revision) for number in range(KEYS)])
        await eventually(lambda: only_one_partition_is_left(outbox), seconds=60)
        # while Kafka takes others, it is parked; if nothing else is to be sent, it may as well wait where it is
        others = [f"other-{number}" for number in range(KEYS)]
        await eventually(lambda: has_parked_beside(outbox, others), seconds=60)
        await asyncio.to_thread(second_broker.start)
        await outbox.retry_parked()
        await eventually(outbox.is_empty, seconds=60)

    sent = await asyncio.to_thread(events_on, outbox.kafka, ExportSucceeded.topic)
    revisions = {}
    for event in sent:
        if event.subject.startswith("key-"):
            revisions.setdefault(event.subject, []).append(event.data.revision)
    assert revisions == {f"key-{number}": list(range(1, 11)) for number in range(KEYS)}


async def test_an_event_that_is_too_large_waits_for_an_operator_and_the_others_are_sent(
    outbox: OutboxUnderTest, broker: LocalKafka
) -> None:
    await outbox.prepare()
    await asyncio.to_thread(limit_messages, broker, ExportSucceeded.topic, 1_500)
    url = f"https://erp.example/{token_urlsafe(1400)}"
    large = [export_succeeded("large", revision, url=url) for revision in (1, 2)]
    async with outbox.relaying("relay"):
        await outbox.add([large[0], *(export_succeeded(f"key-{number}", 1) for number in range(KEYS)), large[1]])
        await eventually(lambda: has_refused(outbox, 1), seconds=60)
        await eventually(lambda: has_rows(outbox, 2), seconds=60)

        await asyncio.to_thread(limit_messages, broker, ExportSucceeded.topic, 2_000_000)
        await outbox.retry_parked()
        await eventually(outbox.is_empty)

    sent = await asyncio.to_thread(events_on, outbox.kafka, ExportSucceeded.topic)
    assert len({event.id for event in sent}) == KEYS + 2
    assert [event.data.revision for event in sent if event.subject == "large"] == [1, 2]


async def test_rows_of_topics_that_kafka_cannot_have_wait_for_an_operator(outbox: OutboxUnderTest) -> None:
    odd_topics = ("", "x" * 5000, "{", "[1]")
    await outbox.prepare()
    for number, topic in enumerate(odd_topics):
        await insert_row(outbox, topic, f"odd-{number}", "now()")

    async with outbox.relaying("relay"):
        await eventually(lambda: has_refused(outbox, len(odd_topics)), seconds=60)
        await outbox.add([export_succeeded("key", 1)])
        await eventually(lambda: has_rows(outbox, len(odd_topics)), seconds=60)


@pytest.mark.parametrize("time", ODD_TIMES)
async def test_a_row_of_a_time_that_no_calendar_has_is_sent_once(outbox: OutboxUnderTest, time: str) -> None:
    await outbox.prepare()
    await insert_row(outbox, ExportSucceeded.topic, "odd", f"'{time}'")
    async with outbox.relaying("relay"):
        await eventually(outbox.is_empty, seconds=60)
        await outbox.add([export_succeeded("key", 1)])
        await eventually(outbox.is_empty, seconds=60)

    keys = [len(values) for values in await asyncio.to_thread(sent_under, outbox, "odd", "key")]
    assert keys == [1, 1]


async def insert_row(outbox: OutboxUnderTest, topic: str, key: str, created_at: str) -> None:
    row = (
        f"insert into {outbox.name}.outbox (topic, key, value, created_at) values (:topic, :key, '{{}}', {created_at})"  # noqa: S608
    )
    async with outbox.database.begin() as db:
        await db.execute(text(row), {"topic": topic, "key": key})


def sent_under(outbox: OutboxUnderTest, *keys: str) -> list[list[bytes | None]]:
    """Return the values of the messages under each of `keys`. Blocks."""
    return [values_on(outbox.kafka, ExportSucceeded.topic, key) for key in keys]


async def backlog(outbox: OutboxUnderTest) -> Backlog:
    async with outbox.database.begin() as db:
        return await outbox.outbox.backlog(db)


async def only_one_partition_is_left(outbox: OutboxUnderTest) -> bool:
    return 0 < (await backlog(outbox)).rows < KEYS


async def has_parked_beside(outbox: OutboxUnderTest, others: list[str]) -> bool:
    """Whether something is parked; one more event of the keys `others` is sent meanwhile."""
    await outbox.add([export_succeeded(others.pop(), 1)])
    return (await backlog(outbox)).retrying > 0


async def has_refused(outbox: OutboxUnderTest, count: int) -> bool:
    return (await backlog(outbox)).refused == count


async def has_rows(outbox: OutboxUnderTest, count: int) -> bool:
    return (await backlog(outbox)).rows == count


def limit_messages(broker: LocalKafka, topic: str, max_bytes: int) -> None:
    """Set the largest batch that the broker takes on `topic`, and return once it has effect."""
    entry = ConfigEntry("max.message.bytes", str(max_bytes), incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry])
    admin = AdminClient({"bootstrap.servers": broker.bootstrap_servers})
    admin.incremental_alter_configs([resource])[resource].result(30)
    while admin.describe_configs([resource])[resource].result(30)["max.message.bytes"].value != str(max_bytes):
        sleep(POLL_SECONDS)
