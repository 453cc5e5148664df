"""Shows operators how far a consumer group is behind: a metric, and commits that Kafka's own tools read.

Nothing reads these commits to decide where to continue; the offsets saved with the state do that.
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from time import monotonic

import structlog
from confluent_kafka import Consumer, KafkaException

from services.pipeline import metrics
from services.pipeline.broker.messages import at_offset
from services.pipeline.broker.positions import Offsets, Positions
from services.pipeline.records import Partition

LAG_SECONDS = 1.0
IDLE_LAG_SECONDS = 5.0

log = structlog.get_logger()


class LagReport:
    """Shows the lag every LAG_SECONDS while it changes by what this member does, else every IDLE_LAG_SECONDS."""

    def __init__(self) -> None:
        self._shown: Offsets = {}
        self._looked_at = 0.0
        self._shown_at = 0.0

    def show(self, consumer: Consumer, positions: Positions, highs: Mapping[Partition, int]) -> None:
        """Commit `positions` and set the lag metric, if that is due."""
        now = monotonic()
        if now - self._looked_at < LAG_SECONDS:
            return
        self._looked_at = now
        if positions.kept == self._shown and now - self._shown_at < IDLE_LAG_SECONDS:
            return
        self._shown, self._shown_at = dict(positions.kept), now
        commit_for_lag(consumer, positions)
        measure_lag(consumer, positions, highs)


def commit_for_lag(consumer: Consumer, positions: Positions) -> None:
    """Commit `positions` in the background; closing the consumer waits for the answer."""
    known = [at_offset(partition, offset) for partition, offset in positions.kept.items() if offset is not None]
    if not known:
        return
    try:
        consumer.commit(offsets=known, asynchronous=True)
    except KafkaException as error:
        log.info("consumer.lag_not_committed", cause=error.args[0].name())


def measure_lag(consumer: Consumer, positions: Positions, highs: Mapping[Partition, int]) -> None:
    """Set the lag metric of every partition whose end is known: from the last fetch, or from `highs` if that is later.

    While a partition is paused or cannot be read, there is no fetch that would tell.
    """
    for partition in positions.partitions:
        try:
            _, fetched = consumer.get_watermark_offsets(at_offset(partition, None), cached=True)
        except KafkaException:
            fetched = -1  # no longer assigned; the rebalance callback will remove it
        high = max(fetched, highs.get(partition, -1))
        if high >= 0:
            lag = positions.lag(partition, high)
            show_progress(partition, high - lag, lag)


def show_progress(partition: Partition, position: int, lag: int) -> None:
    """Set the metrics of one partition: what is processed up to, and how many messages are behind that."""
    metrics.CONSUMER_LAG.labels(partition.topic, partition.number).set(lag)
    metrics.CONSUMER_POSITION.labels(partition.topic, partition.number).set(position)


def forget_lag(partitions: Iterable[Partition]) -> None:
    """Remove the metrics of partitions that this process does not read any more."""
    for partition in partitions:
        for shown in (metrics.CONSUMER_LAG, metrics.CONSUMER_POSITION):
            with suppress(KeyError):  # nothing was measured yet
                shown.remove(partition.topic, partition.number)
