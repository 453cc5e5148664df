"""Reads with Faust only what transactions have committed, and tells how far it has read."""

import logging
from dataclasses import dataclass
from typing import Any

from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, Consumer, Transport

from services.digest.any_headers import read_any_headers

# by this name Faust logs starts, ends and tracebacks of what is defined here; the projection says why an app has ended
logging.getLogger(__name__).setLevel(logging.CRITICAL)


class _CommittedThread(AIOKafkaConsumerThread):
    def _create_worker_consumer(self, transport: Any) -> Any:
        """Create the client; Faust offers this isolation only to apps that write with transactions themselves."""
        read_any_headers()
        client = super()._create_worker_consumer(transport)
        client._isolation_level = "read_committed"  # noqa: SLF001 - read when the client starts
        return client


class _CommittedConsumer(Consumer):
    def _new_consumer_thread(self) -> AIOKafkaConsumerThread:
        return _CommittedThread(self, loop=self.loop, beacon=self.beacon)


class CommittedTransport(Transport):
    """Reads with isolation `read_committed`."""

    Consumer = _CommittedConsumer


@dataclass(frozen=True, slots=True)
class Reading:
    """How far Faust has read one partition; every offset is None while it is unknown.

    `high` is where the partition ends, `fetched` is the next offset that its client asks for, beyond marks of Kafka's
    own, and `delivered` is the last message that Faust has handed out.
    """

    high: int | None
    fetched: int | None
    delivered: int | None

    def lag(self, settled: int, known_high: int = 0) -> int | None:
        """Return how many offsets are not processed, if all messages before `settled` are.

        `known_high` is where the brokers said that the partition ends; what was fetched last may be older.
        """
        if self.high is None:
            return None
        is_waiting = self.delivered is not None and self.delivered >= settled
        passed = settled if is_waiting else max(settled, self.fetched or 0)
        return max(max(self.high, known_high) - passed, 0)


def reading_of(app: Any, partition: Any) -> Reading:
    """Return how far `app` has read `partition`, which is assigned to it."""
    consumer = app.consumer
    client = consumer._thread._consumer  # noqa: SLF001 - Faust shows no positions
    assignment = client._subscription.subscription.assignment if client else None  # noqa: SLF001 - as above
    state = assignment.state_value(partition) if assignment else None
    fetched = state._position if state else None  # noqa: SLF001 - its property raises while it is unknown
    return Reading(consumer.highwater(partition), fetched, consumer._read_offset[partition])  # noqa: SLF001 - as above
