"""The delays before retries and probes."""

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

    assert [policy.probe_delay(probes).total_seconds() for probes in range(3)] == [2, 4, 8]
