"""Runs long computations beside the event loop, one at a time, so that they keep no other request waiting."""

import asyncio
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

ResultT = TypeVar("ResultT")
# One thread: Python computes in one thread at a time anyway, and the event loop then waits for one other at most.
_THREAD = ThreadPoolExecutor(max_workers=1, thread_name_prefix="apart")

AT_ONCE_CHARACTERS = 32_768
"""Of JSON, which take a millisecond or two; less is not worth the way to another thread."""


async def apart(compute: Callable[[], ResultT]) -> ResultT:
    """Return what `compute` returns or raise what it raises; it may touch nothing that the event loop changes.

    It sees the context variables of its caller.
    """
    return await asyncio.get_running_loop().run_in_executor(_THREAD, copy_context().run, compute)


async def apart_if_long(compute: Callable[[], ResultT], characters: int) -> ResultT:
    """Return what `compute` makes of so many characters, beside the event loop if they are many."""
    return await apart(compute) if characters > AT_ONCE_CHARACTERS else compute()


async def all_read(read: Callable[[str], ResultT], texts: Iterable[str]) -> list[ResultT]:
    """Return `read(text)` for each of `texts`, beside the event loop if they are long together."""
    found = list(texts)
    return await apart_if_long(lambda: list(map(read, found)), sum(map(len, found)))
