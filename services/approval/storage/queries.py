"""Queries of the desk and the API: lists by view, one commitment, its history."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import ColumnElement, Select, func, select, tuple_

from schemas.fields import Id, Instant, Status
from services.approval.rules.commitment import CommitmentFacts, CurrentStatus, current_status
from services.approval.storage.store import STATE
from services.approval.storage.tables import COMMITMENT, HISTORY
from services.pipeline.database import Transaction

PAGE_ROWS = 50
MAX_PAGE_ROWS = 200
MAX_HISTORY_ROWS = 500
_NUL = "\x00"
"""PostgreSQL text cannot contain it, so nothing matches it."""


class DeskView(StrEnum):
    """The views of the desk."""

    READY = "ready"
    FAILED = "failed"
    EXPORTING = "exporting"
    SYNCED = "synced"
    REJECTED = "rejected"
    ALL = "all"


STATUSES: Mapping[DeskView, tuple[Status, ...]] = {
    DeskView.READY: (Status.READY, Status.DISPUTED),
    DeskView.FAILED: (Status.FAILED,),
    DeskView.EXPORTING: (Status.EXPORTING, Status.IN_DOUBT),
    DeskView.SYNCED: (Status.SYNCED,),
    DeskView.REJECTED: (Status.REJECTED,),
    DeskView.ALL: tuple(Status),
}


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
    try:
        return _CURSOR.validate_python(text.split("|", 1))
    except ValidationError:
        return None


@dataclass(frozen=True, slots=True)
class Page:
    """Some commitments of a list, oldest first; `next_after` continues it, None at its end."""

    commitments: Sequence[StoredCommitment]
    next_after: Cursor | None


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
    table = COMMITMENT
    chosen = _of_view(select(table.c.id, table.c.since, table.c.state), company_id, view)
    if search:
        chosen = chosen.where(table.c.searchable.contains(search.lower(), autoescape=True))
    if after:
        chosen = chosen.where(tuple_(table.c.since, table.c.id) > after)
    rows = (await db.execute(chosen.order_by(table.c.since, table.c.id).limit(limit + 1))).all()
    found = [_stored(row.state) for row in rows[:limit]]
    last = rows[limit - 1] if len(rows) > limit else None
    return Page([each for each in found if each], Cursor(last.since, last.id) if last else None)


async def counts(db: Transaction, company_id: str) -> Mapping[DeskView, int]:
    """Return how many commitments each view holds."""
    table = COMMITMENT
    chosen = select(table.c.status, func.count()).where(table.c.company_id == company_id, table.c.status.is_not(None))
    by_status = {row[0]: row[1] for row in await db.execute(chosen.group_by(table.c.status))}
    return {view: sum(by_status.get(status, 0) for status in statuses) for view, statuses in STATUSES.items()}


async def waiting(db: Transaction) -> tuple[int, datetime | None]:
    """Return how many commitments of all companies wait for an answer, and since when the oldest has waited."""
    table = COMMITMENT
    statuses = [status.value for status in STATUSES[DeskView.READY]]
    chosen = select(func.count(), func.min(table.c.since)).where(table.c.status.in_(statuses))
    row = (await db.execute(chosen)).one()
    return row[0], row[1]


async def find(db: Transaction, company_id: str, commitment_id: str) -> StoredCommitment | None:
    """Return a commitment of the company; None if it has no such commitment, or nothing of it was submitted."""
    if _NUL in commitment_id:
        return None
    table = COMMITMENT
    chosen = select(table.c.state).where(table.c.id == commitment_id, table.c.company_id == company_id)
    state = (await db.execute(chosen)).scalar_one_or_none()
    return None if state is None else _stored(state)


async def history(db: Transaction, commitment_id: str) -> Sequence[HistoryLine]:
    """Return what happened to a commitment, newest first; at most MAX_HISTORY_ROWS lines."""
    table = HISTORY
    chosen = select(table.c.at, table.c.kind, table.c.actor, table.c.revision, table.c.round, table.c.text)
    rows = await db.execute(
        chosen.where(table.c.commitment_id == commitment_id).order_by(table.c.at.desc()).limit(MAX_HISTORY_ROWS)
    )
    return [HistoryLine(*row) for row in rows]


def _of_view(chosen: Select[Any], company_id: str, view: DeskView) -> Select[Any]:
    table = COMMITMENT
    wanted: ColumnElement[bool] = (
        table.c.status.is_not(None)
        if view is DeskView.ALL
        else table.c.status.in_([status.value for status in STATUSES[view]])
    )
    return chosen.where(table.c.company_id == company_id, wanted)


def _stored(state: str) -> StoredCommitment | None:
    facts = STATE.validate_json(state)
    current = current_status(facts)
    return StoredCommitment(facts, current) if current else None
