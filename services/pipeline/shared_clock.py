"""Tells the database's time, the one clock that all processes share, without asking for it each time."""

from datetime import datetime, timedelta

from services.pipeline.clock import utc_now
from services.pipeline.lease_clock import Stopwatch, elapsed_seconds


class SharedClock:
    """Counts from what the database said last; before it has said anything, it is the clock of this machine.

    So what one process writes is due for another one at once, or after as long as is meant, also where the clock of
    its machine is wrong, or is set meanwhile.
    """

    def __init__(self, stopwatch: Stopwatch = elapsed_seconds) -> None:
        self._stopwatch = stopwatch
        self._said: tuple[datetime, float] | None = None

    @property
    def is_set(self) -> bool:
        """Whether the database has said what time it is."""
        return self._said is not None

    def set(self, at: datetime) -> None:
        """Note that the database has just said `at`."""
        self._said = at, self._stopwatch()

    def __call__(self) -> datetime:
        """Return the database's present time, or a little less."""
        if self._said is None:
            return utc_now()
        at, said_at = self._said
        return at + timedelta(seconds=self._stopwatch() - said_at)
