"""Reads what the exporter reports: its connections, and counts of the exports that are not finished yet.

Each statement reads nothing but an index, and costs next to nothing while few exports are unfinished.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, DateTime, bindparam, func, literal_column, select, text

from services.exporter.rules.circuit import Circuit
from services.exporter.rules.export import ExportState
from services.exporter.storage import tables
from services.exporter.storage.connection_store import circuit_of
from services.pipeline.database import Transaction


@dataclass(frozen=True, slots=True)
class UnfinishedExports:
    """How many exports of one connection are in one state, and the age of the earliest acceptance, or failure."""

    connection: str | None
    state: str
    count: int
    oldest_age_seconds: float


@dataclass(frozen=True, slots=True)
class SeenConnection:
    """A connection's circuit, its last announcement, and how many commitments wait for it or are in flight."""

    circuit: Circuit
    announced: str | None
    queue_length: int


async def count_unfinished(db: Transaction, now: datetime) -> Sequence[UnfinishedExports]:
    """Return the exports that somebody or something has to finish, counted by connection and state.

    Failed ones count until they are closed.
    """
    rows = await db.execute(_WAITING.union_all(_FAILED), {"now": now})
    return [UnfinishedExports(connection, state, count, max(float(age), 0.0)) for connection, state, count, age in rows]


async def connections(db: Transaction, names: Sequence[str]) -> Mapping[str, SeenConnection]:
    """Return those of `names` that are registered."""
    table, commitment = tables.CONNECTION, tables.COMMITMENT
    waiting = select(func.count()).where(commitment.c.connection == table.c.name, commitment.c.due_at.is_not(None))
    chosen = select(table, waiting.scalar_subquery().label("waiting")).where(table.c.name == func.any(list(names)))
    rows = await db.execute(chosen)
    return {row.name: SeenConnection(circuit_of(row), row.told, row.waiting) for row in rows}


async def removed_connections(db: Transaction, names: Sequence[str]) -> Sequence[str]:
    """Return the connections besides `names` that are announced with companies: they are no longer configured."""
    table = tables.CONNECTION
    is_other = table.c.name.not_in(list(names))
    removed = select(table.c.name).where(is_other, table.c.told.not_like('%"companies": []%')).order_by(table.c.name)
    return list(await db.scalars(removed))


async def count_set_aside(db: Transaction) -> int:
    """Return how many commitments are set aside."""
    counted = select(func.count()).select_from(tables.COMMITMENT).where(tables.COMMITMENT.c.set_aside.is_not(None))
    count: int = (await db.execute(counted)).scalar_one()
    return count


def _age_of(since: ColumnElement[datetime]) -> ColumnElement[Any]:
    """Return the age of the earliest in seconds, in SQL: PostgreSQL has years that Python cannot read."""
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
