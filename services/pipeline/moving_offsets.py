"""Moves the saved offset of a partition where an operator wants it, and keeps who did so, when and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Table, and_, delete, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from services.pipeline.behind import Place, place_of
from services.pipeline.broker.brokers import Span
from services.pipeline.database import Transaction
from services.pipeline.errors import CountersignError
from services.pipeline.records import Partition
from services.pipeline.tables import KernelTables
from services.pipeline.topics_seen import TopicsSeen

BEGINNING, END = "beginning", "end"
Target = str | int
"""BEGINNING, END, or an offset."""


@dataclass(frozen=True, slots=True)
class Move:
    """What a change of one saved offset means, in numbers of offsets.

    `again` are read again, `skipped` are still there and never read, `lost` are no longer there, whatever is done, and
    `unread` are to be read from the new offset.
    """

    partition: Partition
    old: int | None
    new: int
    is_to_beginning: bool
    again: int
    skipped: int
    lost: int
    unread: int
    first: int
    """The first offset that is read again, or skipped."""


def plan_move(partition: Partition, saved: int | None, span: Span | None, to: Target) -> Move:
    """Return what moving the offset of `partition` to `to` means; CountersignError says why it makes no sense."""
    name = f"{partition.topic}/{partition.number}"
    if span is None:
        raise CountersignError(f"{name} does not exist, or has no leader: nobody knows where it begins and ends.")
    new = {BEGINNING: span.low, END: span.high}.get(to, to) if isinstance(to, str) else to
    if not isinstance(new, int):
        raise CountersignError(f"{to!r} is neither {BEGINNING}, {END} nor an offset.")
    if new > span.high:
        raise CountersignError(f"{name} ends at {span.high}, so nothing can be read at {new}.")
    if new < span.low:
        raise CountersignError(f"{name} keeps nothing before {span.low}; use --to {BEGINNING}.")
    place = place_of(saved, span)
    lost = span.low - saved if saved is not None and place is Place.BELOW else 0
    # an offset above the end counted the messages of a Kafka that is gone: of this one, nothing was read
    reached = saved if saved is not None and place is Place.IN_RANGE else span.low
    again, skipped = max(reached - new, 0), max(new - reached, 0)
    return Move(partition, saved, new, to == BEGINNING, again, skipped, lost, span.high - new, first=min(new, reached))


def is_needed(move: Move) -> bool:
    """Whether `move` changes anything; a partition that was never read begins at the beginning anyway."""
    if move.is_to_beginning and move.old is None:
        return False
    return move.old != move.new


@dataclass(frozen=True, slots=True)
class OffsetChange:
    """A change that an operator has made."""

    partition: Partition
    old: int | None
    new: int
    skipped: int
    at: datetime
    by: str
    reason: str


class OffsetDesk:
    """A service's saved offsets as an operator changes them."""

    def __init__(self, tables: KernelTables) -> None:
        self._table = tables.consumer_offset
        self._changes = tables.offset_change
        self._topics = TopicsSeen(tables)

    async def apply(self, db: Transaction, moves: Sequence[Move], by: str, reason: str) -> None:
        """Make all `moves`, and keep a record of each; CountersignError, and nothing is changed, if one is outdated."""
        for move in moves:
            if not await self._move(db, move):
                name = f"{move.partition.topic}/{move.partition.number}"
                raise CountersignError(f"The offset of {name} has moved meanwhile, so nothing was changed. Look again.")
            row = {"topic": move.partition.topic, "partition": move.partition.number, "old_offset": move.old}
            row |= {"new_offset": move.new, "skipped": move.skipped, "changed_by": by, "reason": reason}
            await db.execute(insert(self._changes).values(row))
        await self._topics.forget(db, {move.partition.topic for move in moves})

    async def changes(self, db: Transaction, limit: int) -> list[OffsetChange]:
        """Return the last `limit` changes, newest first."""
        rows = await db.execute(select(self._changes).order_by(self._changes.c.id.desc()).limit(limit))
        return [
            OffsetChange(
                Partition(row.topic, row.partition),
                row.old_offset,
                row.new_offset,
                row.skipped,
                row.changed_at,
                row.changed_by,
                row.reason,
            )
            for row in rows
        ]

    async def _move(self, db: Transaction, move: Move) -> bool:
        """Move one offset if it is still where it was."""
        topic, number = move.partition
        where = _is_at(self._table, move)
        if move.is_to_beginning:  # without an offset: what is oldest when the service reads it
            return (await db.execute(delete(self._table).where(where))).rowcount == 1
        if move.old is None:
            new = upsert(self._table).values(topic=topic, partition=number, next_offset=move.new)
            return (await db.execute(new.on_conflict_do_nothing())).rowcount == 1
        return (await db.execute(update(self._table).values(next_offset=move.new).where(where))).rowcount == 1


def _is_at(table: Table, move: Move) -> ColumnElement[bool]:
    topic, number = move.partition
    return and_(table.c.topic == topic, table.c.partition == number, table.c.next_offset == move.old)
