"""Asks the brokers what a consumer cannot tell, over a connection of its own that no fetch holds up.

It uses a second consumer that reads nothing, and not librdkafka's admin client: that one aborts the process when
brokers go away while it waits for them.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from time import monotonic, sleep
from typing import NamedTuple, TypeVar

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from services.pipeline.broker.troubles import Troubles
from services.pipeline.errors import BrokerError
from services.pipeline.records import Partition
from services.pipeline.settings import KafkaSettings

REQUEST_SECONDS = 3
PAUSE_SECONDS = 0.1
NOT_LED = (KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.LEADER_NOT_AVAILABLE)
"""The partition has just got another leader, or a first one, and not everybody knows it yet."""

T = TypeVar("T")


class Span(NamedTuple):
    """The offset of the oldest message that a partition keeps, and the one after its newest."""

    low: int
    high: int


class Brokers:
    """The cluster as its brokers see it; every method raises BrokerError if they do not answer in time."""

    def __init__(self, settings: KafkaSettings, group: str = "countersign.brokers") -> None:
        """`group` is not joined; but librdkafka asks who coordinates it, so it should be one that we may read with."""
        self._troubles = Troubles(settings)
        asking = {"group.id": group, "error_cb": self._troubles.callback}
        # the consumer and the producer of the process already log a broker that is away
        self._client = Consumer(settings.client_config() | asking | {"log_level": 0})
        self._is_closed = False

    def close(self) -> None:
        """Ask nothing more than the question that is under way."""
        self._is_closed = True

    async def unreadable(self, topics: Sequence[str]) -> Mapping[str, str]:
        """Return the reason for each of `topics` that does not exist or is hidden from us."""
        found = await asyncio.to_thread(lambda: {topic: self._describe(topic) for topic in topics})
        return {topic: each for topic, each in found.items() if isinstance(each, str)}

    async def spans(self, topics: Sequence[str]) -> Mapping[Partition, Span]:
        """Return the low and the high watermark of every partition of `topics`."""
        return await asyncio.to_thread(lambda: {each: self._span(each) for each in self._partitions(topics)})

    def _partitions(self, topics: Sequence[str]) -> list[Partition]:
        found = {topic: self._describe(topic) for topic in topics}
        missing = [f"{topic}: {each}" for topic, each in found.items() if isinstance(each, str)]
        if missing:
            raise BrokerError("; ".join(missing))
        return [Partition(topic, number) for topic, each in found.items() for number in each if isinstance(number, int)]

    def _describe(self, topic: str) -> Sequence[int] | str:
        """Return the numbers of the topic's partitions, or as text why there are none for us."""
        described = self._asked(lambda: self._client.list_topics(topic, timeout=REQUEST_SECONDS)).topics[topic]
        return list(described.partitions) if described.error is None else described.error.str()

    def _span(self, partition: Partition) -> Span:
        where = TopicPartition(partition.topic, partition.number)
        return Span(*self._asked(lambda: self._client.get_watermark_offsets(where, timeout=REQUEST_SECONDS)))

    def _asked(self, question: Callable[[], T]) -> T:
        if self._is_closed:
            raise BrokerError("The service ends.")
        try:
            return once_led(question)
        except KafkaException as error:
            why = self._troubles.explain(error.args[0], lambda: self._client.poll(0))
            raise BrokerError(why) from error
        finally:
            self._client.poll(0)  # or what it is told of brokers that are away piles up


def once_led(question: Callable[[], T], seconds: float = REQUEST_SECONDS) -> T:
    """Return the answer to `question`, which is asked again for as long while a partition has no known leader."""
    deadline = monotonic() + seconds
    while True:
        try:
            return question()
        except KafkaException as error:
            if error.args[0].code() not in NOT_LED or monotonic() > deadline:
                raise
        sleep(PAUSE_SECONDS)
