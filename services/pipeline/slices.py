"""Long computations in the event loop, done in slices, so that requests and timers never wait long."""

import asyncio
from collections.abc import Callable, Iterable
from time import perf_counter
from typing import TypeVar

SLICE_SECONDS = 0.003

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")


async def mapped(function: Callable[[ItemT], ResultT], items: Iterable[ItemT]) -> list[ResultT]:
    """Return `function(item)` for each of `items`; other work of the loop gets its turn after every SLICE_SECONDS."""
    results: list[ResultT] = []
    slice_ends_at = perf_counter() + SLICE_SECONDS
    for item in items:
        results.append(function(item))
        if perf_counter() > slice_ends_at:
            await asyncio.sleep(0)
            slice_ends_at = perf_counter() + SLICE_SECONDS
    return results
