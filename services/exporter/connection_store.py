"""Keeps what is known of each ERP connection in PostgreSQL: its circuit, its calls in flight, what was told of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.exporter import models
from services.exporter.circuit import Circuit
from services.pipeline.bulk import insert_rows

_TABLE = models.connection


@dataclass(frozen=True, slots=True)
class ConnectionRow:
    """One connection as the database knows it; `told` is the last announcement's comparable part."""

    name: str
    circuit: Circuit
    told_version: int
    told: str | None


async def register(db: AsyncConnection, names: Sequence[str]) -> None:
    """Give every configured connection a row."""
    if names:
        await db.execute(insert_rows(_TABLE, [{"name": name} for name in sorted(names)]).on_conflict_do_nothing())


async def lock(db: AsyncConnection, names: Sequence[str]) -> Mapping[str, ConnectionRow]:
    """Return the locked rows of `names`, so that limits hold for all processes together."""
    chosen = select(_TABLE).where(_TABLE.c.name == func.any(list(names))).order_by(_TABLE.c.name)
    rows = await db.execute(chosen.with_for_update(key_share=True))
    return {row.name: ConnectionRow(row.name, _circuit(row), row.told_version, row.told) for row in rows}


async def calls_in_flight(db: AsyncConnection) -> Mapping[str, int]:
    """Return how many leases stand on each connection, in all processes."""
    return await _counted(db, models.commitment.c.lease_token.is_not(None))


async def queue_lengths(db: AsyncConnection) -> Mapping[str, int]:
    """Return how many commitments wait for each connection, those in flight included."""
    return await _counted(db, models.commitment.c.due_at.is_not(None))


async def read_circuit(db: AsyncConnection, name: str, *, is_locked: bool) -> Circuit:
    """Return the circuit of the connection, locked on demand; a connection without a row has a closed one."""
    chosen = select(_TABLE).where(_TABLE.c.name == name)
    row = (await db.execute(chosen.with_for_update(key_share=True) if is_locked else chosen)).first()
    return _circuit(row) if row else Circuit()


async def save_circuit(db: AsyncConnection, name: str, circuit: Circuit) -> None:
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


async def save_told(db: AsyncConnection, name: str, told: str, version: int) -> None:
    """Remember what was announced of the connection."""
    await db.execute(update(_TABLE).where(_TABLE.c.name == name).values(told=told, told_version=version))


async def _counted(db: AsyncConnection, condition: ColumnElement[bool]) -> Mapping[str, int]:
    table = models.commitment
    counted = select(table.c.connection, func.count()).where(condition).group_by(table.c.connection)
    return {name: count for name, count in await db.execute(counted) if name is not None}


def _circuit(row: Row[Any]) -> Circuit:
    return Circuit(row.missed_calls, row.open_since, row.try_at, row.last_contact)
