"""Reads whole topics from their beginning, without a consumer group."""

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
    """Everything on some topics, in the order of each partition: for tools, projections' re-reads and tests."""

    def __init__(self, settings: KafkaSettings, topics: Sequence[str]) -> None:
        self._consumer = Consumer(consumer_config(settings, "countersign.reader"), logger=LIBRDKAFKA_LOG)
        described = self._consumer.list_topics(timeout=METADATA_TIMEOUT_SECONDS).topics
        self._names = [Partition(topic, number) for topic in topics for number in described[topic].partitions]
        self._next = dict.fromkeys(self._names, 0)
        self._consumer.assign([at_offset(name, None) for name in self._names])

    def read(self, timeout_seconds: float = POLL_SECONDS) -> list[Record]:
        """Return the next records, an empty list where none came in time. Blocks: call it in a thread."""
        first = self._consumer.poll(timeout_seconds)
        if first is None:
            return []
        messages = [first, *self._consumer.consume(BATCH_RECORDS - 1, 0)]
        records = [record_of(message) for message in messages if message.error() is None]
        self._next.update({record.partition: record.offset + 1 for record in records})
        return records

    def ends(self) -> dict[Partition, int]:
        """Return the high watermark of every partition, as the broker tells it now."""
        deadline = monotonic() + METADATA_TIMEOUT_SECONDS
        while (ends := self._ends()) is None:
            if monotonic() > deadline:
                raise BrokerError("Kafka does not tell where the partitions end.")
            sleep(POLL_SECONDS)
        return ends

    def _ends(self) -> dict[Partition, int] | None:
        """Return the high watermarks, None as long as a young partition has no leader."""
        # One request for all: asked one by one, each answer would wait behind a fetch, 0.1 s long.
        newest = [TopicPartition(name.topic, name.number, OFFSET_END) for name in self._names]
        try:
            told = self._consumer.offsets_for_times(newest, timeout=5)
        except KafkaException:
            return None
        if any(each.error for each in told):
            return None
        return {Partition(each.topic, each.partition): each.offset for each in told}

    def has_reached(self, ends: Mapping[Partition, int]) -> bool:
        """Whether everything before `ends` has been read; an empty partition has been."""
        positions = {Partition(p.topic, p.partition): p.offset for p in self._consumer.position(self._at_all())}
        return all(max(positions[name], self._next[name]) >= end or end == 0 for name, end in ends.items())

    def _at_all(self) -> list[TopicPartition]:
        return [at_offset(name, None) for name in self._names]

    def close(self) -> None:
        """Leave Kafka."""
        self._consumer.close()
