"""Repeats jobs for as long as a service runs, such as refreshing gauges or deleting expired rows."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import structlog

from services.pipeline.database import DATABASE_ERRORS

Loop = Callable[[asyncio.Event], Awaitable[None]]
"""Runs until its event is set."""

log = structlog.get_logger()


def every(seconds: float, job: Callable[[], Awaitable[object]], *, first_after_seconds: float = 0.0) -> Loop:
    """Return a loop that runs `job`, waits `seconds`, and repeats until its event is set.

    A database error is logged, and the next run tries again. Any other error ends the loop, and with it the service.
    """

    async def run(stopping: asyncio.Event) -> None:
        is_stopping = await is_set_within(stopping, first_after_seconds)
        while not is_stopping:
            try:
                await job()
            except DATABASE_ERRORS as error:
                log.warning("periodic.failed", job=_name(job), cause=type(error).__name__)
            is_stopping = await is_set_within(stopping, seconds)

    return run


async def is_set_within(event: asyncio.Event, seconds: float) -> bool:
    """Wait up to `seconds` for `event`; return whether it is set."""
    if seconds > 0:
        with suppress(TimeoutError):
            await asyncio.wait_for(event.wait(), seconds)
    return event.is_set()


def _name(job: Callable[[], Awaitable[object]]) -> str:
    return str(getattr(job, "__qualname__", None) or getattr(getattr(job, "func", job), "__qualname__", job))
