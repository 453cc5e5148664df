"""Repeats jobs for as long as a service runs, such as refreshing gauges or deleting expired rows."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import structlog

from services.pipeline.database import DATABASE_ERRORS
from services.pipeline.seldom import Seldom

Loop = Callable[[asyncio.Event], Awaitable[None]]
"""Runs until its event is set."""

MAX_BACK_OFF_SECONDS = 60.0

log = structlog.get_logger()


def every(seconds: float, job: Callable[[], Awaitable[object]], *, first_after_seconds: float = 0.0) -> Loop:
    """Return a loop that runs `job`, waits `seconds`, and repeats until its event is set.

    After an error the next run tries again, and later each time if the database is not to blame: one odd row must not
    end a service. The same error is logged at most once a minute.
    """

    async def run(stopping: asyncio.Event) -> None:
        seldom, failures = Seldom(), 0
        is_stopping = await is_set_within(stopping, first_after_seconds)
        while not is_stopping:
            try:
                await job()
                failures = 0
            except Exception as error:  # noqa: BLE001 - a defect in one job must not end the service
                failures = 0 if isinstance(error, DATABASE_ERRORS) else failures + 1
                _log_failure(job, error, seldom)
            is_stopping = await is_set_within(stopping, pause_seconds(seconds, failures))

    return run


def pause_seconds(seconds: float, failures: int) -> float:
    """Return how long to wait for the next run after so many `failures` in a row."""
    return max(min(seconds * 2.0 ** min(failures - 1, 20), MAX_BACK_OFF_SECONDS), seconds) if failures else seconds


def _log_failure(job: Callable[[], Awaitable[object]], error: Exception, seldom: Seldom) -> None:
    """Log what happened; with a traceback where it is a defect of ours."""
    if not seldom.may_say((type(error), str(error))):
        return
    if isinstance(error, DATABASE_ERRORS):
        log.warning("periodic.failed", job=_name(job), cause=type(error).__name__)
    else:
        log.error("periodic.failed", job=_name(job), cause=type(error).__name__, exc_info=error)


async def is_set_within(event: asyncio.Event, seconds: float) -> bool:
    """Wait up to `seconds` for `event`; return whether it is set."""
    if seconds > 0:
        with suppress(TimeoutError):
            await asyncio.wait_for(event.wait(), seconds)
    return event.is_set()


def _name(job: Callable[[], Awaitable[object]]) -> str:
    return str(getattr(job, "__qualname__", None) or getattr(getattr(job, "func", job), "__qualname__", job))
