"""How far Faust has read, as a lag."""

import pytest

from services.digest.committed import Reading


@pytest.mark.parametrize(
    ("reading", "settled", "known_high", "lag"),
    [
        (Reading(None, 7, 7, is_under_way=False), 7, 9, None),
        (Reading(9, None, None, is_under_way=False), None, 0, None),
        (Reading(9, 7, 7, is_under_way=False), 7, 0, 2),
        (Reading(9, 7, 7, is_under_way=False), 7, 12, 5),
        (Reading(9, 9, 5, is_under_way=True), 7, 0, 2),
        (Reading(9, 9, 7, is_under_way=False), 7, 0, 0),  # what is behind the last message are marks of Kafka
        (Reading(9, 9, 9, is_under_way=False), None, 0, 0),  # another member has read all
        (Reading(9, 9, 4, is_under_way=True), None, 0, 5),
        (Reading(9, 9, None, is_under_way=True), None, 0, None),
        (Reading(9, 3, None, is_under_way=False), None, 0, 6),  # nobody has read anything, and 3 are no longer kept
        (Reading(9, 12, 12, is_under_way=False), 12, 0, 0),
    ],
)
def test_the_lag_is_what_is_not_processed(
    reading: Reading, settled: int | None, known_high: int, lag: int | None
) -> None:
    assert reading.lag(settled, known_high) == lag
