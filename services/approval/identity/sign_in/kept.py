"""Keeps what the provider published: asks again after a while, and holds on to it while the provider fails."""

import asyncio
from collections.abc import Awaitable, Callable
from math import inf
from typing import Generic, TypeVar

from services.approval.identity.sign_in.errors import ProviderUnavailableError

LIFETIME_SECONDS = 3_600.0
RETRY_SECONDS = 60.0
"""After a failure, while an earlier answer is known."""
FIRST_RETRY_SECONDS = 2.0
"""After a failure, while nothing is known: nobody can sign in meanwhile."""

ValueT = TypeVar("ValueT")


class Kept(Generic[ValueT]):
    """The last good answer of `fetch`, which raises ProviderUnavailableError for every other one.

    Whoever asks at the same time shares one request, and failures are asked about at a bounded rate.
    """

    def __init__(self, fetch: Callable[[], Awaitable[ValueT]], clock: Callable[[], float]) -> None:
        self._fetch = fetch
        self._clock = clock
        self._value: ValueT | None = None
        self._fetched_at = -inf
        self._failed_at = -inf
        self._failure = ProviderUnavailableError("")
        self._fetching = asyncio.Lock()

    async def get(self, max_age_seconds: float = LIFETIME_SECONDS) -> ValueT:
        """Return an answer that is at most so old, or an older one while the provider fails.

        Raises ProviderUnavailableError if there never was a good one.
        """
        if self._value is not None and not self._is_due(max_age_seconds):
            return self._value  # also while somebody else waits for a newer one
        async with self._fetching:
            if self._is_due(max_age_seconds):
                await self._refresh()
            if self._value is None:
                raise ProviderUnavailableError(str(self._failure), cause=self._failure.cause)
            return self._value

    def _is_due(self, max_age_seconds: float) -> bool:
        now = self._clock()
        retry_seconds = FIRST_RETRY_SECONDS if self._value is None else RETRY_SECONDS
        return now - self._failed_at >= retry_seconds and now - self._fetched_at >= max_age_seconds

    async def _refresh(self) -> None:
        try:
            self._value = await self._fetch()
        except ProviderUnavailableError as error:
            self._failed_at, self._failure = self._clock(), error
        else:
            self._fetched_at = self._clock()
