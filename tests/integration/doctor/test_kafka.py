"""The check-up finds what is wrong with a real Kafka: topics, groups, offsets, clocks, secrets of links."""

import asyncio
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from pydantic import SecretStr

from sandbox.servers.local_server import free_ports
from schemas.envelope import encode, new_event
from schemas.events import DigestReady
from schemas.examples import EXAMPLES
from schemas.links import sign_unsubscribe
from schemas.topics import TOPICS
from services.approval.aggregates import TOPICS as READ_BY_APPROVAL
from services.approval.storage.tables import KERNEL
from services.pipeline.broker import Brokers, create_topics
from services.pipeline.bulk import insert_many
from services.pipeline.clock import utc_now
from services.pipeline.database import Database
from services.pipeline.operations import bring_topics_up_to_date
from services.pipeline.settings import KafkaSettings
from tests.integration.doctor.patient import Patient, problems, unchecked
from tests.integration.pipeline.test_topics import set_settings, setting
from tests.waiting import eventually


async def delete_topic(settings: KafkaSettings, name: str) -> None:
    admin = AdminClient(settings.client_config())
    admin.delete_topics([name])[name].result(15)
    await eventually(lambda: name not in admin.list_topics(timeout=5).topics)


@pytest.fixture
def mended(own_kafka: KafkaSettings) -> Iterator[None]:
    """Topics are as they should be after the test, too."""
    yield
    create_topics(own_kafka, TOPICS)
    bring_topics_up_to_date(own_kafka)


async def test_a_kafka_as_it_should_be_has_only_too_few_brokers(with_kafka: Patient) -> None:
    assert problems(await with_kafka.look("kafka")) == [
        "warning brokers: 1 of 3: a broker that is lost takes messages with it"
    ]
    assert problems(await with_kafka.look("topics")) == []


@pytest.mark.usefixtures("mended")
async def test_a_topic_that_is_missing_small_or_forgetful_is_named_with_what_to_do(
    with_kafka: Patient, own_kafka: KafkaSettings
) -> None:
    admin = AdminClient(own_kafka.client_config())
    await delete_topic(own_kafka, "mail.settled")
    await delete_topic(own_kafka, "digest.ready")
    admin.create_topics([NewTopic("digest.ready", 3, 1)])["digest.ready"].result(15)
    set_settings(own_kafka, {("commitment.sent", "retention.ms"): "86400000"})
    await eventually(lambda: setting(own_kafka, "commitment.sent", "retention.ms") == "86400000")

    found = await with_kafka.look("topics")
    lines = problems(found)

    assert "wrong mail.settled: does not exist" in lines
    assert "wrong digest.ready: has 3 partitions of 12: fewer processes share the work" in lines
    assert "wrong commitment.sent: retention.ms is 86400000; at least 1209600000 is needed" in lines
    assert "countersign topics" in [each.remedy for each in found]
    await delete_topic(own_kafka, "digest.ready")


async def test_a_kafka_that_is_away_is_wrong_once_and_a_reason_not_to_look_elsewhere(patient: Patient) -> None:
    patient.set(KAFKA_BOOTSTRAP_SERVERS=f"127.0.0.1:{free_ports(1)[0]}")
    [kafka] = await patient.look("kafka")
    assert (kafka.verdict.value, "KAFKA_BOOTSTRAP_SERVERS" in kafka.remedy) == ("wrong", True)
    [topics] = await patient.look("topics")
    assert topics.verdict.value == "not checked"


async def test_without_an_address_kafka_is_not_checked_and_says_which_variable_is_missing(patient: Patient) -> None:
    for check in ("kafka", "topics", "message times"):
        assert unchecked(await patient.look(check)) == ["all: KAFKA_BOOTSTRAP_SERVERS is not set here"]


