"""Prints what happened in the story and when, and stops it at the first step that fails."""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import TypeVar

STEP_SECONDS = 30.0
POLL_SECONDS = 0.05

T = TypeVar("T")


class StepFailedError(Exception):
    """An expected result did not appear in time, or was wrong; the text says which."""


class Timeline:
    """Prints each step with the seconds since the story began."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._began = monotonic()
        self.steps = 0

    def chapter(self, title: str) -> None:
        """Print the heading of the steps that follow."""
        self._say(f"\n{title}")

    def step(self, what: str) -> None:
        """Count and print a step that was taken."""
        self.steps += 1
        self._say(f"{monotonic() - self._began:6.1f} s  {what}")

    async def wait_for(self, what: str, look: Callable[[], Awaitable[T | None]], *, within: float = STEP_SECONDS) -> T:
        """Poll `look` until it finds something, print the step, and return what it found.

        Raises StepFailedError when it finds nothing `within` so many seconds.
        """
        deadline = monotonic() + within
        while monotonic() < deadline:
            found = await look()
            if found:
                self.step(what)
                return found
            await asyncio.sleep(POLL_SECONDS)
        raise StepFailedError(f"Not seen within {within:.0f} s: {what}")

    def check(self, what: str, *, is_so: bool) -> None:
        """Print the step if `is_so`, otherwise raise StepFailedError."""
        if not is_so:
            raise StepFailedError(f"Not so: {what}")
        self.step(what)
