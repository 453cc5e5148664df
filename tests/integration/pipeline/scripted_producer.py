"""A producer whose answers a test decides, for what no broker can be made to answer at will."""

import asyncio
from collections.abc import Callable

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
