"""Finds commitments of any company by what an operator has: an id, or a number."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, true

from services.approval.storage.queries import StoredCommitment, stored_or_raise
from services.approval.storage.tables import COMMITMENT, NUMBER
from services.pipeline.companies import companies_in
from services.pipeline.database import Transaction
from services.pipeline.errors import UnreadableRowError

MAX_FOUND = 20


@dataclass(frozen=True, slots=True)
class Found:
    """The commitments that it can be, and the ids of those among them whose rows cannot be read."""

    commitments: tuple[StoredCommitment, ...] = ()
    unreadable: tuple[str, ...] = ()

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of all that it can be."""
        return (*(each.facts.id for each in self.commitments), *self.unreadable)


async def by_id_or_number(db: Transaction, text: str) -> Found:
    """Return the commitment with this id; if there is none, those with this number, as typed or in upper case.

    At most MAX_FOUND of each company, by company and id.
    """
    if "\x00" in text:
        return Found()
    table = COMMITMENT.c
    found = _found(await db.execute(select(table.id, table.state).where(table.id == text)))
    return found if found.ids else await _by_number(db, text)


async def _by_number(db: Transaction, text: str) -> Found:
    table, company = COMMITMENT, companies_in(COMMITMENT.c.company_id)
    numbered = (
        select(table.c.id, table.c.state)
        .where(table.c.company_id == company.c.id, NUMBER.in_({text, text.upper()}))
        .order_by(table.c.id)
        .limit(MAX_FOUND)
        .lateral("numbered")
    )
    chosen = select(numbered.c.id, numbered.c.state).select_from(company).join(numbered, true())
    return _found(await db.execute(chosen.order_by(company.c.id, numbered.c.id)))


def _found(rows: Iterable[Any]) -> Found:
    read: list[StoredCommitment | None] = []
    unreadable: list[str] = []
    for commitment_id, state in rows:
        try:
            read.append(stored_or_raise(commitment_id, state))
        except UnreadableRowError:
            unreadable.append(commitment_id)
    return Found(tuple(each for each in read if each), tuple(unreadable))
