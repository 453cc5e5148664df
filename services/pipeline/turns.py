"""Lets a batch be computed while the one before it is written, as if they were settled one after the other.

A batch begins to load rows when the one before has only its last statement left. It writes its own rows when the one
before is committed, and starts again if that one was not committed at its first attempt.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from services.pipeline.errors import OvertakenError, StaleBatchError


@dataclass(frozen=True, slots=True)
class Touched:
    """What a batch changes: the keys of one independent kind of thing; `kind` is None for anything else."""

    kind: str | None
    keys: frozenset[str]

    def is_apart_from(self, other: "Touched") -> bool:
        """Whether neither batch can see what the other changes."""
        return self.kind is not None and self.kind == other.kind and self.keys.isdisjoint(other.keys)


def _future() -> "asyncio.Future[bool]":
    return asyncio.get_running_loop().create_future()


@dataclass(eq=False, slots=True)
class Turn:
    """The place of one batch in the order in which batches are settled."""

    touched: Touched
    previous: "Turn | None"
    has_loaded: asyncio.Event = field(default_factory=asyncio.Event)
    first_attempt: "asyncio.Future[bool]" = field(default_factory=_future)
    """Whether it was committed at the first attempt."""
    end: "asyncio.Future[bool]" = field(default_factory=_future)
    """Whether it was settled at all."""

    async def wait_to_load(self) -> None:
        """Wait until rows may be loaded; StaleBatchError if the batch before could not be settled."""
        previous = self.previous
        if previous and previous.touched.is_apart_from(self.touched):
            await previous.has_loaded.wait()
        else:
            await self._wait_for_previous()

    async def wait_to_write(self) -> None:
        """Wait until the batch before is committed; OvertakenError if it was not at its first attempt."""
        if self.previous and not await asyncio.shield(self.previous.first_attempt):
            raise OvertakenError("the batch before was not committed at its first attempt")
        self.has_loaded.set()

    async def wait_to_retry(self) -> None:
        """Note that an attempt has failed, and wait until nothing is beside it; errors as for `wait_to_load`."""
        if not self.first_attempt.done():
            self.first_attempt.set_result(False)
        await self._wait_for_previous()

    async def _wait_for_previous(self) -> None:
        previous, self.previous = self.previous, None
        if previous and not await asyncio.shield(previous.end):
            raise StaleBatchError("the batch before was not settled")

    def finish(self, *, is_settled: bool) -> None:
        """Note that nothing more will be done for the batch."""
        if not self.first_attempt.done():
            self.first_attempt.set_result(is_settled)
        self.end.set_result(is_settled)
        self.has_loaded.set()
        self.previous = None  # or all batches would hold each other in memory


class Turns:
    """Gives each batch its turn, in the order in which they arrive."""

    def __init__(self) -> None:
        self._held: list[Turn] = []

    @contextmanager
    def next(self, touched: Touched) -> Iterator[Turn]:
        """Hold the turn after the last one that is held, until the block ends or raises.

        What was given up before does not matter: what is settled now may be the same batch, read again.
        """
        turn = Turn(touched, self._held[-1] if self._held else None)
        self._held.append(turn)
        is_settled = False
        try:
            yield turn
            is_settled = True
        finally:
            self._held.remove(turn)
            turn.finish(is_settled=is_settled)
