"""Decides which connection ends when there are too many: whoever has most makes room first, so others always get in."""

from collections import Counter
from collections.abc import Hashable, Iterator
from enum import IntEnum
from itertools import count
from typing import Generic, NamedTuple, TypeVar

USUAL_CONNECTIONS = 8
"""A browser opens six; up to so many, nobody has more than others."""


class Waits(IntEnum):
    """What a connection waits for; the lowest makes room first."""

    REQUEST = 0
    """The first request, or the rest of one."""
    READER = 1
    """That its client reads what we have sent."""
    NEXT_REQUEST = 2
    """Its client has its answer, and may ask again."""
    ANSWER = 3
    """We work on it."""


ConnectionT = TypeVar("ConnectionT", bound=Hashable)


class _Place(NamedTuple):
    by: Hashable
    waits: Waits
    since: int


class Room(Generic[ConnectionT]):
    """All connections of a server: who holds each, what it waits for, and what it makes us keep meanwhile.

    Everything but `to_free_memory` takes the same time however many connections of one holder there are, since an
    attack is when many come.
    """

    def __init__(self) -> None:
        self._places: dict[ConnectionT, _Place] = {}
        self._queues: dict[Hashable, dict[Waits, dict[ConnectionT, None]]] = {}
        self._counts: Counter[Hashable] = Counter()
        self._kept: dict[ConnectionT, int] = {}
        self._serial = count()
        self.kept_bytes = 0

    def put(self, connection: ConnectionT, by: Hashable, waits: Waits) -> None:
        """Note that `connection`, which `by` holds, waits for something, from now on if it did not before."""
        before = self._places.get(connection)
        if before is not None:
            if before.waits is waits:
                return
            del self._queues[by][before.waits][connection]
        else:
            self._counts[by] += 1
        self._places[connection] = _Place(by, waits, next(self._serial))
        self._queues.setdefault(by, {each: {} for each in Waits})[waits][connection] = None

    def keep(self, connection: ConnectionT, kept_bytes: int) -> None:
        """Note how many bytes we keep for `connection`."""
        self.kept_bytes += kept_bytes - self._kept.get(connection, 0)
        self._kept[connection] = kept_bytes

    def remove(self, connection: ConnectionT) -> None:
        """Forget a connection, which may be forgotten already."""
        self.kept_bytes -= self._kept.pop(connection, 0)
        place = self._places.pop(connection, None)
        if place is not None:
            del self._queues[place.by][place.waits][connection]
            self._counts[place.by] -= 1
            if not self._counts[place.by]:
                del self._counts[place.by], self._queues[place.by]

    def waits_for(self, connection: ConnectionT) -> Waits | None:
        """Return what `connection` waits for; None if it is forgotten."""
        place = self._places.get(connection)
        return None if place is None else place.waits

    def to_let_in(self, newcomer: ConnectionT) -> ConnectionT:
        """Return the connection that ends for `newcomer`, or the newcomer's own.

        It is one of whoever has most; of these the one with the lowest of `Waits`, and of these the one that waits for
        longest. What we work on is cut off only for somebody who has less, and nobody makes room for somebody who has
        more.
        """
        return min(self._candidates(newcomer), default=(0, 0, 0, newcomer), key=lambda each: each[:3])[3]

    def _candidates(self, newcomer: ConnectionT) -> Iterator[tuple[int, int, int, ConnectionT]]:
        newcomer_has = self._has(self._places[newcomer].by)
        for by in self._counts:
            has = self._has(by)
            if has < newcomer_has:
                continue
            for waits, queue in self._queues[by].items():
                if waits is Waits.ANSWER and has == newcomer_has:
                    break
                first = next((each for each in queue if each is not newcomer), None)
                if first is not None:
                    yield -has, waits, self._places[first].since, first
                    break

    def _has(self, by: Hashable) -> int:
        return max(self._counts[by], USUAL_CONNECTIONS)

    def to_free_memory(self) -> ConnectionT | None:
        """Return the oldest connection of whoever makes us keep most; None if it is the only one."""
        keeping = [(self._places[each], each) for each, kept_bytes in self._kept.items() if kept_bytes]
        if len(keeping) < 2:  # noqa: PLR2004 - the only one is not one too many
            return None
        kept = Counter[Hashable]()
        for place, connection in keeping:
            kept[place.by] += self._kept[connection]
        return min(keeping, key=lambda each: (-kept[each[0].by], each[0].since))[1]
