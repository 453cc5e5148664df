"""Repeats jobs for as long as a service runs, such as refreshing gauges or deleting expired rows."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from services.pipeline import metrics
from services.pipeline.database import DATABASE_ERRORS
from services.pipeline.logs import FailureLog

Loop = Callable[[asyncio.Event], Awaitable[None]]
"""Runs until its event is set."""

SPARED = object()
"""What a job returns that does not run this time, after a run that failed: that is no success."""
MAX_BACK_OFF_SECONDS = 60.0
REPORT_SECONDS = 60.0


def every(seconds: float, job: Callable[[], Awaitable[object]], *, first_after_seconds: float = 0.0) -> Loop:
    """Return a loop that runs `job`, waits `seconds`, and repeats until its event is set.

    After an error the next run tries again, and later each time if the database is not to blame: one odd row must not
    end a service. The same error is logged at most once a minute. A metric tells when it last ended without one.
    """
    succeeded = metrics.PERIODIC_SUCCESS.labels(_name(job))

    async def run(stopping: asyncio.Event) -> None:
        failure_log, failures = FailureLog(every_seconds=REPORT_SECONDS), 0
        metrics.PERIODIC_INTERVAL_SECONDS.labels(_name(job)).set(max(seconds, first_after_seconds))
        succeeded.set_to_current_time()
        is_stopping = await is_set_within(stopping, first_after_seconds)
        while not is_stopping:
            try:
                if await job() is not SPARED:
                    succeeded.set_to_current_time()
                failures = 0
            except Exception as error:  # noqa: BLE001 - a defect in one job must not end the service
                is_expected = isinstance(error, DATABASE_ERRORS)
                failures = 0 if is_expected else failures + 1
                report = failure_log.expected if is_expected else failure_log.defect
                report("periodic.failed", error, job=_name(job))
            is_stopping = await is_set_within(stopping, pause_seconds(seconds, failures))

    return run


def pause_seconds(seconds: float, failures: int) -> float:
    """Return how long to wait for the next run after so many `failures` in a row."""
    return max(min(seconds * 2.0 ** min(failures - 1, 20), MAX_BACK_OFF_SECONDS), seconds) if failures else seconds


async def is_set_within(event: asyncio.Event, seconds: float) -> bool:
    """Wait up to `seconds` for `event`; return whether it is set."""
    if seconds > 0:
        with suppress(TimeoutError):
            await asyncio.wait_for(event.wait(), seconds)
    return event.is_set()


def _name(job: Callable[[], Awaitable[object]]) -> str:
    return str(getattr(job, "__qualname__", None) or getattr(getattr(job, "func", job), "__qualname__", job))
