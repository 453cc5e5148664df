"""The limits that approvers have handed to others."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import Row, delete, func, insert, or_, select

from schemas.events import DirectoryPerson
from services.approval.rules.delegations import MAX_DELEGATIONS, Delegation, NewDelegation, day_of
from services.approval.storage.desk_tables import DELEGATION as _TABLE
from services.pipeline.database import Transaction
from services.pipeline.retention import Swept, delete_oldest

KEPT_DAYS = 400
"""After the last day; what was accepted with one says so in its history."""

_SOMEWHERE = timedelta(days=1)
"""By how much the day of some owner may be another one than that in UTC."""


async def of_person(db: Transaction, who: DirectoryPerson, now: datetime) -> Sequence[Delegation]:
    """Return those that the person has given or got and that are not over for certain, by their first day."""
    theirs = or_(_TABLE.c.owner_id == who.person_id, _TABLE.c.to_id == who.person_id)
    return await _found(db, who.company_id, theirs, _TABLE.c.last_day >= _earliest(now))


async def of_company(db: Transaction, company_id: str, now: datetime) -> Sequence[Delegation]:
    """Return those of the company that may be in force `now`, by their first day."""
    begun = _TABLE.c.first_day <= (now + _SOMEWHERE).date()
    return await _found(db, company_id, begun, _TABLE.c.last_day >= _earliest(now))


async def add(db: Transaction, owner: DirectoryPerson, wanted: NewDelegation, now: datetime) -> Delegation | None:
    """Add a delegation and return it; None if its owner has MAX_DELEGATIONS that are not over."""
    key = f"delegation\n{owner.person_id}"
    await db.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(key, 0))))
    theirs = (_TABLE.c.owner_id == owner.person_id) & (_TABLE.c.last_day >= day_of(owner, now))
    if (await db.execute(select(func.count()).select_from(_TABLE).where(theirs))).scalar_one() >= MAX_DELEGATIONS:
        return None
    row = {
        "id": uuid4().hex,
        "company_id": owner.company_id,
        "owner_id": owner.person_id,
        "to_id": wanted.to,
        "first_day": wanted.first_day,
        "last_day": wanted.last_day,
        "at": now,
    }
    return _delegation((await db.execute(insert(_TABLE).values(row).returning(_TABLE))).one())


async def end(db: Transaction, owner: DirectoryPerson, delegation_id: str) -> bool:
    """End one that the owner has given, at once; False if they have none of this id, or ended it before."""
    ended = delete(_TABLE).where(_TABLE.c.owner_id == owner.person_id, _TABLE.c.id == delegation_id)
    return (await db.execute(ended.returning(_TABLE.c.id))).one_or_none() is not None


async def sweep(db: Transaction, _: str, before: datetime) -> Swept:
    """Delete those that have been over for long."""
    return await delete_oldest(db, _TABLE, _TABLE.c.last_day, before.date())


async def _found(db: Transaction, company_id: str, *conditions: Any) -> Sequence[Delegation]:
    chosen = select(_TABLE).where(_TABLE.c.company_id == company_id, *conditions)
    rows = await db.execute(chosen.order_by(_TABLE.c.first_day, _TABLE.c.id))
    return [_delegation(row) for row in rows]


def _earliest(now: datetime) -> date:
    """The day that it may still be `now` where an owner is."""
    return (now - _SOMEWHERE).date()


def _delegation(row: Row[Any]) -> Delegation:
    return Delegation(row.id, row.owner_id, row.to_id, row.first_day, row.last_day)
