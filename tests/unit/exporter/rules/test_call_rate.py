"""How many calls may begin in a minute."""

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.exporter.rules.call_rate import CALLS_PER_EXPORT, CallRate
from tests.unit.exporter.builders import NOW

MINUTE = timedelta(minutes=1)


@given(st.integers(4, 3_000), st.lists(st.floats(0, 20), min_size=1, max_size=300))
def test_no_minute_ever_has_more_calls_than_the_limit(per_minute: int, waits: list[float]) -> None:
    rate, full_at, now, calls = CallRate(per_minute), None, NOW, []
    for wait in waits:
        now += timedelta(seconds=wait)
        free = rate.free_calls(full_at, now)
        full_at = rate.charge(full_at, free, now)
        calls += [now] * free

    assert all(sum(first <= call < first + MINUTE for call in calls) <= per_minute for first in set(calls))


def test_calls_are_spread_over_the_minute() -> None:
    rate, full_at, now, exports = CallRate(60), None, NOW, 0
    while now < NOW + 10 * MINUTE:
        full_at = rate.charge(full_at, CALLS_PER_EXPORT, now)
        exports, now = exports + 1, rate.free_at(full_at, CALLS_PER_EXPORT, now)

    assert 9 * 60 <= exports * CALLS_PER_EXPORT <= 10 * 60


def test_calls_that_were_charged_and_not_made_are_given_back() -> None:
    rate = CallRate(60)
    full_at: datetime = rate.charge(rate.charge(None, 6, NOW), -2, NOW)

    assert rate.free_calls(full_at, NOW) == 2


def test_a_bucket_that_nobody_has_used_is_full() -> None:
    assert CallRate(60).free_calls(None, NOW) == 6
    assert CallRate(4).free_calls(None, NOW) == CALLS_PER_EXPORT
