"""A service says that it is ready only if it can do its work."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    NewTopic,
    ResourcePatternType,
    ResourceType,
)
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from sandbox.servers import LocalKafka
from services.pipeline.broker import BatchConsumer, Brokers
from services.pipeline.errors import BrokerError
from services.pipeline.records import Batch, Partition, Record
from services.pipeline.settings import KafkaSettings
from tests.integration.pipeline.counting_service import CountingService, publish, retrieve_event
from tests.kafka import KafkaUnderTest
from tests.waiting import eventually


async def test_a_service_is_not_ready_while_one_of_its_topics_cannot_be_read_and_the_log_names_it(
    service: CountingService,
) -> None:
    with capture_logs() as logged:
        async with service.running(follows=("no.such.topic",)) as runtime:
            await eventually(lambda: any(line["event"] == "brokers.topic_unreadable" for line in logged))
            await eventually(lambda: any(line["event"] == "consumer.assigned" for line in logged))
            await asyncio.sleep(0.5)
            assert not await runtime.is_ready()

    [line] = [line for line in logged if line["event"] == "brokers.topic_unreadable"]
    assert line["topic"] == "no.such.topic"


async def test_a_topic_that_we_may_not_read_is_named_until_we_may(unique_suffix: str) -> None:
    with GuardedKafka() as broker:
        settings = KafkaSettings(kafka_bootstrap_servers=broker.bootstrap_servers)
        brokers, admin = Brokers(settings), AdminClient({"bootstrap.servers": broker.bootstrap_servers})
        topics, stopping = ["open", "unreadable", "hidden"], asyncio.Event()
        for created in admin.create_topics([NewTopic(topic, 1, 1) for topic in topics]).values():
            await asyncio.to_thread(created.result)
        forbidden, allowed = AclPermissionType.DENY, AclPermissionType.ALLOW
        rules = [describing("unreadable", allowed), describing("hidden", forbidden)]
        for made in admin.create_acls(rules).values():
            await asyncio.to_thread(made.result)

        await eventually(lambda: are_unreadable(brokers, topics, {"hidden"}))
        consumer = reader(settings, unique_suffix, "unreadable", [])
        running = asyncio.create_task(consumer.run(stopping))
        await eventually(lambda: consumer.refusals.names == {"unreadable"})
        assert not consumer.is_reading

        for removed in admin.delete_acls([ANY_RULE]).values():
            await asyncio.to_thread(removed.result)
        await eventually(lambda: consumer.is_reading)
        stopping.set()
        await running


class GuardedKafka(LocalKafka):
    """A broker that obeys ACLs; a topic without any is open to everybody."""

    def prepare_data(self) -> None:
        super().prepare_data()
        with (self.folder / "server.properties").open("a") as properties:
            properties.write(
                "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer\n"
                "allow.everyone.if.no.acl.found=true\n"
            )


def describing(topic: str, permission: AclPermissionType) -> AclBinding:
    """A rule about describing the topic; once a topic has a rule, whatever none allows is forbidden."""
    everybody, pattern = "User:ANONYMOUS", ResourcePatternType.LITERAL
    return AclBinding(ResourceType.TOPIC, topic, pattern, everybody, "*", AclOperation.DESCRIBE, permission)


ANY_RULE = AclBindingFilter(
    ResourceType.TOPIC, None, ResourcePatternType.ANY, None, None, AclOperation.ANY, AclPermissionType.ANY
)


async def are_unreadable(brokers: Brokers, topics: Sequence[str], unreadable: set[str]) -> bool:
    return (await brokers.unreadable(topics)).keys() == unreadable


async def test_a_member_knows_that_it_has_no_partition(kafka: KafkaUnderTest, unique_suffix: str) -> None:
    settings = KafkaSettings(kafka_bootstrap_servers=kafka.bootstrap_servers)
    topic = f"one.partition.{unique_suffix}"
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap_servers})
    await asyncio.to_thread(admin.create_topics([NewTopic(topic, 1, 1)])[topic].result)
    stopping = asyncio.Event()
    members = [reader(settings, unique_suffix, topic, []) for _ in range(2)]
    running = [asyncio.create_task(member.run(stopping)) for member in members]

    await eventually(lambda: sorted(member.is_reading for member in members) == [False, True])
    assert sorted(member.holds_nothing for member in members) == [False, True]

    stopping.set()
    await asyncio.gather(*running)


async def test_the_lag_of_partitions_is_shown_only_while_they_are_read(
    service: CountingService, unique_suffix: str
) -> None:
    await publish(service.settings, [(unique_suffix, retrieve_event(unique_suffix, 1))])

    async with service.running():
        await eventually(lambda: len(shown_lags()) == 12)
    assert shown_lags() == []


@pytest.mark.usefixtures("begins_at_the_end")
async def test_a_message_with_an_impossible_timestamp_is_processed_as_any_other(
    kafka: KafkaUnderTest, service: CountingService, unique_suffix: str
) -> None:
    producer = Producer({"bootstrap.servers": kafka.bootstrap_servers, "partitioner": "murmur2_random"})
    producer.produce("commitment.retrieved", retrieve_event(unique_suffix, 1), unique_suffix, timestamp=-(2**62))
    await asyncio.to_thread(producer.flush)
    await publish(service.settings, [(unique_suffix, retrieve_event(unique_suffix, 2))])

    async with service.running():
        await eventually(lambda: has_counted(service, unique_suffix, 2))


async def test_brokers_that_do_not_answer_are_an_error_and_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.pipeline.broker.brokers.REQUEST_SECONDS", 0.5)
    brokers = Brokers(KafkaSettings(kafka_bootstrap_servers="127.0.0.1:9"))
    for question in (
        brokers.unreadable(["a"]),
        brokers.spans(["a"]),
    ):
        try:
            await question
        except BrokerError:
            continue
        raise AssertionError


async def test_a_lone_event_does_not_wait_for_the_end_of_a_poll(kafka: KafkaUnderTest, unique_suffix: str) -> None:
    """Most of twenty events, half a second apart, are handed over within 50 ms."""
    settings = KafkaSettings(kafka_bootstrap_servers=kafka.bootstrap_servers)
    topic, seconds = f"lone.{unique_suffix}", list[float]()
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap_servers})
    await asyncio.to_thread(admin.create_topics([NewTopic(topic, 1, 1)])[topic].result)
    producer, stopping = Producer({"bootstrap.servers": kafka.bootstrap_servers}), asyncio.Event()
    consumer = reader(settings, unique_suffix, topic, seconds)
    running = asyncio.create_task(consumer.run(stopping))
    await eventually(lambda: consumer.is_reading)

    for _ in range(20):
        await asyncio.sleep(0.25)
        producer.produce(topic, b"lone")
        await asyncio.to_thread(producer.flush)
    await eventually(lambda: len(seconds) == 20)
    stopping.set()
    await running

    assert sorted(seconds)[10] < 0.05, seconds


def reader(settings: KafkaSettings, name: str, topic: str, seconds: list[float]) -> BatchConsumer[Sequence[Record]]:
    """A consumer that notes how old each message is when it is settled."""
    saved: dict[Partition, int] = {}

    async def load(partitions: Sequence[Partition]) -> dict[Partition, int]:
        return {name: saved[name] for name in partitions if name in saved}

    async def settle(batch: Batch, records: Sequence[Record]) -> None:
        saved.update(batch.ends)
        seconds.extend((datetime.now(UTC) - record.at).total_seconds() for record in records)

    return BatchConsumer(settings, name, [topic], load, lambda records: records, settle)


def shown_lags() -> list[float]:
    return [
        sample.value
        for metric in REGISTRY.collect()
        for sample in metric.samples
        if sample.name == "kafka_consumer_lag" and sample.labels["topic"] == "commitment.retrieved"
    ]


async def has_counted(service: CountingService, prefix: str, expected: int) -> bool:
    return await service.total(prefix) == expected
