"""Keeps a periodic job that has become slow from taking more than a small share of the time."""

from collections.abc import Awaitable, Callable
from functools import wraps
from time import monotonic

from services.pipeline.periodic import SPARED

LARGEST_SHARE, SHARE_WHEN_SLOW = 0.01, 0.1
OLD_AFTER_SECONDS = 60.0
"""Whoever looks at an older gauge decides by what is no longer so; a larger share of the time is the lesser evil."""

Job = Callable[[], Awaitable[object]]


def sparing(job: Job, clock: Callable[[], float] = monotonic) -> Job:
    """Return `job`, which then does nothing until a hundred times as long has passed as its last run took.

    It pauses for at most a minute, unless ten times as long as the run took is more.
    """
    due_at, has_failed = 0.0, False

    @wraps(getattr(job, "func", job))
    async def run() -> object:
        nonlocal due_at, has_failed
        started_at = clock()
        if started_at < due_at:
            return SPARED if has_failed else None
        has_failed = True
        try:
            await job()
            has_failed = False
        finally:
            ended_at = clock()
            due_at = ended_at + _pause_seconds(ended_at - started_at)
        return None

    return run


def _pause_seconds(took: float) -> float:
    return max(min(took / LARGEST_SHARE, OLD_AFTER_SECONDS), took / SHARE_WHEN_SLOW)
