"""The delays before retries and probes."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from services.exporter.rules.policy import RetryPolicy, backoff_seconds


@given(st.integers(1, 1_000_000), st.floats(0.1, 10), st.floats(10, 1_000))
def test_delays_double_and_never_exceed_their_limit(attempt: int, first: float, most: float) -> None:
    delay = backoff_seconds(attempt, first, most)

    assert first <= delay <= most
    assert backoff_seconds(attempt + 1, first, most) in (most, 2 * delay)


def test_the_first_probe_is_due_after_its_own_delay() -> None:
    policy = RetryPolicy(first_probe_seconds=2)

    assert [policy.probe_delay(probes, "c-1").total_seconds() for probes in range(3)] == [2, 4, 8]


def test_a_thousand_exports_that_failed_together_do_not_come_back_together() -> None:
    policy = RetryPolicy(first_retry_seconds=64, max_retry_seconds=64, spread_share=0.5)
    delays = [policy.retry_delay(1, f"c-{number}").total_seconds() for number in range(1_000)]

    assert all(32 <= delay <= 64 for delay in delays)
    assert max(Counter(map(int, delays)).values()) < 60


def test_the_same_export_waits_equally_long_wherever_it_is_computed() -> None:
    policy = RetryPolicy(spread_share=0.5)

    assert policy.retry_delay(3, "c-1") == policy.retry_delay(3, "c-1") != policy.retry_delay(3, "c-2")


def test_no_spread_undercuts_what_the_erp_asked_for() -> None:
    assert RetryPolicy(spread_share=0.5).retry_delay(1, "c-1", 90).total_seconds() == 90
