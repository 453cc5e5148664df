"""Stores the state of each ERP connection in PostgreSQL: its circuit breaker and its last announcement."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import Row, func, select, update

from services.exporter.rules.circuit import Circuit
from services.exporter.storage import tables
from services.pipeline.bulk import insert_many
from services.pipeline.database import Transaction

_TABLE = tables.CONNECTION
CIRCUIT_COLUMNS = tuple(field.name for field in fields(Circuit))


@dataclass(frozen=True, slots=True)
class LockedConnection:
    """A connection's circuit, and the content and version of its last announcement."""

    circuit: Circuit
    announced: str | None
    announced_version: int


async def register(db: Transaction, names: Sequence[str]) -> None:
    """Insert a row for every connection of `names` that has none."""
    await insert_many(db, _TABLE, [{"name": name} for name in sorted(names)])


async def lock(db: Transaction, names: Sequence[str]) -> Mapping[str, LockedConnection]:
    """Lock and return the rows of `names`, so that one process at a time changes or announces a connection."""
    chosen = select(_TABLE).where(_TABLE.c.name == func.any(list(names))).order_by(_TABLE.c.name)
    rows = await db.execute(chosen.with_for_update(key_share=True))
    return {row.name: LockedConnection(circuit_of(row), row.told, row.told_version) for row in rows}


async def locked_circuit(db: Transaction, name: str) -> Circuit:
    """Lock a connection's row, so that one process at a time counts and leases, and return its circuit."""
    if not (rows := await lock(db, [name])):
        await register(db, [name])
        rows = await lock(db, [name])
    return rows[name].circuit


async def save_circuit(db: Transaction, name: str, circuit: Circuit) -> None:
    """Write the connection's circuit."""
    values = {column: getattr(circuit, column) for column in CIRCUIT_COLUMNS}
    await db.execute(update(_TABLE).where(_TABLE.c.name == name).values(values))


async def save_announcement(db: Transaction, name: str, content: str, version: int) -> None:
    """Write the content and version of the announcement that is being published."""
    await db.execute(update(_TABLE).where(_TABLE.c.name == name).values(told=content, told_version=version))


def circuit_of(row: Row[Any]) -> Circuit:
    """Return the circuit in a row with the columns of the table."""
    return Circuit(**{column: getattr(row, column) for column in CIRCUIT_COLUMNS})
