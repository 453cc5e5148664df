"""Shares what only a few can have at a time among those who ask for it, so that nobody has all of it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from math import inf


class NoPlaceError(Exception):
    """Somebody has all the places that one may have, and none became free in time, or too many wait for one already."""


@dataclass(slots=True)
class _Asked:
    free: asyncio.Semaphore
    askers: int = 0


class Places:
    """At most `of_one` places for each sender; a further request of theirs waits for up to `wait_seconds`.

    At most `waiting` of one sender wait, if that is given.
    """

    def __init__(self, of_one: int, wait_seconds: float, waiting: int | None = None) -> None:
        self._of_one = of_one
        self._wait_seconds = wait_seconds
        self._most_askers = inf if waiting is None else of_one + waiting
        self._asked: dict[str, _Asked] = {}

    async def take(self, sender: str) -> None:
        """Take a place for `sender`, which must be given back; NoPlaceError if there is none in time."""
        asked = self._asked.setdefault(sender, _Asked(asyncio.Semaphore(self._of_one)))
        if asked.askers >= self._most_askers:
            raise NoPlaceError
        asked.askers += 1
        try:
            async with asyncio.timeout(self._wait_seconds):
                await asked.free.acquire()
        except BaseException as error:
            self._leave(sender)
            if isinstance(error, TimeoutError):
                raise NoPlaceError from None
            raise

    def give_back(self, sender: str) -> None:
        """Give back a place of `sender`."""
        self._asked[sender].free.release()
        self._leave(sender)

    @asynccontextmanager
    async def lent_to(self, sender: str) -> AsyncIterator[None]:
        """Lend `sender` a place; errors as for `take`."""
        await self.take(sender)
        try:
            yield
        finally:
            self.give_back(sender)

    def _leave(self, sender: str) -> None:
        asked = self._asked[sender]
        asked.askers -= 1
        if not asked.askers:
            del self._asked[sender]
