"""Runs long computations beside the event loop, one at a time, so that they keep no other request waiting."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

ResultT = TypeVar("ResultT")
# One thread: Python computes in one thread at a time anyway, and the event loop then waits for one other at most.
_THREAD = ThreadPoolExecutor(max_workers=1, thread_name_prefix="apart")


async def apart(compute: Callable[[], ResultT]) -> ResultT:
    """Return what `compute` returns or raise what it raises; it may touch nothing that the event loop changes."""
    return await asyncio.get_running_loop().run_in_executor(_THREAD, compute)
