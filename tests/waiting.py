"""Waits for what other processes do: as briefly as possible, and never indefinitely."""

import asyncio
from collections.abc import Awaitable, Callable
from inspect import isawaitable
from time import monotonic

POLL_SECONDS = 0.05
WAIT_SECONDS = 60.0


async def eventually(
    is_so: Callable[[], bool | Awaitable[bool]], seconds: float = WAIT_SECONDS, *, every: float = POLL_SECONDS
) -> None:
    """Return once `is_so` gives True, or something that awaits to True; fail when that takes over `seconds`.

    `every` is the pause between two looks in seconds, longer where a look costs much.
    """
    deadline = monotonic() + seconds
    while True:
        answer = is_so()
        if await answer if isawaitable(answer) else answer:
            return
        assert monotonic() < deadline, f"not so within {seconds} s"
        await asyncio.sleep(every)
