"""Waits for what other processes do, as briefly as possible and never for ever."""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic

LOOK_SECONDS = 0.05
WAIT_SECONDS = 60.0


async def eventually(is_so: Callable[[], Awaitable[bool]], seconds: float = WAIT_SECONDS) -> None:
    """Return once `is_so` answers yes; fail when it does not in time."""
    deadline = monotonic() + seconds
    while not await is_so():
        assert monotonic() < deadline, f"not so within {seconds} s"
        await asyncio.sleep(LOOK_SECONDS)
