"""Reads large replies of polled ERPs in a thread, so that everything else of the process goes on meanwhile."""

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeVar

from services.exporter.connectors.pull import Reply

LARGE_CHARACTERS = 200_000
"""Reading as much takes some hundredths of a second."""

ReadT = TypeVar("ReadT")


async def reading(replies: Sequence[Reply], read: Callable[[], ReadT]) -> ReadT:
    """Return what `read` makes of `replies`."""
    is_large = sum(len(each.text) for each in replies) > LARGE_CHARACTERS
    return await asyncio.to_thread(read) if is_large else read()
