"""Keeps what is known of each ERP connection in PostgreSQL: its circuit, its calls in flight, what was told of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, select, update

from services.exporter.rules.circuit import Circuit
from services.exporter.storage import tables
from services.pipeline.bulk import insert_many
from services.pipeline.database import Transaction

_TABLE = tables.CONNECTION


@dataclass(frozen=True, slots=True)
class Load:
    """How a connection's calls go, and how many leases stand on it in all processes."""

    circuit: Circuit
    leases: int


@dataclass(frozen=True, slots=True)
class Announced:
    """How a connection's calls go, and what was announced last: its version and its comparable part."""

    circuit: Circuit
    version: int
    told: str | None


async def register(db: Transaction, names: Sequence[str]) -> None:
    """Give every configured connection a row."""
    await insert_many(db, _TABLE, [{"name": name} for name in sorted(names)])


async def load(db: Transaction, names: Sequence[str], now: datetime) -> Mapping[str, Load]:
    """Return the load of `names`, as far as they are registered.

    A lapsed lease is no load: counted, the leases of a killed process would keep everybody from taking them over.
    """
    commitment = tables.COMMITMENT
    leases = (
        select(func.count())
        .where(
            commitment.c.connection == _TABLE.c.name,
            commitment.c.lease_token.is_not(None),
            commitment.c.due_at > now,
        )
        .scalar_subquery()
    )
    chosen = select(_TABLE, leases.label("leases")).where(_TABLE.c.name == func.any(list(names)))
    return {row.name: Load(_circuit(row), row.leases) for row in await db.execute(chosen.order_by(_TABLE.c.name))}


async def lock(db: Transaction, names: Sequence[str]) -> Mapping[str, Announced]:
    """Return the locked rows of `names`, so that one process at a time changes or announces them."""
    chosen = select(_TABLE).where(_TABLE.c.name == func.any(list(names))).order_by(_TABLE.c.name)
    rows = await db.execute(chosen.with_for_update(key_share=True))
    return {row.name: Announced(_circuit(row), row.told_version, row.told) for row in rows}


async def queue_lengths(db: Transaction) -> Mapping[str, int]:
    """Return how many commitments wait for each connection, those in flight included."""
    table = tables.COMMITMENT
    counted = select(table.c.connection, func.count()).where(table.c.due_at.is_not(None)).group_by(table.c.connection)
    return {name: count for name, count in await db.execute(counted) if name is not None}


async def save_circuit(db: Transaction, name: str, circuit: Circuit) -> None:
    """Write the circuit of the connection."""
    await db.execute(
        update(_TABLE)
        .where(_TABLE.c.name == name)
        .values(
            missed_calls=circuit.missed_calls,
            open_since=circuit.open_since,
            try_at=circuit.try_at,
            last_contact=circuit.last_contact,
        )
    )


async def save_told(db: Transaction, name: str, told: str, version: int) -> None:
    """Remember what was announced of the connection."""
    await db.execute(update(_TABLE).where(_TABLE.c.name == name).values(told=told, told_version=version))


def _circuit(row: Row[Any]) -> Circuit:
    return Circuit(row.missed_calls, row.open_since, row.try_at, row.last_contact)
