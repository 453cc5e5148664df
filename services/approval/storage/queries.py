"""What the desk and the API read: lists by view, one commitment with all that an approver needs, its history."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import ColumnElement, Select, func, select, tuple_

from schemas.events import Change, DirectoryPerson, ErpConnection
from schemas.fields import Id, Instant, Status
from schemas.snapshot import Snapshot
from services.approval.rules.checks import Finding, findings, kept_number
from services.approval.rules.commitment import Commitment, View, view
from services.approval.rules.differences import differences
from services.approval.rules.rows import SubmissionRow
from services.approval.storage import store, tables
from services.pipeline.database import Transaction

PAGE_ROWS = 50
MAX_PAGE_ROWS = 200
MAX_HISTORY_ROWS = 500
_NUL = "\x00"
"""PostgreSQL takes no text with it, so nothing is found by it."""


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
class Listed:
    """One commitment with where it stands."""

    commitment: Commitment
    view: View


class Place(NamedTuple):
    """A place in a list, which is sorted by age; as text it travels in addresses."""

    since: Instant
    id: Id

    def __str__(self) -> str:
        """The text that read_place reads."""
        return f"{self.since.isoformat()}|{self.id}"


_PLACE: TypeAdapter[Place] = TypeAdapter(Place)


def read_place(text: str) -> Place | None:
    """Return the place that `text` names; None where it names none."""
    try:
        return _PLACE.validate_python(text.split("|", 1))
    except ValidationError:
        return None


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows of a list, oldest first; `next_after` continues it, None at its end."""

    rows: Sequence[Listed]
    next_after: Place | None


@dataclass(frozen=True, slots=True)
class Submitted:
    """One content that was sent as the revision on show, with its findings."""

    row: SubmissionRow
    snapshot: Snapshot
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Detail:
    """All that an approver reads before answering; `changes` lead here from what was ruled on before."""

    commitment: Commitment
    view: View
    submissions: Sequence[Submitted]
    previous: Snapshot | None
    changes: Sequence[Change]
    erp: ErpConnection | None


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
    desk_view: DeskView,
    *,
    search: str = "",
    after: tuple[datetime, str] | None = None,
    limit: int = PAGE_ROWS,
) -> Page:
    """Return at most `limit` commitments of a view whose number, title, vendor or project contains `search`."""
    if _NUL in search:
        return Page([], None)
    table = tables.COMMITMENT
    chosen = _of_view(select(table.c.id, table.c.since, table.c.state), company_id, desk_view)
    if search:
        chosen = chosen.where(table.c.searchable.contains(search.lower(), autoescape=True))
    if after:
        chosen = chosen.where(tuple_(table.c.since, table.c.id) > after)
    rows = (await db.execute(chosen.order_by(table.c.since, table.c.id).limit(limit + 1))).all()
    listed = [_listed(row.state) for row in rows[:limit]]
    last = rows[limit - 1] if len(rows) > limit else None
    return Page([each for each in listed if each], Place(last.since, last.id) if last else None)


async def counts(db: Transaction, company_id: str) -> Mapping[DeskView, int]:
    """Return how many commitments each view holds."""
    table = tables.COMMITMENT
    chosen = select(table.c.status, func.count()).where(table.c.company_id == company_id, table.c.status.is_not(None))
    by_status = {row[0]: row[1] for row in await db.execute(chosen.group_by(table.c.status))}
    return {desk_view: sum(by_status.get(status, 0) for status in statuses) for desk_view, statuses in STATUSES.items()}


async def waiting(db: Transaction) -> tuple[int, datetime | None]:
    """Return how many commitments of all companies wait for an answer, and since when the oldest does."""
    table = tables.COMMITMENT
    statuses = [status.value for status in STATUSES[DeskView.READY]]
    chosen = select(func.count(), func.min(table.c.since)).where(table.c.status.in_(statuses))
    row = (await db.execute(chosen)).one()
    return row[0], row[1]


async def find(db: Transaction, company_id: str, commitment_id: str) -> Listed | None:
    """Return one commitment of the company; None where it has no such one, or nothing of it was submitted."""
    if _NUL in commitment_id:
        return None
    table = tables.COMMITMENT
    chosen = select(table.c.state).where(table.c.id == commitment_id, table.c.company_id == company_id)
    state = (await db.execute(chosen)).scalar_one_or_none()
    return None if state is None else _listed(state)


