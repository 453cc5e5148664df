"""What an operator does with events that Kafka does not take: list, send again, discard."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, Table, delete, func, insert, literal, select

from schemas.values import value
from services.pipeline.database import Transaction
from services.pipeline.outbox_places import placed
from services.pipeline.row_filter import ALL_ROWS, RowFilter
from services.pipeline.tables import KernelTables


@value
class ParkedRow:
    """An event that Kafka does not take; the relay tries again at `until`, None if only a command sends it again."""

    id: int
    topic: str
    key: str
    size_bytes: int
    created_at: datetime
    until: datetime | None
    why: str


@value
class DiscardedRow:
    """An event that an operator has discarded, so that it was never published."""

    id: int
    topic: str
    key: str
    size_bytes: int
    created_at: datetime
    why: str
    discarded_at: datetime
    discarded_by: str
    because: str


@dataclass(frozen=True, slots=True)
class ChosenEvents:
    """Which parked events an operator means: those with `ids`, else those that `matching` lets through."""

    ids: Sequence[int] = ()
    matching: RowFilter = ALL_ROWS


class ParkedEvents:
    """A service's parked events."""

    def __init__(self, tables: KernelTables) -> None:
        self._outbox = tables.outbox
        self._parked = tables.outbox_parked
        self._discarded = tables.outbox_discarded

    async def oldest(self, db: Transaction, limit: int, chosen: ChosenEvents) -> list[ParkedRow]:
        """Return the oldest `limit` of the chosen rows, oldest first."""
        c = self._parked.c
        size = func.octet_length(c.value)
        wanted = select(c.id, c.topic, c.key, size, c.created_at, c.parked_until, c.why).where(*self._is_in(chosen))
        return [ParkedRow(*row) for row in await db.execute(wanted.order_by(c.id).limit(limit))]

    async def count(self, db: Transaction, chosen: ChosenEvents) -> int:
        """Return how many rows are chosen."""
        counted = select(func.count()).select_from(self._parked).where(*self._is_in(chosen))
        return int((await db.execute(counted)).scalar_one())

    async def retry(self, db: Transaction, chosen: ChosenEvents) -> int:
        """Put the chosen rows back into the outbox; return how many."""
        return await put_back(db, self._outbox, self._parked, select(self._parked.c.id).where(*self._is_in(chosen)))

    async def discard(self, db: Transaction, chosen: ChosenEvents, by: str, because: str) -> int:
        """Move the chosen rows to those that are never published, with who wants that and why; return how many."""
        c = self._parked.c
        taken = delete(self._parked).where(*self._is_in(chosen)).returning(*c).cte()
        names = ["id", "topic", "key", "value", "created_at", "why"]
        rows = select(*(taken.c[name] for name in names), literal(by), literal(because))
        kept = insert(self._discarded).from_select([*names, "discarded_by", "because"], rows)
        return (await db.execute(kept)).rowcount

    async def discarded(self, db: Transaction, limit: int, matching: RowFilter = ALL_ROWS) -> list[DiscardedRow]:
        """Return the last `limit` events that were discarded, newest first, of those that `matching` lets through."""
        c = self._discarded.c
        size = func.octet_length(c.value)
        columns = (c.id, c.topic, c.key, size, c.created_at, c.why, c.discarded_at, c.discarded_by, c.because)
        wanted = select(*columns).where(*matching.conditions(self._discarded, c.discarded_at))
        rows = await db.execute(wanted.order_by(c.discarded_at.desc(), c.id).limit(limit))
        return [DiscardedRow(*row) for row in rows]

    def _is_in(self, chosen: ChosenEvents) -> list[ColumnElement[bool]]:
        c = self._parked.c
        if chosen.ids:
            return [c.id == func.any(list(chosen.ids))]
        return chosen.matching.conditions(self._parked, c.created_at)


async def put_back(db: Transaction, outbox: Table, parked: Table, chosen: Select[int]) -> int:
    """Put the parked rows with `chosen` ids back into the outbox; return how many."""
    names = outbox.c.keys()
    taken = delete(parked).where(parked.c.id.in_(chosen)).returning(*(parked.c[name] for name in names)).cte()
    rows = select(*placed(taken, parked, outbox))
    return (await db.execute(insert(outbox).from_select(names, rows))).rowcount
