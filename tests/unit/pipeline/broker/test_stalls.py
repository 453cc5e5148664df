"""A partition stands still if it has messages and nothing is read from it."""

from services.pipeline.broker.positions import Positions
from services.pipeline.broker.stalls import CHECKS_WHILE_BUSY, Stalls
from services.pipeline.records import Partition, batch_of
from tests.unit.pipeline.samples import TOPIC, record

FIRST, SECOND = Partition(TOPIC, 0), Partition(TOPIC, 1)
HIGHS = {FIRST: 6, SECOND: 3}


def positions() -> Positions:
    made = Positions()
    made.assign({FIRST: 5, SECOND: 3})
    return made


def test_a_partition_that_is_behind_at_two_checks_and_not_read_in_between_stands_still() -> None:
    stalls, known = Stalls(), positions()

    assert not stalls.check(known, HIGHS, reads=0)
    assert stalls.check(known, HIGHS, reads=0)
    assert stalls.partitions == {FIRST}


def test_it_is_reported_as_new_only_once() -> None:
    stalls, known = Stalls(), positions()

    assert [stalls.check(known, HIGHS, reads=0) for _ in range(4)] == [False, True, False, False]


def test_a_partition_that_is_out_of_range_waits_for_a_person_and_not_for_a_recovery() -> None:
    stalls, known = Stalls(), positions()
    known.out_of_range.add(FIRST)

    assert [stalls.check(known, HIGHS, reads=0) for _ in range(4)] == [False] * 4
    assert not stalls.partitions


def test_a_partition_that_is_read_does_not_stand_still() -> None:
    stalls, known = Stalls(), positions()
    stalls.check(known, HIGHS, reads=0)
    known.take(batch_of([record(5)], known.taken))

    assert not stalls.check(known, HIGHS | {FIRST: 9}, reads=1)
    assert not stalls.partitions


def test_while_others_are_read_a_partition_may_have_to_wait_its_turn() -> None:
    stalls, known = Stalls(), positions()

    found = [stalls.check(known, HIGHS, reads=check + 1) for check in range(CHECKS_WHILE_BUSY + 1)]

    assert found == [False] * CHECKS_WHILE_BUSY + [True]


def test_it_is_forgotten_once_it_is_read_again() -> None:
    stalls, known = Stalls(), positions()
    stalls.check(known, HIGHS, reads=0)
    stalls.check(known, HIGHS, reads=0)

    stalls.forget_moved(known)
    assert stalls.partitions == {FIRST}

    known.take(batch_of([record(5)], known.taken))
    stalls.forget_moved(known)
    assert not stalls.partitions


def test_a_partition_that_is_no_longer_assigned_does_not_stand_still() -> None:
    stalls, known = Stalls(), positions()
    stalls.check(known, HIGHS, reads=0)
    stalls.check(known, HIGHS, reads=0)
    known.revoke([FIRST])

    stalls.forget_moved(known)

    assert not stalls.partitions


def test_marks_of_kafka_at_the_end_are_not_waited_for() -> None:
    stalls, known = Stalls(), positions()
    known.reach_end(FIRST, 6)

    assert not any(stalls.check(known, HIGHS, reads=0) for _ in range(3))