async def detail(db: Transaction, listed: Listed) -> Detail:
    """Return `listed` with its contents, findings and differences."""
    commitment, seen = listed.commitment, listed.view
    erp = await connection_of(db, commitment)
    submitted = [
        Submitted(row, snapshot, await findings_on(db, commitment, snapshot, row, erp))
        for snapshot, row in await store.snapshots(db, commitment.id, seen.revision)
    ]
    previous = await _previous(db, commitment, seen)
    changes = differences(previous.commitment, submitted[0].snapshot.commitment) if previous and submitted else ()
    return Detail(commitment, seen, submitted, previous, changes, erp)


async def history(db: Transaction, commitment_id: str) -> Sequence[HistoryLine]:
    """Return what happened to a commitment, newest first."""
    table = tables.HISTORY
    chosen = select(table.c.at, table.c.kind, table.c.actor, table.c.revision, table.c.round, table.c.text)
    rows = await db.execute(
        chosen.where(table.c.commitment_id == commitment_id).order_by(table.c.at.desc()).limit(MAX_HISTORY_ROWS)
    )
    return [HistoryLine(*row) for row in rows]


async def findings_on(
    db: Transaction, commitment: Commitment, snapshot: Snapshot, row: SubmissionRow, erp: ErpConnection | None
) -> tuple[Finding, ...]:
    """Return what an approver is to know of `snapshot` before accepting it, as things are now."""
    return findings(
        snapshot.commitment,
        row.sent_by,
        sender=await store.person(db, row.sent_by.id),
        erp=erp,
        number_taken_by=await _taken_by(db, commitment, snapshot, erp) if erp else None,
    )


async def connection_of(db: Transaction, commitment: Commitment) -> ErpConnection | None:
    """Return the ERP connection that the commitment goes to, as the exporter last told of it."""
    known = await connections(db, commitment.company_id or "")
    name = commitment.document and commitment.document.connection
    return next((each for each in known if name in (None, each.name)), None)


async def connections(db: Transaction, company_id: str) -> Sequence[ErpConnection]:
    """Return the ERP connections of a company, by name."""
    table = tables.ERP_CONNECTION
    rows = await db.execute(select(table.c.record).where(table.c.record.is_not(None)).order_by(table.c.id))
    told = [ErpConnection.model_validate_json(row.record) for row in rows]
    return [each for each in told if company_id in each.companies]


async def approvers(db: Transaction, company_id: str) -> Sequence[DirectoryPerson]:
    """Return everybody whom the company's directory holds, by name."""
    table = tables.PERSON
    rows = await db.execute(select(table.c.record).where(table.c.company_id == company_id))
    people = [DirectoryPerson.model_validate_json(row.record) for row in rows if row.record]
    return sorted(people, key=lambda each: each.name)


async def _previous(db: Transaction, commitment: Commitment, seen: View) -> Snapshot | None:
    """Return the last earlier revision that is known."""
    table = tables.SUBMISSION
    earlier = select(func.max(table.c.revision)).where(
        table.c.commitment_id == commitment.id, table.c.revision < seen.revision
    )
    revision = (await db.execute(earlier)).scalar_one_or_none()
    found = await store.snapshots(db, commitment.id, revision) if revision else ()
    return found[0][0] if found else None


async def _taken_by(db: Transaction, commitment: Commitment, snapshot: Snapshot, erp: ErpConnection) -> str | None:
    """Return the number of another commitment that the ERP could not tell from this one's, once cut."""
    kept = kept_number(snapshot.commitment, erp)
    if kept == snapshot.commitment.number:
        return None
    table = tables.COMMITMENT
    others = select(table.c.number).where(
        table.c.company_id == commitment.company_id,
        table.c.id != commitment.id,
        func.left(table.c.number, len(kept)) == kept,
    )
    return (await db.execute(others.order_by(table.c.number).limit(1))).scalar_one_or_none()


def _of_view(chosen: Select[Any], company_id: str, desk_view: DeskView) -> Select[Any]:
    table = tables.COMMITMENT
    wanted: ColumnElement[bool] = (
        table.c.status.is_not(None)
        if desk_view is DeskView.ALL
        else table.c.status.in_([status.value for status in STATUSES[desk_view]])
    )
    return chosen.where(table.c.company_id == company_id, wanted)


def _listed(state: str) -> Listed | None:
    commitment = store.STATE.validate_json(state)
    seen = view(commitment)
    return Listed(commitment, seen) if seen else None
