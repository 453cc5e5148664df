"""Reads what the exporter reports: its connections, and counts of the exports that are not finished yet.

Each statement reads nothing but an index, and costs next to nothing while few exports are unfinished.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, DateTime, Row, Select, bindparam, func, literal_column, or_, select, text

from services.exporter.rules.circuit import Circuit
from services.exporter.rules.export import ExportState
from services.exporter.storage import pollers, tables
from services.exporter.storage.connection_store import circuit_of
from services.exporter.storage.pollers import Poller
from services.pipeline.database import Transaction
from services.pipeline.slices import mapped
from services.pipeline.unreadable import read_or_none


@dataclass(frozen=True, slots=True)
class UnfinishedExports:
    """How many exports of one connection are in one state, and the age of the earliest acceptance, or failure."""

    connection: str | None
    state: str
    count: int
    oldest_age_seconds: float


@dataclass(frozen=True, slots=True)
class SeenConnection:
    """A connection's circuit, its last announcement, how many commitments are waiting or in flight, and its client."""

    circuit: Circuit
    announced: str | None
    queue_length: int
    poller: Poller = Poller()  # noqa: RUF009 - it is frozen


async def count_unfinished(db: Transaction, now: datetime) -> Sequence[UnfinishedExports]:
    """Return the exports that somebody or something has to finish, counted by connection and state.

    Failed ones count until they are closed.
    """
    rows = await db.execute(_WAITING.union_all(_FAILED), {"now": now})
    return [UnfinishedExports(connection, state, count, max(float(age), 0.0)) for connection, state, count, age in rows]


async def connections(db: Transaction, names: Mapping[str, Sequence[str]]) -> Mapping[str, SeenConnection]:
    """Return those of `names` that are registered, each with what waits under all the names that it has or had."""
    waiting = await _count_waiting(db, [name for each in names.values() for name in each])
    rows = (await db.execute(_registered(names))).all()
    seen = await mapped(lambda row: _seen(row, sum(waiting.get(name, 0) for name in names[row.name])), rows)
    return dict(zip([row.name for row in rows], seen, strict=True))


async def announced(db: Transaction, names: Collection[str]) -> Mapping[str, SeenConnection]:
    """Return those of `names` that are registered; what waits is not counted, but taken from what was announced."""
    rows = (await db.execute(_registered(names))).all()
    seen = await mapped(lambda row: _seen(row, _queue_told(row.name, row.told)), rows)
    return dict(zip([row.name for row in rows], seen, strict=True))


def _registered(names: Collection[str]) -> Select[Any]:
    table = tables.CONNECTION
    with_poller = table.outerjoin(tables.POLLER, tables.POLLER.c.connection == table.c.name)
    return select(table, *pollers.COLUMNS).select_from(with_poller).where(table.c.name == func.any(list(names)))


def _seen(row: Row[Any], queue_length: int) -> SeenConnection:
    return SeenConnection(circuit_of(row), row.told, queue_length, pollers.poller_of(row))


def _queue_told(name: str, told: str | None) -> int:
    length = read_or_none(tables.CONNECTION, name, lambda: int(json.loads(told).get("queue_length", 0))) if told else 0
    return length or 0


async def _count_waiting(db: Transaction, names: Sequence[str]) -> Mapping[str, int]:
    """Return how many commitments wait under each of `names`; a name under which none waits is left out."""
    table = tables.COMMITMENT
    chosen = select(table.c.connection, func.count().label("waiting"))
    chosen = chosen.where(table.c.connection == func.any(list(names)), table.c.due_at.is_not(None))
    return {row.connection: row.waiting for row in await db.execute(chosen.group_by(table.c.connection))}


async def removed_connections(db: Transaction, names: Sequence[str], now: datetime) -> Sequence[str]:
    """Return the connections besides `names` that are announced with companies, and that no process has any more."""
    table = tables.CONNECTION
    is_other = table.c.name.not_in(list(names))
    is_left = or_(table.c.configured_until.is_(None), table.c.configured_until <= now)
    removed = select(table.c.name).where(is_other, is_left, table.c.told.not_like('%"companies": []%'))
    return list(await db.scalars(removed.order_by(table.c.name)))


async def count_set_aside(db: Transaction) -> int:
    """Return how many commitments are set aside."""
    counted = select(func.count()).select_from(tables.COMMITMENT).where(tables.COMMITMENT.c.set_aside.is_not(None))
    count: int = (await db.execute(counted)).scalar_one()
    return count


def _age_of(since: ColumnElement[datetime]) -> ColumnElement[Any]:
    """Return the age of the earliest in seconds; in SQL, so that one far outside the calendar shows as it is."""
    return func.extract("epoch", bindparam("now", type_=DateTime(timezone=True)) - func.min(since))


# The conditions are written as the indexes have them, for PostgreSQL uses a partial index only where it can prove that
# it covers a question, and for a parameter it cannot.
_EXPORT = tables.EXPORT.c
_WAITING = (
    select(_EXPORT.connection, _EXPORT.state, func.count(), _age_of(_EXPORT.accepted_at))
    .where(text("state in ('pending', 'in_flight', 'in_doubt')"))
    .group_by(_EXPORT.connection, _EXPORT.state)
)
_FAILED = (
    select(_EXPORT.connection, literal_column(f"'{ExportState.FAILED}'"), func.count(), _age_of(_EXPORT.state_since))
    .where(text("state = 'failed' and not is_closed"))
    .group_by(_EXPORT.connection)
)
