"""Tries what Kafka may allow a user, one operation on many topics or groups at a time, with plain clients."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, wait
from typing import Any

from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    ConsumerGroupTopicPartitions,
    KafkaError,
    KafkaException,
    Producer,
    TopicPartition,
)
from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
    ResourcePatternType,
    ResourceType,
)

from schemas.topics import PARTITIONS
from services.pipeline.settings import KafkaSettings

ANSWER_SECONDS = 60
"""How long a broker may take on a busy machine; what it allows and what it refuses, it says at once."""
SILENT = logging.getLogger(
    "tests.silent"
)  # what is fatal to a client, it writes to the terminal, unless it has a logger
SILENT.disabled = True
READABLE = "commitment.status"
REFUSALS = {
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.GROUP_AUTHORIZATION_FAILED,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
}
HARMLESS = {
    KafkaError.TOPIC_ALREADY_EXISTS,
    KafkaError.INVALID_PARTITIONS,
    KafkaError.POLICY_VIOLATION,  # a compacted topic deletes no messages
    KafkaError._PARTITION_EOF,
}
"""What is said to somebody who may, since the tests change nothing."""

Allowed = set[str]
Answers = Mapping[Any, Future[Any]]


class Attempts:
    """What one user tries; every method returns the topics or groups for which the brokers let it."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._config = settings.client_config() | {"log_level": 0}
        self._admin = AdminClient(self._config)

    def write(self, topics: Sequence[str]) -> Allowed:
        outcomes: dict[str, KafkaError | None] = {}
        producer = Producer(self._config | {"message.timeout.ms": ANSWER_SECONDS * 1000})
        for topic in topics:
            producer.produce(topic, b"{}", "probe", 0, lambda error, message: outcomes.update({message.topic(): error}))
        assert producer.flush(ANSWER_SECONDS) == 0
        return {topic for topic in topics if is_allowed(outcomes[topic])}

    def see(self, topics: Sequence[str]) -> Allowed:
        described = {topic: self._admin.list_topics(topic, ANSWER_SECONDS).topics[topic] for topic in topics}
        return {topic for topic in topics if is_allowed(described[topic].error)}

    def read(self, topics: Sequence[str]) -> Allowed:
        """Try to read what can be seen; of other topics, a consumer hears nothing at all."""
        waiting = self.see(topics)
        consumer = Consumer(
            self._config
            | {"group.id": "probe", "enable.partition.eof": True, "enable.auto.commit": False}
            | {"auto.offset.reset": "earliest", "fetch.wait.max.ms": 10}
        )
        consumer.assign([TopicPartition(topic, 0, OFFSET_BEGINNING) for topic in waiting])
        allowed: Allowed = set()
        while waiting:
            message = consumer.poll(ANSWER_SECONDS)
            assert message is not None, waiting
            topic = message.topic() or ""  # none, where it is about the group
            allowed |= {topic} if is_allowed(message.error()) else set()
            waiting.discard(topic)
        consumer.close()
        return allowed

    def read_settings(self, topics: Sequence[str]) -> Allowed:
        return settled(
            lambda: self._admin.describe_configs([resource(topic) for topic in topics]), lambda each: each.name
        )

    def change_settings(self, topics: Sequence[str]) -> Allowed:
        entry = ConfigEntry("segment.ms", "600000", incremental_operation=AlterConfigOpType.SET)
        changes = [resource(topic, [entry]) for topic in topics]
        return settled(
            lambda: self._admin.incremental_alter_configs(changes, validate_only=True), lambda each: each.name
        )

    def create(self, topics: Sequence[str]) -> Allowed:
        return settled(
            lambda: self._admin.create_topics([NewTopic(topic, 1, 1) for topic in topics], validate_only=True)
        )

    def add_partitions(self, topics: Sequence[str]) -> Allowed:
        more = [NewPartitions(topic, PARTITIONS + 1) for topic in topics]
        return settled(lambda: self._admin.create_partitions(more, validate_only=True))

    def delete(self, topics: Sequence[str]) -> Allowed:
        return settled(lambda: self._admin.delete_topics(list(topics)))

    def delete_messages(self, topics: Sequence[str]) -> Allowed:
        everything = [TopicPartition(topic, 0, 0) for topic in topics]
        return settled(lambda: self._admin.delete_records(everything), lambda each: each.topic)

    def move_offsets(self, groups: Iterable[str]) -> Allowed:
        """Try to say where each of `groups` goes on; what is said of the topic does not count."""
        return {group for group in groups if happens(lambda group=group: self._move_offset(group))}

    def see_groups(self, groups: Sequence[str]) -> Allowed:
        return settled(lambda: self._admin.describe_consumer_groups(list(groups)))

    def delete_groups(self, groups: Sequence[str]) -> Allowed:
        return settled(lambda: self._admin.delete_consumer_groups(list(groups)))

    def join(self, groups: Iterable[str], protocol: str) -> Allowed:
        """Try to become a member of each of `groups`, all at the same time."""
        members = {group: self._member(group, protocol) for group in groups}
        allowed = {group for group, member in members.items() if self._is_member(member)}
        for member in members.values():
            member.close()
        return allowed

    def use_transactions(self, name: str) -> Allowed:
        producer = Producer(self._config | {"transactional.id": name})
        return {name} if happens(lambda: producer.init_transactions(ANSWER_SECONDS)) else set()

    def allow_itself(self, principal: str) -> Allowed:
        """Try to give itself every right on every topic."""
        everything = AclBinding(
            ResourceType.TOPIC,
            "*",
            ResourcePatternType.LITERAL,
            principal,
            "*",
            AclOperation.ALL,
            AclPermissionType.ALLOW,
        )
        return settled(lambda: self._admin.create_acls([everything]), lambda each: each.name)

    def change_brokers(self) -> Allowed:
        entry = ConfigEntry("log.cleaner.threads", "1", incremental_operation=AlterConfigOpType.SET)
        brokers = ConfigResource(ResourceType.BROKER, "1", incremental_configs=[entry])
        return settled(
            lambda: self._admin.incremental_alter_configs([brokers], validate_only=True), lambda _: "brokers"
        )

    def _move_offset(self, group: str) -> None:
        wanted = ConsumerGroupTopicPartitions(group, [TopicPartition(READABLE, 0, 0)])
        [answer] = answered(lambda: self._admin.alter_consumer_group_offsets([wanted])).values()
        [partition] = answer.result().topic_partitions
        if partition.error is not None and partition.error.code() == KafkaError.GROUP_AUTHORIZATION_FAILED:
            raise KafkaException(partition.error)

    def _member(self, group: str, protocol: str) -> Consumer:
        member = Consumer(self._config | {"group.id": group, "group.protocol": protocol}, logger=SILENT)
        member.subscribe([READABLE])
        return member

    def _is_member(self, member: Consumer) -> bool:
        for _ in range(ANSWER_SECONDS * 10):
            message = member.poll(0.1)
            if message is not None and (error := message.error()) is not None:
                return is_allowed(error)
            if member.assignment():
                return True
        raise AssertionError("the brokers neither let it in nor refuse it")


def resource(topic: str, entries: list[ConfigEntry] | None = None) -> ConfigResource:
    return ConfigResource(ResourceType.TOPIC, topic, incremental_configs=entries)


def settled(ask: Callable[[], Answers], name: Callable[[Any], str] = str) -> Allowed:
    return {name(each) for each, answer in answered(ask).items() if happens(answer.result)}


def answered(ask: Callable[[], Answers]) -> Answers:
    """Return the answers; asked once more where the client never passes one on, which it seldom does."""
    for _ in range(2):
        answers = ask()
        if not wait(answers.values(), ANSWER_SECONDS).not_done:
            return answers
    raise TimeoutError


def happens(attempt: Callable[[], Any]) -> bool:
    try:
        attempt()
    except KafkaException as error:
        return is_allowed(error.args[0])
    return True


def is_allowed(error: KafkaError | None) -> bool:
    """Whether `error` is none, or says nothing about rights; fail for whatever else went wrong."""
    if error is None or error.code() in HARMLESS:
        return True
    is_group = error.code() == KafkaError._FATAL and "Group authorization failed" in error.str()
    assert error.code() in REFUSALS or is_group, error
    return False
