"""Decides which connection ends when there are too many: whoever has most makes room first, so others always get in."""

from collections import Counter
from collections.abc import Hashable, Sequence
from enum import IntEnum
from typing import NamedTuple, TypeVar

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


class Held(NamedTuple):
    """One connection: who holds it, what it waits for, since when, and what it makes us keep meanwhile."""

    by: Hashable
    waits: Waits
    since: float
    kept_bytes: int = 0


T = TypeVar("T")
Connections = Sequence[tuple[Held, T]]


def to_let_in(newcomer: tuple[Held, T], others: Connections[T]) -> T:
    """Return the connection that ends for `newcomer`, or the newcomer's own.

    It is one of whoever has most; of these the one with the lowest of `Waits`, and of these the oldest. What we work on
    is cut off only for somebody who has less, and nobody makes room for somebody who has more.
    """
    counts = Counter(held.by for held, _ in (newcomer, *others))
    has = {by: max(count, USUAL_CONNECTIONS) for by, count in counts.items()}
    newcomer_has = has[newcomer[0].by]
    may_end = [
        (held, each)
        for held, each in others
        if has[held.by] > newcomer_has or (has[held.by] == newcomer_has and held.waits is not Waits.ANSWER)
    ]
    chosen = min(may_end, key=lambda each: (-has[each[0].by], each[0].waits, each[0].since), default=newcomer)
    return chosen[1]


def to_free_memory(connections: Connections[T], max_bytes: int) -> T | None:
    """Return the connection that ends if they make us keep more than `max_bytes`; None if none should.

    It is the oldest one of whoever makes us keep most, and never the only one.
    """
    kept = Counter[Hashable]()
    for held, _ in connections:
        kept[held.by] += held.kept_bytes
    keeping = [each for each in connections if each[0].kept_bytes]
    if kept.total() <= max_bytes or len(keeping) < 2:  # noqa: PLR2004 - the only one is not one too many
        return None
    return min(keeping, key=lambda each: (-kept[each[0].by], each[0].since))[1]
