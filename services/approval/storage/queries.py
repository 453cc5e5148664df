"""Queries of the desk and the API: lists by view, one commitment, its history."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from pydantic import TypeAdapter
from sqlalchemy import ColumnElement, ScalarSelect, Select, bindparam, func, select

from schemas.fields import Id, Instant, Status, valid_or_none
from services.approval.rules.commitment import CommitmentFacts, CurrentStatus, current_status
from services.approval.storage import searches
from services.approval.storage.store import STATE
from services.approval.storage.tables import COMMITMENT, HISTORY
from services.approval.storage.views import STATUSES, DeskView, in_order, place
from services.pipeline.companies import companies_in
from services.pipeline.database import Transaction

PAGE_ROWS = 50
MAX_PAGE_ROWS = 200
MAX_COUNT = 10_000
MAX_HISTORY_ROWS = 500
_NUL = "\x00"
"""PostgreSQL text cannot contain it, so nothing matches it."""


@dataclass(frozen=True, slots=True)
class StoredCommitment:
    """A commitment that has been submitted, with its current status."""

    facts: CommitmentFacts
    current: CurrentStatus


class Cursor(NamedTuple):
    """A position in a list, which is sorted by `since`; as text it is part of addresses."""

    since: Instant
    id: Id

    def __str__(self) -> str:
        """The text that parse_cursor reads."""
        return f"{self.since.isoformat()}|{self.id}"


_CURSOR: TypeAdapter[Cursor] = TypeAdapter(Cursor)


def parse_cursor(text: str) -> Cursor | None:
    """Return the cursor that `text` represents; None if it represents none."""
    return valid_or_none(_CURSOR, text.split("|", 1))


@dataclass(frozen=True, slots=True)
class Page:
    """Some commitments of a list, oldest first; `next_after` continues it, None at its end.

    A search may end a page before it is full, when it has looked at many commitments: `is_partial`.
    """

    commitments: Sequence[StoredCommitment]
    next_after: Cursor | None
    is_partial: bool = False


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """Something that happened, in words."""

    at: datetime
    kind: str
    actor: str | None
    revision: int | None
    round: int | None
    text: str


async def page(
    db: Transaction,
    company_id: str,
    view: DeskView,
    *,
    search: str = "",
    after: tuple[datetime, str] | None = None,
    limit: int = PAGE_ROWS,
) -> Page:
    """Return at most `limit` commitments of a view whose number, title, vendor or project contains `search`."""
    if _NUL in search:
        return Page([], None)
    if search:
        return await _found(db, await searches.search(db, company_id, view, search, after=after, limit=limit))
    statement = _listed(view, is_continued=after is not None)
    rows = (await db.execute(statement, place(company_id, after, limit + 1))).all()
    last = rows[limit - 1] if len(rows) > limit else None
    return Page(_all_stored(row.state for row in rows[:limit]), Cursor(last.since, last.id) if last else None)


async def counts(db: Transaction, company_id: str) -> Mapping[DeskView, int]:
    """Return how many commitments each view holds; MAX_COUNT stands for that many or more."""
    by_status = (await db.execute(_COUNTS, {"company": company_id})).one()._mapping  # noqa: SLF001 - a public name
    found = {view: sum(by_status[status.value] for status in statuses) for view, statuses in STATUSES.items()}
    found[DeskView.DIFFERING] = by_status[DeskView.DIFFERING.value]
    return {view: min(count, MAX_COUNT) for view, count in found.items()}


async def waiting(db: Transaction) -> tuple[int, datetime | None]:
    """Return how many commitments of all companies wait for an answer, and since when the oldest has waited."""
    table, company = COMMITMENT, companies_in(COMMITMENT.c.company_id)
    in_company = table.c.company_id == company.c.id
    statuses = [status.value for status in STATUSES[DeskView.READY]]
    count = select(func.count()).where(in_company, table.c.status.in_(statuses)).scalar_subquery()
    oldest = [
        select(func.min(table.c.since)).where(in_company, table.c.status == status).scalar_subquery()
        for status in statuses
    ]
    chosen = select(func.coalesce(func.sum(count), 0), func.min(func.least(*oldest))).select_from(company)
    row = (await db.execute(chosen)).one()
    return int(row[0]), row[1]


async def find(db: Transaction, company_id: str, commitment_id: str) -> StoredCommitment | None:
    """Return a commitment of the company; None if it has no such commitment, or nothing of it was submitted."""
    if _NUL in commitment_id:
        return None
    table = COMMITMENT
    chosen = select(table.c.state).where(table.c.id == commitment_id, table.c.company_id == company_id)
    state = (await db.execute(chosen)).scalar_one_or_none()
    return None if state is None else stored_commitment(state)


async def history(db: Transaction, company_id: str, commitment_id: str) -> Sequence[HistoryLine]:
    """Return what happened to a commitment of the company, newest first; at most MAX_HISTORY_ROWS lines.

    A submission that was refused may have named another company before the commitment's own was known.
    """
    table = HISTORY
    is_own = (table.c.commitment_id == commitment_id) & (table.c.company_id == company_id)
    chosen = select(table.c.at, table.c.kind, table.c.actor, table.c.revision, table.c.round, table.c.text)
    rows = await db.execute(chosen.where(is_own).order_by(table.c.at.desc()).limit(MAX_HISTORY_ROWS))
    return [HistoryLine(*row) for row in rows]


async def _found(db: Transaction, hits: searches.Hits) -> Page:
    """Return the page of a search."""
    table = COMMITMENT
    rows = await db.execute(select(table.c.id, table.c.state).where(table.c.id == func.any(list(hits.ids))))
    states = {row.id: row.state for row in rows}
    commitments = _all_stored(states[commitment_id] for commitment_id in hits.ids)
    return Page(commitments, hits.next_after and Cursor(*hits.next_after), is_partial=hits.is_partial)


def _all_stored(states: Iterable[str]) -> list[StoredCommitment]:
    return [each for each in map(stored_commitment, states) if each]


@cache
def _listed(view: DeskView, *, is_continued: bool) -> Select[Any]:
    listed = in_order(view, is_continued=is_continued)
    return select(listed.c.id, listed.c.since, listed.c.state)


def _count(condition: ColumnElement[bool]) -> ScalarSelect[int]:
    table = COMMITMENT
    of_company = select(table.c.id).where(table.c.company_id == bindparam("company"), condition)
    return select(func.count()).select_from(of_company.limit(MAX_COUNT).subquery()).scalar_subquery()


_COUNTS = select(
    *(_count(COMMITMENT.c.status == status.value).label(status.value) for status in Status),
    _count(COMMITMENT.c.differs).label(DeskView.DIFFERING.value),
)


def stored_commitment(state: str) -> StoredCommitment | None:
    """Return the commitment whose facts are stored as `state`; None if nothing of it was submitted."""
    facts = STATE.validate_json(state)
    current = current_status(facts)
    return StoredCommitment(facts, current) if current else None
