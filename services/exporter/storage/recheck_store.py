"""Stores when to look again for late documents: a row for each ERP in which one of a commitment may still turn up.

A worker leases a row as it does an export.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, DateTime, Row, Text, and_, bindparam, delete, func, select, text, true, update
from sqlalchemy.dialects.postgresql import ARRAY

from services.exporter.rules.recheck import Recheck
from services.exporter.storage import connection_store
from services.exporter.storage.tables import LOOK
from services.pipeline.database import Transaction
from services.pipeline.lease_clock import DATABASE_NOW, within_sight
from services.pipeline.unreadable import read_or_none

UNREADABLE_DELAY = timedelta(hours=12)
"""For how long a row is put off that cannot be read."""

_MOMENT = select(DATABASE_NOW.label("now")).cte("moment")
_names = func.unnest(bindparam("names", type_=ARRAY(Text))).table_valued("name").render_derived(name="named")
_first = (
    select(LOOK.c.connection, LOOK.c.due_at)
    .where(LOOK.c.connection == _names.c.name)
    .order_by(LOOK.c.due_at)
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
    """Begin each of `rechecks` anew in its ERP, under whichever name; looks in other ERPs go on.

    What was found stays known.
    """
    planned = list(rechecks)
    names = {name: list(await connection_store.names_of(db, name)) for name in {each.connection for each in planned}}
    rows = [
        {
            "commitment_id": each.commitment_id,
            "company_id": each.company_id,
            "connection": each.connection,
            "names": names[each.connection],
            "due_at": each.due_at,
        }
        for each in planned
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
    """Lease the first look that is due on the connection with these `names`; None if one is under way, or none due.

    One that cannot be read is put off, since it would hold up the others.
    """
    table, on_it = LOOK, LOOK.c.connection == func.any(list(names))
    under_way = select(table.c.commitment_id).where(on_it, table.c.due_at > now, table.c.lease_token.is_not(None))
    if (await db.execute(under_way.limit(1))).first() is not None:
        return None
    chosen = select(table).where(on_it, table.c.due_at <= now).order_by(table.c.due_at).limit(1)
    while (row := (await db.execute(chosen.with_for_update(skip_locked=True))).first()) is not None:
        this = update(table).where(table.c.commitment_id == row.commitment_id, table.c.connection == row.connection)
        recheck = read_or_none(table, row.commitment_id, partial(_recheck, row))
        if recheck is not None:
            await db.execute(this.values(lease_token=token, due_at=until))
            return recheck
        await db.execute(this.values(lease_token=None, due_at=now + UNREADABLE_DELAY))
    return None


async def leased(db: Transaction, commitment_id: str, names: Sequence[str], token: UUID) -> Recheck | None:
    """Lock and return the look that is leased under `token`; None if that lease is no longer held.

    It has what was found under any of `names`, those of its connection: exporters that have read different files plan
    looks in the same ERP under different names.
    """
    table = LOOK
    chosen = select(table).where(table.c.commitment_id == commitment_id, table.c.connection == func.any(list(names)))
    rows = (await db.execute(chosen.order_by(table.c.connection).with_for_update())).all()
    told = frozenset(id_ for row in rows for id_ in row.told or ())
    return next((replace(_recheck(row), told=told) for row in rows if row.lease_token == token), None)


async def end(db: Transaction, recheck: Recheck, following: Recheck | None) -> None:
    """End a look: plan the `following` one in the same ERP, or none."""
    if following is None:
        await db.execute(delete(LOOK).where(_is(recheck)))
        return
    values = {"due_at": following.due_at, "looks": following.looks, "told": sorted(following.told) or None}
    await db.execute(update(LOOK).where(_is(recheck)).values(lease_token=None, **values))


def _is(recheck: Recheck) -> ColumnElement[bool]:
    return and_(LOOK.c.commitment_id == recheck.commitment_id, LOOK.c.connection == recheck.connection)


def _recheck(row: Row[Any]) -> Recheck:
    return Recheck(row.commitment_id, row.company_id, row.connection, row.due_at, row.looks, frozenset(row.told or ()))


_PLAN = text(
    """
    with other_name as (
        delete from exporter.look
        where commitment_id = :commitment_id and connection = any(:names) and connection <> :connection
        returning told
    )
    insert into exporter.look as planned (commitment_id, company_id, connection, due_at, told)
    select :commitment_id, :company_id, :connection, :due_at,
        (select jsonb_agg(id) from other_name cross join lateral jsonb_array_elements(other_name.told) as found (id))
    on conflict (commitment_id, connection) do update set due_at = excluded.due_at, lease_token = null, looks = 0,
        told = coalesce(planned.told || excluded.told, planned.told, excluded.told)
    """
).bindparams(
    *(bindparam(name, type_=Text) for name in ("commitment_id", "company_id", "connection")),
    bindparam("names", type_=ARRAY(Text)),
    bindparam("due_at", type_=DateTime(timezone=True)),
)
