"""Where the library that limits requests keeps its counts: in this process, bounded, and cheap for many senders."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from limits.aio.storage import Storage

MAX_COUNTS = 50_000
"""Whoever has an IPv6 network of a provider's size asks from as many networks; the oldest counts give way."""


@dataclass(slots=True)
class _Count:
    expires_at: float
    amount: int = 0


class MinuteCounts(Storage):
    """Counts for limits that all last equally long, so that they expire in the order in which they began.

    The library's own storage looks through all counts with each request, which is work for whoever floods us.
    """

    STORAGE_SCHEME = None

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        super().__init__()
        self._clock = clock
        self._counts: OrderedDict[str, _Count] = OrderedDict()

    @property
    def base_exceptions(self) -> type[Exception]:
        """What the library may translate: nothing here fails."""
        return ValueError

    async def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Add `amount` to a count, which begins anew `expiry` seconds after it began; return it."""
        self._expire()
        count = self._counts.get(key)
        if count is None:
            count = self._counts[key] = _Count(self._clock() + expiry)
            if len(self._counts) > MAX_COUNTS:
                self._counts.popitem(last=False)
        count.amount += amount
        return count.amount

    async def get(self, key: str) -> int:
        """Return a count; 0 if there is none."""
        self._expire()
        count = self._counts.get(key)
        return count.amount if count else 0

    async def get_expiry(self, key: str) -> float:
        """Return when a count begins anew; now, if there is none."""
        count = self._counts.get(key)
        return count.expires_at if count else self._clock()

    async def check(self) -> bool:
        """Return that it works."""
        return True

    async def reset(self) -> int:
        """Forget all counts; return how many there were."""
        forgotten = len(self._counts)
        self._counts.clear()
        return forgotten

    async def clear(self, key: str) -> None:
        """Forget a count."""
        self._counts.pop(key, None)

    def _expire(self) -> None:
        now = self._clock()
        while self._counts:
            oldest = next(iter(self._counts))
            if self._counts[oldest].expires_at > now:
                return
            del self._counts[oldest]
