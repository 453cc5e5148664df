"""Makes beside the event loop, when it is first needed, what takes long to make: a client reads all certificates."""

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

MadeT = TypeVar("MadeT")


class MadeApart(Generic[MadeT]):
    """What `make` returns, which is called once; `made` is None until then."""

    def __init__(self, make: Callable[[], MadeT]) -> None:
        self._make = make
        self._lock = asyncio.Lock()
        self.made: MadeT | None = None

    async def get(self) -> MadeT:
        """Return it."""
        async with self._lock:
            if self.made is None:
                self.made = await asyncio.to_thread(self._make)
        return self.made
