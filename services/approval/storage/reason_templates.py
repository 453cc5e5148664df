"""The texts that the approvers of a company keep as reasons for rejecting."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import Row, delete, func, insert, select, update

from schemas.commitment import Person
from services.approval.rules.reason_templates import MAX_TEMPLATES, ReasonTemplate, ReasonText, by_title
from services.approval.storage.desk_tables import REASON_TEMPLATE as _TABLE
from services.pipeline.database import Transaction
from services.pipeline.unreadable import read_or_none, readable


async def of_company(db: Transaction, company_id: str) -> Sequence[ReasonTemplate]:
    """Return the company's texts, by title."""
    rows = await db.execute(select(_TABLE).where(_TABLE.c.company_id == company_id))
    return by_title(readable(_TABLE, rows, lambda row: row.id, _template))


async def find(db: Transaction, company_id: str, template_id: str) -> ReasonTemplate | None:
    """Return one of the company's texts; None if it has none of this id."""
    rows = await db.execute(select(_TABLE).where(_TABLE.c.company_id == company_id, _TABLE.c.id == template_id))
    row = rows.one_or_none()
    return read_or_none(_TABLE, template_id, lambda: _template(row)) if row else None


async def add(
    db: Transaction, company_id: str, entered: ReasonText, by: Person, now: datetime
) -> ReasonTemplate | None:
    """Add a text and return it; None if the company has MAX_TEMPLATES already."""
    await db.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"reason_template\n{company_id}", 0))))
    own = _TABLE.c.company_id == company_id
    if (await db.execute(select(func.count()).select_from(_TABLE).where(own))).scalar_one() >= MAX_TEMPLATES:
        return None
    row = {"id": uuid4().hex, "company_id": company_id} | _members(entered, by, now)
    return _template((await db.execute(insert(_TABLE).values(row).returning(_TABLE))).one())


async def change(
    db: Transaction, company_id: str, template_id: str, entered: ReasonText, by: Person, now: datetime
) -> ReasonTemplate | None:
    """Change one of the company's texts and return it; None if it has none of this id."""
    changed = update(_TABLE).where(_TABLE.c.company_id == company_id, _TABLE.c.id == template_id)
    row = (await db.execute(changed.values(_members(entered, by, now)).returning(_TABLE))).one_or_none()
    return _template(row) if row else None


async def remove(db: Transaction, company_id: str, template_id: str) -> bool:
    """Delete one of the company's texts; False if it has none of this id."""
    removed = delete(_TABLE).where(_TABLE.c.company_id == company_id, _TABLE.c.id == template_id)
    return (await db.execute(removed.returning(_TABLE.c.id))).one_or_none() is not None


def _members(entered: ReasonText, by: Person, now: datetime) -> dict[str, Any]:
    return {"title": entered.title, "text": entered.text, "created_by": by.model_dump_json(), "at": now}


def _template(row: Row[Any]) -> ReasonTemplate:
    return ReasonTemplate(row.id, row.title, row.text, Person.model_validate_json(row.created_by), row.at)
