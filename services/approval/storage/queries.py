"""Queries of the desk and the API: lists by view, one commitment."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Select, bindparam, func, select, union_all

from services.approval.rules.commitment import CommitmentFacts, CurrentStatus, current_status
from services.approval.storage import candidates, searches
from services.approval.storage.list_filter import NUL, ListFilter
from services.approval.storage.store import STATE
from services.approval.storage.tables import COMMITMENT
from services.approval.storage.tallies import Facet, Facets, Tally, counts, facets, kept
from services.approval.storage.views import (
    DEFAULT_SORTS,
    STATUSES,
    Cursor,
    DeskView,
    Listed,
    Sort,
    in_view,
    parse_cursor,
)
from services.pipeline.apart import apart_if_long
from services.pipeline.clock import utc_now
from services.pipeline.companies import companies_in
from services.pipeline.database import Transaction
from services.pipeline.unreadable import read_or_none, read_or_raise

__all__ = [
    "Cursor",
    "Facet",
    "Facets",
    "ListFilter",
    "Sort",
    "Tally",
    "counts",
    "facets",
    "find",
    "find_many",
    "newer",
    "page",
    "parse_cursor",
    "tally",
    "waiting",
]

PAGE_ROWS = 50
MAX_PAGE_ROWS = 200
MAX_NEWER = 100
EVERYTHING = ListFilter()


@dataclass(frozen=True, slots=True)
class StoredCommitment:
    """A commitment that has been submitted, with its current status."""

    facts: CommitmentFacts
    current: CurrentStatus


@dataclass(frozen=True, slots=True)
class Page:
    """Some commitments of a list in its order; `next_after` continues it, None at its end.

    A filtered list may end a page before it is full, when it has looked at many commitments: `is_partial`.
    """

    commitments: Sequence[StoredCommitment]
    next_after: Cursor | None
    is_partial: bool = False


async def page(
    db: Transaction,
    company_id: str,
    view: DeskView,
    *,
    only: ListFilter = EVERYTHING,
    sort: Sort | None = None,
    after: Cursor | None = None,
    limit: int = PAGE_ROWS,
    now: datetime | None = None,
) -> Page:
    """Return at most `limit` commitments of a view that fulfil `only`, after a position of the same sort.

    Without `sort` the view's own is used. `now` is what the filter's days are counted until.
    """
    if only.is_impossible:
        return Page([], None)
    wanted = Listed(company_id, view, only, sort or DEFAULT_SORTS[view], now or utc_now())
    hits = await searches.search(db, wanted, after=after, limit=limit)
    table = COMMITMENT
    rows = await db.execute(select(table.c.id, table.c.state).where(table.c.id == func.any(list(hits.ids))))
    states = {row.id: row.state for row in rows}
    commitments = await _read(stored_commitment, [(commitment_id, states[commitment_id]) for commitment_id in hits.ids])
    return Page([each for each in commitments if each], hits.next_after, is_partial=hits.is_partial)


async def tally(
    db: Transaction, company_id: str, view: DeskView, only: ListFilter = EVERYTHING, *, now: datetime | None = None
) -> Tally:
    """Return how many commitments of a view fulfil `only`, and the sums of their totals by currency."""
    if only.is_impossible:
        return Tally()
    known = await kept(db, company_id, view, only)
    wanted = Listed(company_id, view, only, DEFAULT_SORTS[view], now or utc_now())
    return known or await candidates.count(db, wanted)


async def newer(db: Transaction, company_id: str, view: DeskView, since: datetime) -> int:
    """Return how many commitments of a view have got their status after `since`; MAX_NEWER are that many or more."""
    return int((await db.execute(_newer(view), {"company": company_id, "since": since})).scalar_one())


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
    """Return a commitment of the company; None if it has no such commitment, or nothing of it was submitted.

    UnreadableRowError if it has one whose row cannot be read.
    """
    rows = await _states(db, company_id, [commitment_id])
    (found,) = await _read(stored_or_raise, rows) if rows else [None]
    return found


async def find_many(db: Transaction, company_id: str, commitment_ids: Collection[str]) -> dict[str, StoredCommitment]:
    """Return by id those of the commitments that the company has, that can be read, and that were submitted."""
    found = await _read(stored_commitment, await _states(db, company_id, commitment_ids))
    return {stored.facts.id: stored for stored in found if stored}


async def _states(db: Transaction, company_id: str, commitment_ids: Collection[str]) -> list[tuple[str, str]]:
    """Return (id, state) of those of the commitments that the company has."""
    table, wanted = COMMITMENT, [each for each in commitment_ids if NUL not in each]
    chosen = select(table.c.id, table.c.state).where(table.c.id == func.any(wanted), table.c.company_id == company_id)
    return [(row.id, row.state) for row in await db.execute(chosen)]


@cache
def _newer(view: DeskView) -> Select[Any]:
    table, since = COMMITMENT, bindparam("since", type_=COMMITMENT.c.since.type)
    parts = [
        select(table.c.id)
        .where(table.c.company_id == bindparam("company"), each, table.c.since > since)
        .limit(MAX_NEWER)
        for each in in_view(view)
    ]
    found = union_all(*(select(part.subquery()) for part in parts)).limit(MAX_NEWER).subquery()
    return select(func.count()).select_from(found)


def stored_or_raise(commitment_id: str, state: str) -> StoredCommitment | None:
    """Return the commitment whose facts are stored as `state`; None if nothing of it was submitted.

    UnreadableRowError if they cannot be read.
    """
    return read_or_raise(COMMITMENT, commitment_id, lambda: _stored(STATE.validate_json(state)))


def stored_commitment(commitment_id: str, state: str) -> StoredCommitment | None:
    """As stored_or_raise; None also if the facts cannot be read."""
    return read_or_none(COMMITMENT, commitment_id, lambda: _stored(STATE.validate_json(state)))


async def _read(
    read: Callable[[str, str], StoredCommitment | None], rows: Sequence[tuple[str, str]]
) -> list[StoredCommitment | None]:
    """Return what `read` makes of each (id, state), in their order."""
    return await apart_if_long(lambda: [read(*row) for row in rows], sum(len(state) for _, state in rows))


def _stored(facts: CommitmentFacts) -> StoredCommitment | None:
    current = current_status(facts)
    return StoredCommitment(facts, current) if current else None
