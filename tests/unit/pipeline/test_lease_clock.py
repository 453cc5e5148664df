"""A lease's holder relies on the database's time and on what it measured since, never on its own wall clock."""

from datetime import UTC, datetime, timedelta

from services.pipeline.lease_clock import LeaseClock, elapsed_seconds

NOW = datetime(2026, 11, 28, 9, tzinfo=UTC)


class Stopwatch:
    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def test_a_lease_counts_from_before_the_database_was_asked() -> None:
    stopwatch = Stopwatch()
    clock = LeaseClock(stopwatch=stopwatch)
    asked_at = stopwatch()
    stopwatch.seconds += 4  # the database takes its time
    claimed = clock.claim_time(NOW, asked_at)
    stopwatch.seconds += 10

    assert claimed.remaining_seconds(20) == 6


def test_the_present_counts_from_when_the_database_had_answered() -> None:
    stopwatch = Stopwatch()
    clock = LeaseClock(stopwatch=stopwatch)
    asked_at = stopwatch()
    stopwatch.seconds += 4
    claimed = clock.claim_time(NOW, asked_at)
    stopwatch.seconds += 10

    assert claimed.now() == NOW + timedelta(seconds=10)


def test_the_database_is_asked_for_the_time_unless_a_test_gives_one() -> None:
    assert LeaseClock().given_time() is None


def test_the_stopwatch_only_moves_forward() -> None:
    readings = [elapsed_seconds() for _ in range(100)]

    assert readings == sorted(readings)
