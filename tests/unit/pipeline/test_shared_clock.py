"""All processes go by the database's time, however wrong the clocks of their machines are."""

from datetime import UTC, datetime, timedelta

from services.pipeline.clock import utc_now
from services.pipeline.shared_clock import SharedClock

SAID = datetime(2026, 11, 30, 12, tzinfo=UTC)


def test_it_counts_from_what_the_database_said_last() -> None:
    seconds = iter([100.0, 107.5, 200.0, 200.0])
    clock = SharedClock(lambda: next(seconds))
    clock.set(SAID)
    assert clock() == SAID + timedelta(seconds=7.5)
    clock.set(SAID - timedelta(hours=1))
    assert clock() == SAID - timedelta(hours=1)


def test_before_the_database_has_said_anything_it_is_this_machines_clock() -> None:
    clock = SharedClock()
    assert not clock.is_set
    assert abs(clock() - utc_now()) < timedelta(minutes=1)
