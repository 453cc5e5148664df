"""Times and counts in words."""

from datetime import UTC, datetime, timedelta

import pytest

from services.approval.rules.times import ago, every, next_time, ordinal

NOW = datetime(2026, 11, 16, 15, 13, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-300, "less than a minute ago"),
        (0, "less than a minute ago"),
        (59, "less than a minute ago"),
        (60, "1 minute ago"),
        (11 * 60 + 59, "11 minutes ago"),
        (3600, "1 hour ago"),
        (26 * 3600, "1 day ago"),
        (72 * 3600, "3 days ago"),
    ],
)
def test_how_long_ago_is_told_in_the_largest_unit(seconds: int, words: str) -> None:
    assert ago(NOW - timedelta(seconds=seconds), NOW) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (1, "every second"),
        (60, "every minute"),
        (90, "every 90 seconds"),
        (300, "every 5 minutes"),
        (5400, "every 90 minutes"),
        (3600, "every hour"),
        (86400, "every day"),
    ],
)
def test_an_interval_is_told_without_a_rest(seconds: int, words: str) -> None:
    assert every(seconds) == words


@pytest.mark.parametrize(
    ("place", "words"),
    [
        (1, "1st"), (2, "2nd"), (3, "3rd"), (4, "4th"), (10, "10th"), (11, "11th"), (12, "12th"), (13, "13th"),
        (21, "21st"), (101, "101st"), (111, "111th"), (1013, "1,013th"), (1023, "1,023rd"),
    ],
)  # fmt: skip
def test_a_place_is_an_ordinal(place: int, words: str) -> None:
    assert ordinal(place) == words


def test_a_time_that_is_over_is_no_promise() -> None:
    at = datetime(2026, 11, 16, 15, 2, tzinfo=UTC)
    words = ("asks again", "should have asked again")
    assert next_time(at, at - timedelta(seconds=1), "UTC", *words) == "asks again at Nov 16, 2026, 15:02 UTC"
    assert next_time(at, at, "UTC", *words) == "should have asked again at Nov 16, 2026, 15:02 UTC"
