"""Whether Kafka answers, has what our consumers need, and keeps our topics as promised."""

import asyncio
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from schemas.topics import PARTITIONS, TOPICS, Topic
from services.doctor.findings import Finding, not_checked, ok, or_ok, warning, wrong
from services.doctor.surroundings import Surroundings
from services.pipeline.behind import in_words
from services.pipeline.broker.inquiry import Cluster, TopicShape
from services.pipeline.records import Partition
from services.pipeline.topic_settings import WrongSetting, wrong_settings

REPLICAS = 3
MIN_IN_SYNC = 2
FUTURE = timedelta(minutes=1)
_PROTOCOLS = "group.coordinator.rebalance.protocols"
_REPLICATE = "With kafka-reassign-partitions.sh, give each partition three replicas; docs/operations.md, “Kafka”."
_CREATE = "countersign topics"


async def check_kafka(around: Surroundings) -> list[Finding]:
    """Whether brokers answer, and know the protocol that our consumers use."""
    cluster = await around.cluster()
    settings = await asyncio.to_thread(around.inquiry().broker_settings, cluster.brokers[0])
    return judge_brokers(cluster.brokers, settings, around.kafka().kafka_group_protocol)


def judge_brokers(brokers: tuple[int, ...], settings: Mapping[str, str] | None, protocol: str) -> list[Finding]:
    """Return what to think of these brokers, with the settings of one of them."""
    names = ", ".join(map(str, brokers))
    found = [ok("brokers", f"{len(brokers)} answer: {names}")]
    if len(brokers) < REPLICAS:
        text = f"{len(brokers)} of {REPLICAS}: a broker that is lost takes messages with it"
        found = [warning("brokers", text, "Run three brokers or more; docs/operations.md, “Kafka”.")]
    if settings is None:
        return [*found, not_checked("broker settings", "the broker does not let us read them: allow DescribeConfigs")]
    known = settings.get(_PROTOCOLS, "classic").replace(" ", "").split(",")
    if protocol not in known:
        remedy = f"Set KAFKA_GROUP_PROTOCOL={known[0]}, or update the brokers to Kafka 4."
        found.append(wrong("group protocol", f"the brokers do not offer {protocol!r} (KIP-848)", remedy))
    else:
        found.append(ok("group protocol", f"the brokers offer {protocol!r}"))
    if settings.get("auto.create.topics.enable") == "true":
        text = "a reader can create topics with too few partitions"
        found.append(warning("auto.create.topics.enable", text, "Set it to false on the brokers."))
    return found


async def check_topics(around: Surroundings) -> list[Finding]:
    """Whether every topic exists, with enough partitions, replicas and time."""
    cluster = await around.cluster()
    existing = [each for each in TOPICS if each.name in cluster.topics]
    described = await asyncio.to_thread(around.inquiry().topic_settings, [each.name for each in existing])
    found = [finding for each in TOPICS for finding in judge_shape(each.name, cluster)]
    for topic in existing:
        found += judge_settings(topic, described.get(topic.name), cluster.topics[topic.name])
    return or_ok(found, "all", f"{len(TOPICS)} topics exist, and keep messages as promised")


def judge_shape(name: str, cluster: Cluster) -> list[Finding]:
    """Return what is wrong with the partitions of a topic and their replicas."""
    shape = cluster.topics.get(name)
    if shape is None:
        return [wrong(name, "does not exist", _CREATE)]
    return [*_judge_partitions(name, shape), *_judge_replicas(name, shape, len(cluster.brokers))]


def _judge_partitions(name: str, shape: TopicShape) -> Iterable[Finding]:
    if shape.partitions < PARTITIONS:
        remedy = f"kafka-topics.sh --alter --topic {name} --partitions {PARTITIONS}"
        yield wrong(name, f"has {shape.partitions} partitions of {PARTITIONS}: fewer processes share the work", remedy)
    elif shape.partitions > PARTITIONS:
        yield warning(
            name, f"has {shape.partitions} partitions, more than {PARTITIONS}; that works, and cannot be undone"
        )
    if shape.without_leader:
        numbers = ", ".join(map(str, shape.without_leader))
        yield wrong(name, f"has no leader for partition {numbers}", "Start the brokers that hold its replicas.")


def _judge_replicas(name: str, shape: TopicShape, brokers: int) -> Iterable[Finding]:
    if brokers >= REPLICAS and shape.replicas < REPLICAS:
        yield wrong(name, f"has {shape.replicas} replicas: messages can be lost with a broker", _REPLICATE)
    if shape.in_sync < shape.replicas:
        text = f"has {shape.in_sync} replicas in sync of {shape.replicas}"
        yield warning(name, text, "See which broker is down or slow.")


def _needed(setting: WrongSetting) -> str:
    return f"at least {setting.wanted}" if setting.wanted.isdecimal() else setting.wanted


def judge_settings(topic: Topic, current: Mapping[str, str] | None, shape: TopicShape) -> list[Finding]:
    """Return what a topic keeps less than promised, None of `current` are settings that we may not read."""
    if current is None:
        return [not_checked(topic.name, "the broker does not let us read its settings: allow DescribeConfigs")]
    found = [
        wrong(topic.name, f"{each.setting} is {each.value}; {_needed(each)} is needed", _CREATE)
        for each in wrong_settings(topic, current)
    ]
    in_sync = int(current.get("min.insync.replicas", "1"))
    if shape.replicas >= REPLICAS and in_sync < MIN_IN_SYNC:
        text = f"min.insync.replicas is {in_sync}: a message that is acknowledged can be lost with one broker"
        command = f"kafka-configs.sh --alter --topic {topic.name} --add-config min.insync.replicas={MIN_IN_SYNC}"
        found.append(wrong(topic.name, text, command))
    return found


async def check_message_times(around: Surroundings) -> list[Finding]:
    """Whether messages come from the future, which a wrong clock of a producer causes; Kafka itself tells no time."""
    cluster = await around.cluster()
    named = [Partition(each.name, n) for each in TOPICS for n in range(_partitions(cluster, each.name))]
    newest = await asyncio.to_thread(around.inquiry().newest_times, named)
    return judge_message_times(newest, around.clock())


def _partitions(cluster: Cluster, name: str) -> int:
    return cluster.topics[name].partitions if name in cluster.topics else 0


def judge_message_times(newest: Mapping[Partition, datetime], now: datetime) -> list[Finding]:
    """Return the topics with messages from the future."""
    ahead: dict[str, float] = {}
    for partition, at in newest.items():
        if at - now > FUTURE:
            ahead[partition.topic] = max(ahead.get(partition.topic, 0.0), (at - now).total_seconds())
    remedy = "Set the clock of whoever publishes there, or ours (NTP): ages and retention follow these times."
    found = [
        warning(name, f"has a message from {in_words(seconds)} in the future", remedy)
        for name, seconds in ahead.items()
    ]
    return or_ok(found, "messages", "none is from the future")
