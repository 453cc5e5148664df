"""Events to publish, as rows written in the transaction of the state; the relay sends them later.

A row that Kafka does not take is parked in a table of its own, out of the way of the others. Later rows of its key wait
behind it, so that the order is kept.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from weakref import WeakSet

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    Delete,
    Select,
    Table,
    bindparam,
    delete,
    exists,
    func,
    insert,
    literal,
    null,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by

from schemas.envelope import Event, encode
from schemas.events import EventData
from schemas.values import value
from services.pipeline.bulk import given_rows, insert_given
from services.pipeline.database import Transaction
from services.pipeline.outbox_places import placed
from services.pipeline.parked_events import put_back
from services.pipeline.send_queue import OutboxRow, RowName
from services.pipeline.slices import mapped
from services.pipeline.stored_values import as_read
from services.pipeline.tables import KernelTables
from services.pipeline.writes import Write, Writes

MAX_COUNTED_ROWS = 100_000


@value
class Backlog:
    """What Kafka has not acknowledged: how many rows (at most MAX_COUNTED_ROWS are counted), since when, and parked."""

    rows: int
    oldest: datetime | None
    retrying: int
    refused: int


class Written:
    """Rows that a transaction writes; `read_back` is what the database says of them: ids, time, keys with earlier rows.

    `relayed` are those that the relay has read already, which it may do between the commit and its answer.
    """

    def __init__(self, rows: Sequence[Mapping[str, Any]], read_back: Sequence[Any]) -> None:
        self.rows = rows
        self.read_back = read_back
        self.relayed: set[RowName] = set()
        self.is_outdated = False

    def unpreceded(self) -> tuple[list[OutboxRow], bool]:
        """Return the rows whose keys have no earlier row in the outbox, and whether these are all to be relayed."""
        ids, created_at, preceded = self.read_back
        behind = frozenset(preceded or ())
        rows = [
            OutboxRow(number, created_at, row["topic"], row["key"], row["value"])
            for number, row in zip(ids, self.rows, strict=True)
            if row["key"] not in behind and (number, created_at) not in self.relayed
        ]
        return rows, not behind


class Outbox:
    """A service's outbox. Rows of one key are written under the lock of its state, so their ids are in commit order."""

    def __init__(self, tables: KernelTables) -> None:
        self._table = tables.outbox
        self._parked = tables.outbox_parked
        self.has_rows = asyncio.Event()
        self.has_relay = False
        self._open: WeakSet[Written] = WeakSet()  # weak, since a transaction may fail
        self._fresh: list[OutboxRow] = []
        self._must_read = False

    async def add(self, db: Transaction, events: Sequence[Event[EventData]]) -> None:
        """Insert `events` in their order; call wake() after the commit."""
        writes = Writes()
        await self.write(writes, events)
        await writes.execute(db)

    async def write(self, writes: Writes, events: Sequence[Event[EventData]]) -> "Written":
        """Insert `events` in their order with `writes`; after the commit, pass what is returned to `hand_over`."""
        rows = await mapped(_columns, events)
        written = Written(rows, writes.add(_writing(self._table, self._parked), rows) if rows else [])
        self._open.add(written)
        return written

    def hand_over(self, written: "Written") -> None:
        """Pass rows that are committed to the relay of this process, which need not read them again.

        Rows that another row of their key precedes, which the relay may not know, are left for it to read.
        """
        self._open.discard(written)
        if not written.rows or not self.has_relay:
            return
        if written.is_outdated:
            self.wake()
            return
        rows, is_all = written.unpreceded()
        self._fresh += rows
        if not is_all:
            self._must_read = True
        self.has_rows.set()

    def wake(self) -> None:
        """Make the relay of this process look for rows now."""
        self._must_read = True
        self.has_rows.set()

    def note_read(self, rows: Sequence[OutboxRow]) -> None:
        """Note that the relay has read `rows`, which may be among those that are handed over next."""
        names = {row.name for row in rows}
        for each in self._open if names else ():
            each.relayed |= names

    def forget_fresh(self) -> None:
        """Forget what was handed over, or is being written now: another process may relay it."""
        self.take_fresh()
        for each in self._open:
            each.is_outdated = True

    def take_fresh(self) -> list[OutboxRow]:
        """Return what was handed over since the last call."""
        fresh, self._fresh = self._fresh, []
        return fresh

    def take_wake(self) -> bool:
        """Return whether rows that were not handed over may be there; until the next wake() there are none known."""
        self.has_rows.clear()
        must_read, self._must_read = self._must_read, False
        return must_read

    async def oldest(
        self, db: Transaction, limit: int, *, max_bytes: int = 2**40, known: Collection[RowName] = ()
    ) -> list[OutboxRow]:
        """Return the oldest rows that are not `known` and wait behind no parked one, oldest first.

        At most `limit` rows and `max_bytes` of values, but at least one.
        """
        given = {"limit": limit, "max_bytes": max_bytes, **_named(known, "known")}
        rows = await db.execute(_oldest(self._table, self._parked), given)
        return [OutboxRow(*row) for row in rows]

    async def settle(self, db: Transaction, names: Collection[RowName]) -> None:
        """Delete rows that Kafka has acknowledged."""
        await db.execute(_deleted(self._table), _named(names, "given"))

    async def park(self, db: Transaction, names: Collection[RowName], why: str, retry_after: timedelta | None) -> None:
        """Take rows out of the relay's way, until `retry_after` has passed or, if that is None, for good."""
        until = null() if retry_after is None else func.now() + retry_after
        taken = _deleted(self._table).returning(*self._table.c).cte()
        columns = [*taken.c.keys(), "parked_until", "why"]
        rows = select(*placed(taken, self._table, self._parked), until, literal(why))
        parked = insert(self._parked).from_select(columns, rows)
        await db.execute(parked, _named(names, "given"))

    async def retry_due(self, db: Transaction, limit: int) -> int:
        """Put at most `limit` parked rows whose time has come back into the outbox, oldest first; return how many."""
        due = self._parked.c.parked_until <= func.now()
        chosen = select(self._parked.c.id).where(due).order_by(self._parked.c.id).limit(limit)
        return await put_back(db, self._table, self._parked, chosen)

    async def backlog(self, db: Transaction) -> Backlog:
        """Return what Kafka has not acknowledged."""
        some = select(self._table.c.id).limit(MAX_COUNTED_ROWS).subquery()
        count = select(func.count()).select_from(some).scalar_subquery()
        first = select(self._table.c.created_at).order_by(self._table.c.id).limit(1).scalar_subquery()
        parked = self._parked.c
        counted = select(
            count,
            func.least(first, func.min(parked.created_at)),
            func.count(parked.parked_until),
            func.count() - func.count(parked.parked_until),
        ).select_from(self._parked)
        rows, oldest, retrying, refused = (await db.execute(counted)).one()
        return Backlog(rows + retrying + refused, oldest, retrying, refused)


