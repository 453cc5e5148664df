"""Stores the state of each ERP connection in PostgreSQL: its circuit breaker and its last announcement."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, Update, func, literal, select, update
from sqlalchemy.dialects.postgresql import insert

from services.exporter.rules.circuit import Circuit, plausible
from services.exporter.storage import tables
from services.pipeline.bulk import insert_many
from services.pipeline.database import Transaction
from services.pipeline.lease_clock import DATABASE_NOW
from services.pipeline.unreadable import readable

_TABLE = tables.CONNECTION
CONFIGURED = timedelta(seconds=30)
"""For how long a connection counts as configured after a process has said so."""
LEFT = timedelta(seconds=15)
"""For how long at most it does so after it left a process's file: any other that has it says so again before."""

CIRCUIT_COLUMNS = tuple(field.name for field in fields(Circuit))


@dataclass(frozen=True, slots=True)
class LockedConnection:
    """A connection's circuit, and the content and version of its last announcement."""

    circuit: Circuit
    announced: str | None
    announced_version: int


@dataclass(frozen=True, slots=True)
class Names:
    """The names of connections in a file: those that they have, and those that they had."""

    present: frozenset[str] = frozenset()
    former: frozenset[str] = frozenset()

    @property
    def all(self) -> frozenset[str]:
        """Both."""
        return self.present | self.former

    def without(self, others: "Names") -> "Names":
        """Those that are not among `others` in the same way."""
        return Names(self.present - others.present, self.former - others.former)


async def register(db: Transaction, names: Sequence[str]) -> None:
    """Insert a row for every connection of `names` that has none."""
    await insert_many(db, _TABLE, [{"name": name} for name in sorted(names)])


async def register_renamed(db: Transaction, name: str, formerly: Sequence[str]) -> None:
    """Insert a row for the connection `name` with the circuit that it has under a former name, unless it has one."""
    former = select(literal(name), *(_TABLE.c[each] for each in CIRCUIT_COLUMNS)).where(
        _TABLE.c.name == func.any(list(formerly))
    )
    newest = former.order_by(_TABLE.c.last_contact.desc().nulls_last(), _TABLE.c.name).limit(1)
    await db.execute(insert(_TABLE).from_select(("name", *CIRCUIT_COLUMNS), newest).on_conflict_do_nothing())


async def keep_configured(db: Transaction, names: Names, given_now: datetime | None) -> None:
    """Note that a running process has `names` in its file; it has to say so again before CONFIGURED has passed."""
    until = DATABASE_NOW + CONFIGURED
    await db.execute(_named(names.present).values(configured_until=until), {"now": given_now})
    if names.former:
        await db.execute(_named(names.former).values(formerly_until=until), {"now": given_now})


async def no_longer_configured(db: Transaction, names: Names, given_now: datetime | None) -> None:
    """Note that `names` have left a process's file: they count for LEFT, in which another one that has them says so."""
    until, table = DATABASE_NOW + LEFT, _TABLE.c
    if names.present:
        earlier = func.least(table.configured_until, until)
        await db.execute(_named(names.present).values(configured_until=earlier), {"now": given_now})
    if names.former:
        earlier = func.least(table.formerly_until, until)
        await db.execute(_named(names.former).values(formerly_until=earlier), {"now": given_now})


async def lock(db: Transaction, names: Sequence[str]) -> Mapping[str, LockedConnection]:
    """Lock and return the rows of `names`, so that one process at a time changes or announces a connection.

    They are locked in the order of `sorted`, in which claims lock them one by one.
    """
    chosen = select(_TABLE).where(_TABLE.c.name == func.any(list(names))).order_by(_TABLE.c.name.collate("C"))
    rows = await db.execute(chosen.with_for_update(key_share=True))
    return {row.name: LockedConnection(circuit_of(row), row.told, row.told_version) for row in rows}


async def locked_circuit(db: Transaction, name: str, now: datetime) -> Circuit:
    """Lock a connection's row, so that one process at a time counts and leases, and return its circuit."""
    if not (rows := await lock(db, [name])):
        await register(db, [name])
        rows = await lock(db, [name])
    return plausible(rows[name].circuit, now)


async def save_circuit(db: Transaction, name: str, circuit: Circuit) -> None:
    """Write the connection's circuit."""
    values = {column: getattr(circuit, column) for column in CIRCUIT_COLUMNS}
    await db.execute(update(_TABLE).where(_TABLE.c.name == name).values(values))


async def save_announcement(db: Transaction, name: str, content: str, version: int) -> None:
    """Write the content and version of the announcement that is being published."""
    await db.execute(update(_TABLE).where(_TABLE.c.name == name).values(told=content, told_version=version))


async def names_of(db: Transaction, name: str) -> Sequence[str]:
    """Return all names, present and former, of the connection that is called `name`, as it was last announced."""
    rows = await db.execute(select(_TABLE.c.name, _TABLE.c.told).where(_TABLE.c.told.is_not(None)))
    for names in readable(_TABLE, rows, lambda row: row.name, lambda row: _announced_names(row.told)):
        if name in names:
            return names
    return (name,)


def _announced_names(told: str) -> Sequence[str]:
    """Return the names in an announcement; none if no company exports through the connection any more."""
    announced = json.loads(told)
    names = (announced["name"], *announced.get("formerly", ()))
    return names if announced["companies"] else ()


def _named(names: Collection[str]) -> Update:
    return update(_TABLE).where(_TABLE.c.name == func.any(sorted(names)))


def circuit_of(row: Row[Any]) -> Circuit:
    """Return the circuit in a row with the columns of the table."""
    return Circuit(**{column: getattr(row, column) for column in CIRCUIT_COLUMNS})
