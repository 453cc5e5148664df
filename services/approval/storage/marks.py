"""Stores the marks of each approver until they are sent."""

from collections.abc import Collection, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from schemas.events import DirectoryPerson
from services.approval.rules.marks import Mark, Verb
from services.approval.storage.desk_tables import MARK
from services.pipeline.database import Transaction
from services.pipeline.retention import MAX_ROWS, Swept, remove, row_address

MAX_MARKS = 500
"""Of one person; further ones are refused, so that nobody fills the table."""
KEPT_DAYS = 30
_KEY = ("person_id", "commitment_id")
_COLUMNS = [column for column in MARK.c if column.name not in {"person_id", "company_id"}]


async def of_person(db: Transaction, who: DirectoryPerson) -> Sequence[Mark]:
    """Return the marks of a person in their company, in the order in which they were made."""
    chosen = select(*_COLUMNS).where(MARK.c.person_id == who.person_id, MARK.c.company_id == who.company_id)
    rows = await db.execute(chosen.order_by(MARK.c.at, MARK.c.commitment_id))
    return [Mark(**(dict(row) | {"verb": Verb(row["verb"])})) for row in rows.mappings()]


async def save(db: Transaction, who: DirectoryPerson, marks: Sequence[Mark]) -> None:
    """Store `marks` of a person in place of earlier ones for the same commitments."""
    if not marks:
        return
    own = {"person_id": who.person_id, "company_id": who.company_id}
    given = insert(MARK).values([asdict(mark) | {"verb": mark.verb.value} | own for mark in marks])
    changed = {column.name: given.excluded[column.name] for column in MARK.c if column.name not in _KEY}
    await db.execute(given.on_conflict_do_update(index_elements=list(_KEY), set_=changed))


async def clear(db: Transaction, who: DirectoryPerson, commitment_ids: Collection[str] | None = None) -> None:
    """Delete a person's marks of these commitments; of all, if none are named."""
    own = delete(MARK).where(MARK.c.person_id == who.person_id)
    await db.execute(own if commitment_ids is None else own.where(MARK.c.commitment_id.in_(commitment_ids)))


async def clear_sent(db: Transaction, who: DirectoryPerson, sent: Sequence[Mark]) -> None:
    """Delete the marks that were `sent`, unless their person has marked the same commitment anew meanwhile."""
    for mark in sent:
        is_same = (MARK.c.commitment_id == mark.commitment_id) & (MARK.c.at == mark.at)
        await db.execute(delete(MARK).where(MARK.c.person_id == who.person_id, is_same))


async def sweep(db: Transaction, _: str, before: datetime) -> Swept:
    """Delete marks that nobody has sent for long."""
    chosen: Any = select(row_address(MARK)).where(MARK.c.at < before)
    rows = await remove(db, delete(MARK), chosen)
    return Swept(rows, "" if rows == MAX_ROWS else None)
