"""A producer whose answers a test decides, for what no broker can be made to answer at will."""

import asyncio
from collections import deque
from collections.abc import Callable

import orjson

from services.pipeline.broker.producer import Settle
from services.pipeline.errors import DeliveryError

Answer = Callable[[str], DeliveryError | None]
"""Returns the error for a message with this key, None to take it."""


class ScriptedProducer:
    """Answers every message soon, as `answer` says, and remembers the keys that it took."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.taken: list[str] = []

    def submit(self, topic: str, key: str, value: bytes | None, settle: Settle) -> None:
        """Answer a message in a moment."""
        del topic, value
        asyncio.get_running_loop().call_later(0.01, self._settle, key, settle)

    def _settle(self, key: str, settle: Settle) -> None:
        error = self.answer(key)
        if error is None:
            self.taken.append(key)
        settle(error)

    async def is_answered(self) -> bool:
        """Whether a broker answers: one always does here."""
        return True


class HoldingProducer:
    """Keeps the messages of one key in flight until the test answers the first of them, and takes all others soon."""

    def __init__(self, key: str) -> None:
        self.key = key
        self.submitted: list[tuple[str, int]] = []
        self._in_flight: deque[Settle] = deque()
        self._is_holding = True

    def submit(self, topic: str, key: str, value: bytes | None, settle: Settle) -> None:
        """Remember key and revision of a message, and hold it or take it."""
        del topic
        self.submitted.append((key, orjson.loads(value or b"")["data"]["revision"]))
        if self._is_holding and key == self.key:
            self._in_flight.append(settle)
        else:
            asyncio.get_running_loop().call_later(0.01, settle, None)

    def answer(self, error: DeliveryError | None) -> None:
        """Answer what is in flight: `error`, or None to take it; from now on all messages are taken."""
        self._is_holding = False
        while self._in_flight:
            self._in_flight.popleft()(error)

    def revisions(self) -> list[int]:
        """Return the revisions that were submitted of the key that it holds."""
        return [revision for key, revision in self.submitted if key == self.key]

    def has_submitted(self, *messages: tuple[str, int]) -> bool:
        """Whether all of these messages were submitted."""
        return set(messages) <= set(self.submitted)

    async def is_answered(self) -> bool:
        """Whether a broker answers: one always does here."""
        return True
