"""Hands batches from the consumer's thread to the event loop: two are settled there while the next is decoded here."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from concurrent import futures
from dataclasses import dataclass, replace
from time import monotonic
from typing import Generic, TypeVar

from services.pipeline.broker.fetched import Fetched
from services.pipeline.broker.in_thread import start_in_loop
from services.pipeline.broker.positions import Positions
from services.pipeline.records import Batch, Partition, Record, batch_of

MAX_SETTLING = 2
"""One is computed while the other is written."""

DecodedT = TypeVar("DecodedT")


@dataclass(frozen=True, slots=True)
class Settling:
    """A batch that is being settled in the event loop; `since` when no other was before it."""

    batch: Batch
    outcome: "futures.Future[None]"
    since: float


class HandOver(Generic[DecodedT]):
    """At most MAX_SETTLING batches that are being settled, one that is ready, and records for the one after.

    A batch that is not full is decoded only when nothing is being settled, since until then more records may join it.
    """

    def __init__(
        self,
        positions: Positions,
        decode: Callable[[Sequence[Record]], DecodedT],
        settle: Callable[[Batch, DecodedT], Awaitable[None]],
    ) -> None:
        self._positions = positions
        self._decode = decode
        self._settle = settle
        self._fetched = Fetched()
        self._ready: tuple[Batch, DecodedT] | None = None
        self._settling: deque[Settling] = deque()

    @property
    def settling(self) -> Settling | None:
        """The batch that has been settled for the longest time."""
        return self._settling[0] if self._settling else None

    @property
    def room(self) -> int:
        """How many more records it takes now."""
        return 0 if self._ready else self._fetched.room

    @property
    def has_waiting(self) -> bool:
        """Whether records wait to be handed over."""
        return self._ready is not None or bool(self._fetched)

    def add(self, records: Iterable[Record]) -> None:
        """Add records that were read."""
        self._fetched.add(records)

    def prepare(self) -> None:
        """Decode the next batch if it is full or can be handed over now."""
        if self._ready or not self._fetched or (self._settling and self._fetched.room):
            return
        batch = batch_of(self._fetched.cut(), self._positions.taken)
        if batch.records:
            self._ready = batch, self._decode(batch.records)

    def skip_marks(self) -> None:
        """While everything that was read is settled, make a batch ready that passes the marks behind it."""
        if not (self.has_waiting or self._settling) and (batch := self._positions.marks()):
            self._ready = batch, self._decode(batch.records)

    def submit(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin to settle the batch that is ready, unless enough others are being settled."""
        if self._ready is None or len(self._settling) == MAX_SETTLING:
            return
        (batch, decoded), self._ready = self._ready, None
        self._positions.take(batch)
        self._settling.append(Settling(batch, start_in_loop(self._settle(batch, decoded), loop), monotonic()))

    def collect(self, seconds: float) -> BaseException | None:
        """Wait up to `seconds` for a batch that is being settled; keep its offsets, or return why it failed."""
        if seconds and self._settling:
            futures.wait([self._settling[0].outcome], seconds)
        while self._settling and self._settling[0].outcome.done():
            settled = self._settling.popleft()
            if self._settling:
                self._settling[0] = replace(self._settling[0], since=monotonic())
            if (error := settled.outcome.exception()) is not None:
                return error
            self._positions.keep(settled.batch)
        return None

    def finish(self, seconds: float) -> BaseException | None:
        """Wait up to `seconds` for all batches that are being settled, as `collect` does for one."""
        futures.wait([each.outcome for each in self._settling], seconds)
        return self.collect(0)

    def abandon(self) -> None:
        """Forget what is being settled: whether it is committed no longer matters."""
        self._settling.clear()

    def drop(self, partitions: Collection[Partition]) -> None:
        """Forget the records of `partitions` that are not being settled yet."""
        if self._ready:
            self._fetched.put_back(self._ready[0].records)
            self._ready = None
        self._fetched.drop(partitions)

    def clear(self) -> None:
        """Forget all records that are not being settled yet."""
        self._ready = None
        self._fetched.clear()
