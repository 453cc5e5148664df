"""Stores when to look again for late documents: one row per commitment, which a worker leases as it does an export."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Text, bindparam, delete, func, select, true, update
from sqlalchemy.dialects.postgresql import ARRAY, insert

from services.exporter.rules.recheck import Recheck
from services.exporter.storage.tables import RECHECK
from services.pipeline.database import Transaction
from services.pipeline.lease_clock import DATABASE_NOW, within_sight

_MOMENT = select(DATABASE_NOW.label("now")).cte("moment")
_names = func.unnest(bindparam("names", type_=ARRAY(Text))).table_valued("name").render_derived(name="named")
_first = (
    select(RECHECK.c.connection, RECHECK.c.due_at)
    .where(RECHECK.c.connection == _names.c.name)
    .order_by(RECHECK.c.due_at)
    .limit(1)
    .lateral("first")
)
_FIRST_DUE = select(
    _MOMENT.c.now, _first.c.connection, within_sight(_first.c.due_at, _MOMENT.c.now).label("due_at")
).select_from(_MOMENT.outerjoin(_names.join(_first, true()), true()))


@dataclass(frozen=True, slots=True)
class FirstDue:
    """When the first look on a connection is due, or the lease of one ends."""

    connection: str
    due_at: datetime


async def schedule(db: Transaction, rechecks: Iterable[Recheck]) -> None:
    """Plan each of `rechecks`, in place of what was planned for its commitment; what was found stays known."""
    rows = [
        {
            "commitment_id": each.commitment_id,
            "company_id": each.company_id,
            "connection": each.connection,
            "due_at": each.due_at,
        }
        for each in rechecks
    ]
    if rows:
        await db.execute(_PLAN, rows)


async def first_due(
    db: Transaction, given_now: datetime | None, names: Sequence[str]
) -> tuple[datetime, list[FirstDue]]:
    """Return the database's time, and those of the connections `names` for which a look is planned."""
    rows = (await db.execute(_FIRST_DUE, {"now": given_now, "names": list(names)})).all()
    return rows[0].now, [FirstDue(row.connection, row.due_at) for row in rows if row.connection is not None]


async def lease(db: Transaction, names: Sequence[str], token: UUID, now: datetime, until: datetime) -> Recheck | None:
    """Lease the first look that is due on the connection with these `names`; None if one is under way, or none due."""
    table, on_it = RECHECK, RECHECK.c.connection == func.any(list(names))
    under_way = select(table.c.commitment_id).where(on_it, table.c.due_at > now, table.c.lease_token.is_not(None))
    if (await db.execute(under_way.limit(1))).first() is not None:
        return None
    chosen = select(table).where(on_it, table.c.due_at <= now).order_by(table.c.due_at)
    row = (await db.execute(chosen.limit(1).with_for_update(skip_locked=True))).first()
    if row is None:
        return None
    is_it = table.c.commitment_id == row.commitment_id
    await db.execute(update(table).where(is_it).values(lease_token=token, due_at=until))
    return _recheck(row)


async def leased(db: Transaction, commitment_id: str, token: UUID) -> Recheck | None:
    """Lock and return the look that is leased under `token`; None if that lease is no longer held."""
    table = RECHECK
    chosen = select(table).where(table.c.commitment_id == commitment_id, table.c.lease_token == token)
    row = (await db.execute(chosen.with_for_update())).first()
    return _recheck(row) if row else None


async def end(db: Transaction, commitment_id: str, following: Recheck | None) -> None:
    """End a look: plan the `following` one, or none."""
    table = RECHECK
    is_it = table.c.commitment_id == commitment_id
    if following is None:
        await db.execute(delete(table).where(is_it))
        return
    values = {"due_at": following.due_at, "looks": following.looks, "told": sorted(following.told) or None}
    await db.execute(update(table).where(is_it).values(lease_token=None, **values))


def _recheck(row: Row[Any]) -> Recheck:
    return Recheck(row.commitment_id, row.company_id, row.connection, row.due_at, row.looks, frozenset(row.told or ()))


_INSERT = insert(RECHECK)
_PLAN = _INSERT.on_conflict_do_update(
    index_elements=["commitment_id"],
    set_={
        "connection": _INSERT.excluded.connection,
        "due_at": _INSERT.excluded.due_at,
        "lease_token": None,
        "looks": 0,
    },
)
