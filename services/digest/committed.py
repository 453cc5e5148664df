"""Reads with Faust only what transactions have committed, and tells how far it has read."""

import logging
from dataclasses import dataclass
from typing import Any

from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, Consumer, Transport

from services.digest.any_headers import read_any_headers
from services.pipeline.records import Partition

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
    own, and `committed` is where the group continues. With `is_under_way`, messages were handed out and not processed.
    """

    high: int | None
    fetched: int | None
    committed: int | None
    is_under_way: bool

    def lag(self, settled: int | None, known_high: int = 0) -> int | None:
        """Return how many offsets are not processed; None while that is unknown.

        All messages before `settled` are; with None, none was read since the partition was assigned. `known_high` is
        where the brokers said that it ends; what was fetched last may be older.
        """
        done = self.committed if settled is None else settled
        passed = [offset for offset in (done, None if self.is_under_way else self.fetched) if offset is not None]
        if self.high is None or not passed:
            return None
        return max(max(self.high, known_high) - max(passed), 0)


def readings_of(app: Any) -> dict[Partition, Reading]:
    """Return how far `app` has read each partition that is assigned to it."""
    consumer = app.consumer
    client = consumer._thread._consumer  # noqa: SLF001 - Faust shows no positions
    assignment = client._subscription.subscription.assignment if client else None  # noqa: SLF001 - as above
    under_way = {message.tp for message in consumer.unacked if not message.acked}
    found = {}
    for each in consumer.assignment():
        state = assignment.state_value(each) if assignment else None
        fetched = state._position if state else None  # noqa: SLF001 - its property raises while it is unknown
        committed = consumer._committed_offset[each]  # noqa: SLF001 - as above
        found[Partition(each.topic, each.partition)] = Reading(
            consumer.highwater(each), fetched, committed, each in under_way
        )
    return found
