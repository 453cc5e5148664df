"""What happened when, and what was to be seen: the story's proof."""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import TypeVar

SEEN_WITHIN_SECONDS = 30.0
LOOK_SECONDS = 0.05

T = TypeVar("T")


class NotSeenError(Exception):
    """Something that had to happen was not seen; the text says what."""


class Timeline:
    """Prints each step with the seconds since the story began."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._began = monotonic()
        self.steps = 0

    def chapter(self, title: str) -> None:
        """Begin a part of the story."""
        self._say(f"\n{title}")

    def tell(self, what: str) -> None:
        """Say that a step was done."""
        self.steps += 1
        self._say(f"{monotonic() - self._began:6.1f} s  {what}")

    async def see(self, what: str, look: Callable[[], Awaitable[T | None]]) -> T:
        """Look until `look` finds something, and say so; NotSeenError when it does not in time."""
        deadline = monotonic() + SEEN_WITHIN_SECONDS
        while monotonic() < deadline:
            found = await look()
            if found:
                self.tell(what)
                return found
            await asyncio.sleep(LOOK_SECONDS)
        raise NotSeenError(f"Not seen within {SEEN_WITHIN_SECONDS:.0f} s: {what}")

    def check(self, what: str, *, is_so: bool) -> None:
        """Say that something is so; NotSeenError when it is not."""
        if not is_so:
            raise NotSeenError(f"Not so: {what}")
        self.tell(what)