async def test_groups_without_members_and_groups_of_nobody_are_told(
    with_kafka: Patient, own_kafka: KafkaSettings, unique_suffix: str
) -> None:
    group = f"countersign.{unique_suffix}"
    consumer = Consumer(own_kafka.client_config() | {"group.id": group})
    await asyncio.to_thread(consumer.commit, offsets=[TopicPartition("commitment.sent", 0, 0)], asynchronous=False)
    consumer.close()
    found = await with_kafka.look("groups")
    lines = problems(found)
    assert f"warning {group}: belongs to no service; it keeps offsets, and its lag alarms somebody" in lines
    assert any(line.startswith(("warning approval: no process", "wrong approval: approval is")) for line in lines)


async def test_an_offset_that_the_broker_does_not_have_is_wrong_and_one_that_is_about_to_go_too(
    with_kafka: Patient, own_kafka: KafkaSettings, database_url: str
) -> None:
    producer = Producer(own_kafka.client_config())
    thirteen_days_ago_ms = int((time.time() - 13 * 86_400) * 1000)
    producer.produce("commitment.sent", key=b"k", value=b"{}", partition=0, timestamp=thirteen_days_ago_ms)
    assert producer.flush(15) == 0
    spans = await Brokers(own_kafka).spans(READ_BY_APPROVAL)
    rows = [{"topic": p.topic, "partition": p.number, "next_offset": span.high} for p, span in spans.items()]
    old = next(row for row in rows if (row["topic"], row["partition"]) == ("commitment.sent", 0))
    old["next_offset"] = spans["commitment.sent", 0].high - 1  # type: ignore[index] - equal to a Partition
    out = next(row for row in rows if (row["topic"], row["partition"]) == ("commitment.resent", 0))
    out["next_offset"] = 4_711
    database = Database(SecretStr(database_url), application_name="tests")
    async with database.begin() as db:
        await insert_many(db, KERNEL.consumer_offset, rows)
    await database.close()

    found = [each for each in await with_kafka.look("offsets") if each.about == "approval"]

    assert (
        sorted(problems(found))
        == [
            "wrong approval: commitment.resent/0 is out of range: above the end (saved 4711)",
            "wrong approval: commitment.sent/0 has 1 unread messages, the first to be deleted in 23 h",
        ]
        or "the first to be deleted in 1 d" in sorted(problems(found))[1]
    )


async def test_a_message_from_the_future_is_told(with_kafka: Patient, own_kafka: KafkaSettings) -> None:
    producer = Producer(own_kafka.client_config())
    producer.produce("erp.connection", key=b"k", value=b"{}", timestamp=int((time.time() + 1800) * 1000))
    assert producer.flush(15) == 0
    [line] = problems(await with_kafka.look("message times"))
    assert line.startswith("warning erp.connection: has a message from 2")
    later = await with_kafka.look("message times", lambda: utc_now() + timedelta(hours=1))
    assert problems(later) == []


async def test_the_newest_summary_tells_whether_the_digest_has_our_link_secret(
    with_kafka: Patient, own_kafka: KafkaSettings
) -> None:
    with_kafka.set(LINK_SECRET="the-same-in-both-services")
    assert "no daily summary was sent" in unchecked(await with_kafka.look("link secret"))[0]
    secret = SecretStr("the-same-in-both-services")
    ready = next(each.event.data for each in EXAMPLES if isinstance(each.event.data, DigestReady))
    link = f"https://desk.example/u/{sign_unsubscribe(secret, ready.company_id, ready.recipient.id)}"
    event = new_event(ready.model_copy(update={"unsubscribe_url": link}), source="tests", time=utc_now())
    producer = Producer(own_kafka.client_config())
    producer.produce("digest.ready", key=event.subject, value=encode(event))
    assert producer.flush(15) == 0

    assert [each.verdict.value for each in await with_kafka.look("link secret")] == ["ok"]
    with_kafka.set(LINK_SECRET="another-secret-than-that")
    assert problems(await with_kafka.look("link secret")) == [
        "wrong LINK_SECRET: the newest daily summary has a link that this LINK_SECRET did not sign"
    ]
