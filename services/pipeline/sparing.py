"""Keeps a periodic job that has become slow from taking more than a small share of the time."""

from collections.abc import Awaitable, Callable
from functools import wraps
from time import monotonic

from services.pipeline.periodic import SPARED

LARGEST_SHARE = 0.01

Job = Callable[[], Awaitable[object]]


def sparing(job: Job, clock: Callable[[], float] = monotonic) -> Job:
    """Return `job`, which then does nothing until a hundred times as long has passed as its last run took."""
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
            due_at = ended_at + (ended_at - started_at) / LARGEST_SHARE
        return None

    return run
