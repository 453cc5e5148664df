"""What is shown of each partition: how far it is processed, and what is behind that."""

from typing import Any

from prometheus_client import REGISTRY

from services.pipeline.broker.lag import forget_lag, measure_lag
from services.pipeline.broker.positions import Positions
from services.pipeline.records import Batch, Partition

PARTITION = Partition("shown.topic", 3)


class Watermarks:
    """A consumer that knows where its partitions end."""

    def __init__(self, high: int) -> None:
        self.high = high

    def get_watermark_offsets(self, _partition: Any, *, cached: bool) -> tuple[int, int]:
        assert cached
        return 0, self.high


def shown(name: str) -> float | None:
    return REGISTRY.get_sample_value(name, {"topic": PARTITION.topic, "partition": str(PARTITION.number)})


def measured(high: int, positions: Positions) -> tuple[float | None, float | None]:
    consumer: Any = Watermarks(high)
    measure_lag(consumer, positions, {})
    return shown("kafka_consumer_position"), shown("kafka_consumer_lag")


def test_the_position_moves_with_what_is_committed_and_not_with_what_arrives() -> None:
    positions = Positions()
    positions.assign({PARTITION: 10})
    batch = Batch([], {PARTITION: 10}, {PARTITION: 14})

    assert measured(14, positions) == (10, 4)
    positions.take(batch)
    assert measured(20, positions) == (10, 10)
    positions.keep(batch)
    assert measured(20, positions) == (14, 6)


def test_nothing_is_shown_of_a_partition_that_others_read() -> None:
    positions = Positions()
    positions.assign({PARTITION: 0})
    measured(1, positions)
    forget_lag([PARTITION, Partition("never.shown", 0)])

    assert (shown("kafka_consumer_position"), shown("kafka_consumer_lag")) == (None, None)
