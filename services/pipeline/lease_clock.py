"""Time for work under a lease: the database's clock decides, and a process only measures how much has passed since."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, DateTime, bindparam, func

DATABASE_NOW: ColumnElement[datetime] = func.coalesce(
    bindparam("now", type_=DateTime(timezone=True)), func.statement_timestamp()
)
"""The database's own time, the one clock that all processes share; unless the parameter `now` gives another one."""

_SIGHT = timedelta(days=1)

GivenTime = Callable[[], datetime | None]
"""Returns the parameter `now` of a statement with DATABASE_NOW: None, or the time that a test has set."""

Stopwatch = Callable[[], float]
"""Returns the seconds since some fixed moment."""

# a plain monotonic clock stands still while the machine is suspended, and leases expire meanwhile
_STEADY_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def within_sight(moment: ColumnElement[datetime], now: ColumnElement[datetime]) -> ColumnElement[datetime]:
    """Return `moment`, but at most a day from `now`, since it may be years away by mistake; not of an empty column."""
    return func.greatest(func.least(moment, now + _SIGHT), now - _SIGHT, type_=DateTime(timezone=True))


def own_time() -> None:
    """Leave the time to the database."""


def elapsed_seconds() -> float:
    """Return a number of seconds that never jumps, and also grows while the machine is suspended."""
    return time.clock_gettime(_STEADY_CLOCK)


@dataclass(frozen=True, slots=True)
class ClaimTime:
    """The database's time of a claim, and what this process has measured since; its own wall clock has no part in it.

    Neither answer errs in the dangerous direction, however long the statement took.
    """

    at: datetime
    asked_at: float
    answered_at: float
    stopwatch: Stopwatch
    handed_on_seconds: float = 0.0
    """How long before it the database had been asked, if this is not the time of a claim, but of a job handed on."""

    def now(self) -> datetime:
        """Return the database's present time, or a little less: counted from when its answer was here."""
        return self.at + timedelta(seconds=self.stopwatch() - self.answered_at)

    def handed_on(self) -> "ClaimTime":
        """Return the time of a job that is leased now, without asking the database again; as inexact as this one."""
        now = self.stopwatch()
        passed = now - self.answered_at
        asked_at = now - (self.answered_at - self.asked_at)
        at = self.at + timedelta(seconds=passed)
        return ClaimTime(at, asked_at, now, self.stopwatch, self.handed_on_seconds + passed)

    def remaining_seconds(self, lease_seconds: float) -> float:
        """Return how much of a lease is certainly left, counted from before the database was asked."""
        return lease_seconds - (self.stopwatch() - self.asked_at)


@dataclass(frozen=True, slots=True)
class LeaseClock:
    """The clocks of leased work."""

    given_time: GivenTime = own_time
    stopwatch: Stopwatch = elapsed_seconds

    def claim_time(self, at: datetime, asked_at: float) -> ClaimTime:
        """Return the time of a claim that was sent at `asked_at`, and for which the database has just answered `at`."""
        return ClaimTime(at, asked_at, self.stopwatch(), self.stopwatch)
