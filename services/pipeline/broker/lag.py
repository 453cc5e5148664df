"""Shows operators how far a consumer group is behind: a metric, and commits that Kafka's own tools read.

Nothing reads these commits to decide where to continue; the offsets saved with the state do that.
"""

from collections.abc import Mapping

import structlog
from confluent_kafka import Consumer, KafkaException

from services.pipeline import metrics
from services.pipeline.broker.messages import at_offset
from services.pipeline.records import Partition

log = structlog.get_logger()


def commit_for_lag(consumer: Consumer, positions: Mapping[Partition, int | None]) -> None:
    """Commit `positions` in the background; closing the consumer waits for the answer."""
    known = [at_offset(partition, offset) for partition, offset in positions.items() if offset is not None]
    if not known:
        return
    try:
        consumer.commit(offsets=known, asynchronous=True)
    except KafkaException as error:
        log.info("consumer.lag_not_committed", cause=error.args[0].name())


def measure_lag(consumer: Consumer, positions: Mapping[Partition, int | None]) -> None:
    """Set the lag metric of every partition whose end is known."""
    for partition, offset in positions.items():
        try:
            _, high = consumer.get_watermark_offsets(at_offset(partition, None), cached=True)
        except KafkaException:
            continue  # no longer assigned; the rebalance callback will remove it
        if high >= 0 and offset is not None:
            metrics.CONSUMER_LAG.labels(partition.topic, partition.number).set(max(high - offset, 0))
