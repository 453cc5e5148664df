"""Where the partition of a key ends in some topics, asked on demand within a short time."""

import asyncio
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

from confluent_kafka import Consumer, KafkaException, TopicPartition, murmur2

from schemas.topics import PARTITIONS
from services.pipeline.errors import BrokerError
from services.pipeline.records import Partition
from services.pipeline.settings import KafkaSettings

_LATEST = -1
"""Asks for the end of a partition where others ask for a time."""


class Tail(NamedTuple):
    """The partition of a key, where it ends, and what its group has committed; None where that is not known."""

    partition: Partition
    end: int | None = None
    committed: int | None = None


def without_kafka(topics: Sequence[str], key: str) -> Mapping[str, Tail]:
    """Return the partitions of `key`, if the topics have as many as ours are created with."""
    number = murmur2(key.encode("utf-8", "surrogatepass"), PARTITIONS)
    return {topic: Tail(Partition(topic, number)) for topic in topics}


class Tails:
    """Asks the brokers, over a connection that is opened at the first question.

    With `group`, its committed offsets are asked for as well: where a service keeps its offsets in Kafka alone.
    """

    def __init__(self, settings: KafkaSettings, seconds: float, group: str | None = None) -> None:
        self._settings = settings
        self._seconds = seconds
        self._group = group

    async def of(self, topics: Sequence[str], key: str) -> Mapping[str, Tail]:
        """Return where the partition of `key` ends in each of `topics`; BrokerError if the brokers do not say it."""
        client = self._client  # made here and not in the thread, so that several at once do not make several
        return await asyncio.to_thread(self._of, client, topics, key.encode("utf-8", "surrogatepass"))

    @cached_property
    def _client(self) -> Consumer:
        group = self._group or "countersign.tails"
        own = {"group.id": group, "enable.auto.commit": False}
        return Consumer(self._settings.client_config() | own | {"log_level": 0})

    def _of(self, client: Consumer, topics: Sequence[str], key: bytes) -> Mapping[str, Tail]:
        try:
            counts = self._partition_counts(client, topics)
            wanted = [TopicPartition(topic, murmur2(key, count), _LATEST) for topic, count in counts.items()]
            ends = client.offsets_for_times(wanted, timeout=self._seconds)
            committed = self._committed(client, ends)
        except KafkaException as error:
            raise BrokerError(error.args[0].str()) from error
        return {each.topic: _tail(each, committed.get(each.topic)) for each in ends}

    def _partition_counts(self, client: Consumer, topics: Sequence[str]) -> Mapping[str, int]:
        known = client.list_topics(timeout=self._seconds).topics
        return {topic: len(known[topic].partitions) for topic in topics if topic in known and known[topic].partitions}

    def _committed(self, client: Consumer, partitions: Sequence[TopicPartition]) -> Mapping[str, int]:
        if self._group is None:
            return {}
        asked = [TopicPartition(each.topic, each.partition) for each in partitions]
        found = client.committed(asked, timeout=self._seconds)
        return {each.topic: each.offset for each in found if each.error is None and each.offset >= 0}


def _tail(found: TopicPartition, committed: int | None) -> Tail:
    end = found.offset if found.error is None and found.offset >= 0 else None
    return Tail(Partition(found.topic, found.partition), end, committed)
