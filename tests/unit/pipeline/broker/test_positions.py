"""What a member knows about its partitions while batches are under way."""

from services.pipeline.broker.positions import Positions
from services.pipeline.records import Batch, Partition, batch_of
from tests.unit.pipeline.samples import TOPIC, record

FIRST, SECOND = Partition(TOPIC, 0), Partition(TOPIC, 1)


def positions() -> Positions:
    made = Positions()
    made.assign({FIRST: 5, SECOND: None})
    return made


def batch(known: Positions) -> Batch:
    return batch_of([record(5), record(6)], known.taken)


def test_a_batch_that_is_taken_is_not_kept_until_it_is_committed() -> None:
    known = positions()
    taken = batch(known)

    known.take(taken)
    assert (known.taken[FIRST], known.kept[FIRST]) == (7, 5)
    assert not known.differ_from({FIRST: 5})

    known.keep(taken)
    assert known.kept[FIRST] == 7
    assert known.differ_from({FIRST: 5})


def test_a_batch_that_is_committed_after_its_partition_was_revoked_brings_nothing_back() -> None:
    known = positions()
    taken = batch(known)
    known.take(taken)

    known.revoke([FIRST])
    known.keep(taken)

    assert known.partitions == [SECOND]


def test_after_a_reset_reading_continues_from_the_saved_offsets() -> None:
    known = positions()
    known.take(batch(known))
    known.out_of_range.add(FIRST)

    known.reset({FIRST: 2})

    assert known.taken == known.kept == {FIRST: 2, SECOND: None}
    assert not known.out_of_range


def test_the_lag_counts_from_what_is_committed() -> None:
    known = positions()
    assert (known.lag(FIRST, 10), known.lag(SECOND, 3)) == (5, 3)

    known.take(batch(known))
    assert known.lag(FIRST, 10) == 5


def test_marks_of_kafka_at_the_end_of_a_partition_are_no_lag() -> None:
    """The last offset of a transaction holds no message, so no position ever passes it."""
    known = positions()
    known.reach_end(FIRST, 6)
    assert (known.lag(FIRST, 6), known.reached(FIRST)) == (0, 6)

    known.reset({FIRST: 2})
    assert known.lag(FIRST, 6) == 4
