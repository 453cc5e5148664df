"""A partition from which nothing is read is found when it was looked at twice."""

from services.digest.standing_still import StandingStill
from services.pipeline.records import Partition

ONE, TWO = Partition("commitment.status", 1), Partition("commitment.status", 2)


def test_a_partition_that_is_behind_twice_at_the_same_offset_stands_still() -> None:
    standing = StandingStill()
    assert standing.found({ONE: 3, TWO: 5}, {ONE: 9, TWO: 5}) == []
    assert standing.found({ONE: 3, TWO: 5}, {ONE: 9, TWO: 6}) == [ONE]
    assert standing.found({ONE: 3, TWO: 5}, {ONE: 9, TWO: 6}) == [ONE, TWO]


def test_a_partition_that_ends_before_what_was_read_earlier_was_made_anew() -> None:
    standing = StandingStill()
    assert standing.found({ONE: 9, TWO: 5}, {ONE: 9, TWO: 5}) == []
    assert standing.found({ONE: 9, TWO: 8}, {ONE: 2, TWO: 7}) == [ONE]


def test_a_partition_that_moves_or_ends_where_it_was_read_to_does_not() -> None:
    standing = StandingStill()
    assert standing.found({ONE: 3, TWO: 5}, {ONE: 9, TWO: 5}) == []
    assert standing.found({ONE: 4, TWO: 5}, {ONE: 99, TWO: 5}) == []
    assert standing.found({TWO: 5}, {ONE: 99, TWO: 5}) == []
