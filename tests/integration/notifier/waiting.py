"""Waiting for something to become so, with an end."""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic

WAIT_SECONDS = 60


async def eventually(is_so: Callable[[], Awaitable[bool]]) -> None:
    """Return once `is_so` says yes; fail when it does not in time."""
    deadline = monotonic() + WAIT_SECONDS
    while not await is_so():
        assert monotonic() < deadline, f"not so within {WAIT_SECONDS} s"
        await asyncio.sleep(0.02)
