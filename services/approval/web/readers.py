"""Who may read much at the same time: a few requests in all, and of these only some of one person."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar

from services.approval.identity.sign_in.errors import TooManyRequestsError
from services.pipeline.places import NoPlaceError, Places

READERS = 4
"""Requests that hold whole commitments at the same time, which have up to 2,000 lines each; the others wait."""
OF_ONE_SENDER = 2
WAITING_OF_ONE_SENDER = 10
"""A browser asks for six of its tabs at once, and leaves requests behind when somebody moves on fast."""
COPIES_OF_ONE_SENDER = 1
"""Whole lists that one person copies at a time, of up to a million rows each."""
WAIT_SECONDS = 15.0
WAIT_FOR_COPY_SECONDS = 2.0
RETRY_AFTER_SECONDS = 2

SENDER: ContextVar[str] = ContextVar("sender", default="")
"""Who sent the present request: a person's id, or else something that only they have."""


class Readers:
    """`async with` it around whatever loads, compares or shows contents; never while it is held already.

    Raises TooManyRequestsError for somebody who has all the places that one person may have, and waits for more.
    """

    def __init__(self) -> None:
        self.shared = asyncio.Semaphore(READERS)
        """For a copy of a list, page by page: who makes it has a place for copies, and what was begun must not fail."""
        self._of_sender = Places(OF_ONE_SENDER, WAIT_SECONDS, WAITING_OF_ONE_SENDER)
        self._copies = Places(COPIES_OF_ONE_SENDER, WAIT_FOR_COPY_SECONDS)

    async def __aenter__(self) -> None:
        """Wait for a place."""
        await _taken(self._of_sender)
        try:
            await self.shared.acquire()
        except BaseException:
            self._of_sender.give_back(SENDER.get())
            raise

    async def __aexit__(self, *_: object) -> None:
        """Give the place back."""
        self.shared.release()
        self._of_sender.give_back(SENDER.get())

    @asynccontextmanager
    async def copying(self) -> AsyncIterator[None]:
        """Let the sender copy a list; TooManyRequestsError if they copy COPIES_OF_ONE_SENDER already."""
        sender = SENDER.get()
        await _taken(self._copies)
        try:
            yield
        finally:
            self._copies.give_back(sender)


async def _taken(places: Places) -> None:
    try:
        await places.take(SENDER.get())
    except NoPlaceError:
        raise TooManyRequestsError(RETRY_AFTER_SECONDS, limit="at-once") from None
