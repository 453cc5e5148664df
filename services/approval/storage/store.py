"""Where approval's states live: each batch is one select, one update and one insert per kind of row."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter
from sqlalchemy import Table, func, select

from schemas.commitment import Person
from schemas.envelope import Event
from schemas.events import ApprovalRequested, DirectoryPerson, ErpConnection, EventData
from schemas.snapshot import Snapshot
from services.approval.rules.commitment import Commitment, view
from services.approval.rules.differences import differences
from services.approval.rules.directory import Known
from services.approval.rules.requests import Request, approval_requested, request_arising
from services.approval.rules.rows import HistoryEntry, Row, SubmissionRow
from services.approval.rules.status import connection, document_name
from services.approval.storage import tables
from services.pipeline.bulk import insert_many, update_many
from services.pipeline.database import Transaction
from services.pipeline.fold import StateChange

RecordT = TypeVar("RecordT", DirectoryPerson, ErpConnection)
STATE: TypeAdapter[Commitment] = TypeAdapter(Commitment)


class CommitmentStore:
    """Commitments with their submissions and their history."""

    async def load(self, db: Transaction, keys: Sequence[str]) -> Mapping[str, Commitment]:
        """Return the locked state of every key; one never heard of is there from now on."""
        table = tables.COMMITMENT
        unknown = [{"id": key, "state": STATE.dump_json(Commitment(key)).decode()} for key in keys]
        await insert_many(db, table, unknown)
        chosen = select(table.c.id, table.c.state).where(table.c.id == func.any(list(keys))).order_by(table.c.id)
        rows = await db.execute(chosen.with_for_update(key_share=True))
        return {row.id: STATE.validate_json(row.state) for row in rows}

    async def save(
        self, db: Transaction, changes: Sequence[StateChange[Commitment, Row]]
    ) -> Sequence[Event[EventData]]:
        """Write `changes` and return the requests that they give rise to, which need snapshots and rights to tell."""
        changed = [change for change in changes if change.after != change.before]
        if changed:
            await update_many(db, tables.COMMITMENT, [columns(change.after) for change in changed])
        rows = [row for change in changes for row in change.rows]
        await insert_many(db, tables.SUBMISSION, [_submission(row) for row in rows if isinstance(row, SubmissionRow)])
        await insert_many(db, tables.HISTORY, [_history(row) for row in rows if isinstance(row, HistoryEntry)])
        arising = [(each, request_arising(each.before, each.after)) for each in changed]
        told = [await _told(db, change.after, request) for change, request in arising if request]
        return [event for event in told if event]


class RecordStore(Generic[RecordT]):
    """People or ERP connections: of each the record with the highest version."""

    def __init__(self, table: Table, record_type: type[RecordT]) -> None:
        self._table = table
        self._record_type: type[RecordT] = record_type

    async def load(self, db: Transaction, keys: Sequence[str]) -> Mapping[str, Known[RecordT]]:
        """Return the locked record of every key."""
        table = self._table
        unknown = [{"id": key, "version": -1} for key in keys]
        await insert_many(db, table, unknown)
        chosen = select(table).where(table.c.id == func.any(list(keys))).order_by(table.c.id)
        rows = await db.execute(chosen.with_for_update(key_share=True))
        return {row.id: Known(row.id, row.version, self._record(row.record)) for row in rows}

    async def save(self, db: Transaction, changes: Sequence[StateChange[Known[RecordT], None]]) -> None:
        """Write `changes`."""
        rows: list[dict[str, Any]] = [
            {
                "id": change.key,
                "version": change.after.version,
                "record": change.after.record and change.after.record.model_dump_json(),
            }
            for change in changes
        ]
        if "company_id" in self._table.c:
            for row, change in zip(rows, changes, strict=True):
                row["company_id"] = getattr(change.after.record, "company_id", None)
        await update_many(db, self._table, rows)

    def _record(self, text: str | None) -> RecordT | None:
        return None if text is None else self._record_type.model_validate_json(text)


PEOPLE = RecordStore(tables.PERSON, DirectoryPerson)
CONNECTIONS = RecordStore(tables.ERP_CONNECTION, ErpConnection)


async def person(db: Transaction, person_id: str) -> DirectoryPerson | None:
    """Return what the directory says of a person now; None where it says nothing."""
    table = tables.PERSON
    text = (await db.execute(select(table.c.record).where(table.c.id == person_id))).scalar_one_or_none()
    return None if text is None else DirectoryPerson.model_validate_json(text)


async def snapshots(db: Transaction, commitment_id: str, revision: int) -> Sequence[tuple[Snapshot, SubmissionRow]]:
    """Return what was submitted as a revision, more than one where it is disputed, by content hash."""
    table = tables.SUBMISSION
    chosen = select(table).where(table.c.commitment_id == commitment_id, table.c.revision == revision)
    rows = await db.execute(chosen.order_by(table.c.content_hash))
    return [(Snapshot.from_text(row["snapshot"]), _submission_row(dict(row))) for row in rows.mappings()]


async def _told(db: Transaction, after: Commitment, request: Request) -> Event[ApprovalRequested] | None:
    """Return the mail-worthy event for `request`, None where the approver may not decide any more."""
    approver = await person(db, request.approver.id)
    if approver is None or approver.company_id != after.company_id or not approver.is_approver:
        return None
    previous = await snapshots(db, after.id, request.previous_revision)
    waiting = await snapshots(db, after.id, request.revision)
    if not waiting:
        return None
    snapshot, row = waiting[0]
    changes = differences(previous[0][0].commitment, snapshot.commitment) if previous else ()
    return approval_requested(after, request, row.sent_at, changes=changes, note=row.note)


def columns(commitment: Commitment) -> dict[str, Any]:
    """Return the row of `commitment`: its state, and what lists show and search of it."""
    seen = view(commitment)
    summary = seen.summary if seen else None
    document = commitment.document
    failure = seen.ruling.failure if seen and seen.ruling else None
    shown = (summary.number, summary.title, summary.vendor, summary.project) if summary else ()
    return {
        "id": commitment.id,
        "company_id": commitment.company_id,
        "state": STATE.dump_json(commitment).decode(),
        "status": seen and seen.status.value,
        "revision": seen and seen.revision,
        "since": seen and seen.since,
        "number": summary and summary.number,
        "title": summary and summary.title,
        "vendor": summary and summary.vendor,
        "project_id": seen and seen.submitted.project_id,
        "project": summary and summary.project,
        "sent_by": summary and summary.sent_by.name,
        "currency": summary and summary.currency,
        "total": summary and Decimal(summary.total),
        "connection": connection(commitment),
        "failure_class": failure and failure.failure_class.value,
        "document_number": document and document_name(document),
        "searchable": "\n".join(shown).lower() or None,
    }


def _submission(row: SubmissionRow) -> dict[str, Any]:
    return {
        "commitment_id": row.commitment_id,
        "revision": row.revision,
        "content_hash": row.content_hash,
        "company_id": row.company_id,
        "snapshot": row.text,
        "sent_by": row.sent_by.model_dump_json(),
        "note": row.note,
        "sent_at": row.sent_at,
    }


def _submission_row(row: Mapping[str, Any]) -> SubmissionRow:
    return SubmissionRow(
        company_id=row["company_id"],
        commitment_id=row["commitment_id"],
        revision=row["revision"],
        content_hash=row["content_hash"],
        text=row["snapshot"],
        sent_by=Person.model_validate_json(row["sent_by"]),
        note=row["note"],
        sent_at=row["sent_at"],
    )


def _history(entry: HistoryEntry) -> dict[str, Any]:
    return {
        "event_id": entry.event_id,
        "company_id": entry.company_id,
        "commitment_id": entry.commitment_id,
        "at": entry.at,
        "kind": entry.kind,
        "actor": entry.actor and entry.actor.name,
        "revision": entry.revision,
        "round": entry.round,
        "text": entry.text,
    }