def _named(names: Collection[RowName], name: str) -> dict[str, list[Any]]:
    """Return `names` as the parameters of `given_rows`."""
    return {f"{name}_id": [row for row, _ in names], f"{name}_created_at": [at for _, at in names]}


@cache
def _writing(table: Table, parked: Table) -> Write:
    """Return the insert; it reads back the ids in the order of the rows, the time, and keys with earlier rows.

    All parts of a statement see the same snapshot, so rows that it inserts itself are not among the earlier ones. The
    lock on a key's state is older than the snapshot: whatever another transaction wrote under it is seen.
    """
    names = ("topic", "key", "value")

    def results(written: CTE) -> Sequence[ColumnElement[Any]]:
        given = given_rows([table.c.topic, table.c.key], "event")
        earlier = [exists().where(each.c.topic == given.c.topic, each.c.key == given.c.key) for each in (table, parked)]
        return (
            select(func.array_agg(aggregate_order_by(written.c.id, written.c.id))).scalar_subquery(),
            select(func.min(written.c.created_at)).scalar_subquery(),
            select(func.array_agg(given.c.key)).where(or_(*earlier)).scalar_subquery(),
        )

    return Write("event", insert_given(table, names, "event"), (table.c.id, table.c.created_at), results)


@cache
def _deleted(table: Table) -> Delete:
    given = given_rows([table.c.id, table.c.created_at])
    return delete(table).where(table.c.id == given.c.id, as_read(table.c.created_at) == given.c.created_at)


def _columns(event: Event[EventData]) -> dict[str, object]:
    return {"topic": event.data.topic, "key": event.subject, "value": encode(event)}


@cache
def _oldest(table: Table, parked: Table) -> Select[int, datetime, str, str, bytes]:
    is_behind = exists().where(parked.c.topic == table.c.topic, parked.c.key == table.c.key)
    size = func.octet_length(table.c.value)
    known = given_rows([table.c.id, table.c.created_at], "known")
    is_known = exists().where(known.c.id == table.c.id, known.c.created_at == as_read(table.c.created_at))
    oldest = (
        select(
            table.c.id,
            table.c.created_at,
            table.c.topic,
            table.c.key,
            table.c.value,
            func.sum(size).over(order_by=table.c.id).label("sum"),
            size.label("size"),
        )
        .where(~is_known, ~is_behind)
        .order_by(table.c.id)
        .limit(bindparam("limit"))
        .subquery()
    )
    fits = or_(oldest.c.sum <= bindparam("max_bytes", type_=BigInteger), oldest.c.sum == oldest.c.size)
    names = ("id", "created_at", "topic", "key", "value")
    return select(*(oldest.c[name] for name in names)).where(fits).order_by(oldest.c.id)
