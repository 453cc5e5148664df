"""Finds commitments of any company by what an operator has: an id, or a number."""

from collections.abc import Sequence

from sqlalchemy import select, true

from services.approval.storage.queries import StoredCommitment, stored_commitment
from services.approval.storage.tables import COMMITMENT, NUMBER
from services.pipeline.companies import companies_in
from services.pipeline.database import Transaction

MAX_FOUND = 20


async def by_id_or_number(db: Transaction, text: str) -> Sequence[StoredCommitment]:
    """Return the commitment with this id; if there is none, those with this number, as typed or in upper case.

    At most MAX_FOUND of each company, by company and id.
    """
    if "\x00" in text:
        return ()
    state = (await db.execute(select(COMMITMENT.c.state).where(COMMITMENT.c.id == text))).scalar_one_or_none()
    found = stored_commitment(text, state) if state else None
    return (found,) if found else await _by_number(db, text)


async def _by_number(db: Transaction, text: str) -> Sequence[StoredCommitment]:
    table, company = COMMITMENT, companies_in(COMMITMENT.c.company_id)
    numbered = (
        select(table.c.id, table.c.state)
        .where(table.c.company_id == company.c.id, NUMBER.in_({text, text.upper()}))
        .order_by(table.c.id)
        .limit(MAX_FOUND)
        .lateral("numbered")
    )
    chosen = select(numbered.c.id, numbered.c.state).select_from(company).join(numbered, true())
    rows = await db.execute(chosen.order_by(company.c.id, numbered.c.id))
    return [each for each in (stored_commitment(*row) for row in rows) if each]
