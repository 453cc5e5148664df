"""Reads whole topics from their beginning, without joining a consumer group."""

from collections.abc import Mapping, Sequence
from time import monotonic, sleep

from confluent_kafka import OFFSET_END, Consumer, KafkaException, TopicPartition

from services.pipeline.broker.messages import LIBRDKAFKA_LOG, at_offset, consumer_config, record_of
from services.pipeline.errors import BrokerError
from services.pipeline.records import Partition, Record
from services.pipeline.settings import KafkaSettings

POLL_SECONDS = 0.1
BATCH_RECORDS = 500
METADATA_TIMEOUT_SECONDS = 15


class TopicReader:
    """Everything on some topics, each partition in its order. For tools and tests; all methods block."""

    def __init__(self, settings: KafkaSettings, topics: Sequence[str]) -> None:
        self._consumer = Consumer(consumer_config(settings, "countersign.reader"), logger=LIBRDKAFKA_LOG)
        described = self._consumer.list_topics(timeout=METADATA_TIMEOUT_SECONDS).topics
        self._partitions = [Partition(topic, number) for topic in topics for number in described[topic].partitions]
        self._next = dict.fromkeys(self._partitions, 0)
        self._consumer.assign([at_offset(partition, None) for partition in self._partitions])

    def read(self, timeout_seconds: float = POLL_SECONDS) -> list[Record]:
        """Return the next records, an empty list if none arrives in time."""
        first = self._consumer.poll(timeout_seconds)
        if first is None:
            return []
        messages = [first, *self._consumer.consume(BATCH_RECORDS - 1, 0)]
        records = [record_of(message) for message in messages if message.error() is None]
        self._next.update({record.partition: record.offset + 1 for record in records})
        return records

    def ends(self) -> dict[Partition, int]:
        """Return the current high watermark of every partition; BrokerError if Kafka does not answer in time."""
        deadline = monotonic() + METADATA_TIMEOUT_SECONDS
        while (ends := self._ends()) is None:
            if monotonic() > deadline:
                raise BrokerError("Kafka does not report where the partitions end.")
            sleep(POLL_SECONDS)
        return ends

    def _ends(self) -> dict[Partition, int] | None:
        """Return the high watermarks, None while a new partition has no leader yet."""
        # One request for all: asked one by one, each answer would wait up to 0.1 s behind a fetch.
        wanted = [TopicPartition(partition.topic, partition.number, OFFSET_END) for partition in self._partitions]
        try:
            found = self._consumer.offsets_for_times(wanted, timeout=5)
        except KafkaException:
            return None
        if any(each.error for each in found):
            return None
        return {Partition(each.topic, each.partition): each.offset for each in found}

    def has_reached(self, ends: Mapping[Partition, int]) -> bool:
        """Whether everything before `ends` has been read."""
        everywhere = self._consumer.position([at_offset(partition, None) for partition in self._partitions])
        positions = {Partition(each.topic, each.partition): each.offset for each in everywhere}
        return all(max(positions[name], self._next[name]) >= end or end == 0 for name, end in ends.items())

    def close(self) -> None:
        """Close the connection to Kafka."""
        self._consumer.close()
