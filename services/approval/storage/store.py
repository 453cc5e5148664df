"""Loads and saves the state of a batch: one select, and one write per kind of row."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter
from sqlalchemy import Table, Text, bindparam, func, select
from sqlalchemy.dialects.postgresql import ARRAY

from schemas.envelope import Event
from schemas.events import ApprovalRequested, Change, DigestPreference, DirectoryPerson, ErpConnection, EventData
from services.approval.rules.approval_requests import ApprovalRequest, approval_requested, new_approval_request
from services.approval.rules.commitment import CommitmentFacts, current_status, holds_number
from services.approval.rules.differences import differences
from services.approval.rules.facts import Submitted
from services.approval.rules.folding import company_gram, grams, searchable
from services.approval.rules.line_of_erp import route
from services.approval.rules.rows import HistoryEntry, StoredRow, SubmissionRow
from services.approval.storage import directory, documents, submissions, tables
from services.pipeline.apart import apart
from services.pipeline.bulk import insert_given, insert_many
from services.pipeline.database import Transaction
from services.pipeline.errors import RowAppearedError
from services.pipeline.fold import StateChange
from services.pipeline.newest import Newest
from services.pipeline.slices import mapped
from services.pipeline.unreadable import read_or_none, read_or_raise
from services.pipeline.writes import Write, Writes

RecordT = TypeVar("RecordT", DirectoryPerson, ErpConnection, DigestPreference)
STATE: TypeAdapter[CommitmentFacts] = TypeAdapter(CommitmentFacts)
_LOCKED = (
    select(tables.COMMITMENT.c.id, tables.COMMITMENT.c.state)
    .where(tables.COMMITMENT.c.id == func.any(bindparam("ids", type_=ARRAY(Text))))
    .order_by(tables.COMMITMENT.c.id)
    .with_for_update(key_share=True)
)
_GIVEN = insert_given(tables.COMMITMENT, tuple(tables.COMMITMENT.c.keys()), "new_commitment")
_NEW_COMMITMENT = Write(
    "new_commitment",
    _GIVEN.on_conflict_do_update(
        index_elements=["id"],
        set_={name: _GIVEN.excluded[name] for name in tables.COMMITMENT.c.keys() if name != "id"},  # noqa: SIM118 - names, not columns
        # a row of an earlier release, made before the commitment's first event was applied
        where=tables.COMMITMENT.c.company_id.is_(None),
    ),
)
"""Inserts whole rows; a row that has appeared since it was looked for is left alone, and not counted as written."""

_TEXT = insert_given(tables.SEARCH_TEXT, ("commitment_id", "grams"), "search_text")
_SEARCH_TEXT = Write(
    "search_text",
    _TEXT.on_conflict_do_update(
        index_elements=["commitment_id"],
        set_={"grams": _TEXT.excluded.grams},
        where=tables.SEARCH_TEXT.c.grams != _TEXT.excluded.grams,
    ),
)


class CommitmentStore:
    """Commitments with their submissions and their history."""

    async def load(self, db: Transaction, keys: Sequence[str]) -> Mapping[str, CommitmentFacts]:
        """Return the facts of every key, locked unless the key is new: those that are new are inserted by `save`.

        UnreadableRowError if one cannot be read.
        """
        rows = (await db.execute(_LOCKED, {"ids": list(keys)})).all()
        facts = await mapped(lambda row: facts_of(*row), rows)
        known = dict(zip([key for key, _ in rows], facts, strict=True))
        return {key: known.get(key) or CommitmentFacts(key) for key in keys}

    async def save(
        self, db: Transaction, writes: Writes, changes: Sequence[StateChange[CommitmentFacts, StoredRow]]
    ) -> Sequence[Event[EventData]]:
        """Write `changes` and return the approval requests that follow from them.

        Requests are made here because they need earlier submissions and the approver's rights as stored.
        """
        changed = [change for change in changes if change.after is not change.before]
        new = [change.after for change in changed if change.before.company_id is None]
        known = [change.after for change in changed if change.before.company_id is not None]
        _insert(writes, await mapped(columns, new))
        writes.update(tables.COMMITMENT, await mapped(columns, known))
        await _save_texts(
            writes, [each.after for each in changed if _submitted(each.before) is not _submitted(each.after)]
        )
        await documents.save(db, changed)
        rows = [row for change in changes for row in change.rows]
        sent = [row for row in rows if isinstance(row, SubmissionRow)]
        writes.insert(tables.SUBMISSION, await mapped(submissions.columns, sent))
        told = [row for row in rows if isinstance(row, HistoryEntry)]
        writes.insert(tables.HISTORY, await mapped(_history, told))
        requests = [(change.after, new_approval_request(change.before, change.after)) for change in changed]
        if any(request for _, request in requests):
            await writes.execute(db)  # they follow from the rows of this batch as well
        events = [await _requested(db, after, request) for after, request in requests if request]
        return [event for event in events if event]


class RecordStore(Generic[RecordT]):
    """People, their wishes about the daily summary, or ERP connections: of each the record with the highest version."""

    def __init__(self, table: Table, record_type: type[RecordT]) -> None:
        self._table = table
        self._record_type: type[RecordT] = record_type

    async def load(self, db: Transaction, keys: Sequence[str]) -> Mapping[str, Newest[RecordT]]:
        """Return the locked record of every key."""
        table = self._table
        unknown = [{"id": key, "version": -1} for key in keys]
        await insert_many(db, table, unknown)
        chosen = select(table).where(table.c.id == func.any(list(keys))).order_by(table.c.id)
        rows = (await db.execute(chosen.with_for_update(key_share=True))).all()
        records = await mapped(lambda row: self._record(row.id, row.record), rows)
        return {row.id: Newest(row.id, row.version, record) for row, record in zip(rows, records, strict=True)}

    async def save(self, _: Transaction, writes: Writes, changes: Sequence[StateChange[Newest[RecordT], None]]) -> None:
        """Write `changes`."""
        writes.update(self._table, await mapped(self._columns, changes))

    def _columns(self, change: StateChange[Newest[RecordT], None]) -> dict[str, Any]:
        version, record = change.after.version, change.after.record
        company = {"company_id": getattr(record, "company_id", None)} if "company_id" in self._table.c else {}
        return {"id": change.key, "version": version, "record": record and record.model_dump_json(), **company}

    def _record(self, key: str, text: str | None) -> RecordT | None:
        """Return the record in a row; None if it was removed, or cannot be read: the next version then replaces it."""
        read = partial(self._record_type.model_validate_json, text or "")
        return None if text is None else read_or_none(self._table, key, read)


PEOPLE = RecordStore(tables.PERSON, DirectoryPerson)
CONNECTIONS = RecordStore(tables.ERP_CONNECTION, ErpConnection)
PREFERENCES = RecordStore(tables.PREFERENCE, DigestPreference)


def _insert(writes: Writes, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert new commitments; RowAppearedError if another process has received an event of one at the same time."""
    if rows:
        # always in the same order, so that two processes with the same new commitments do not wait for each other
        appeared = RowAppearedError("another process has received the first event of a commitment at the same time")
        writes.add(_NEW_COMMITMENT, sorted(rows, key=lambda row: row["id"]), otherwise=appeared)


async def _save_texts(writes: Writes, known: Sequence[CommitmentFacts]) -> None:
    """Write what is searched, only where something else is submitted: it is costly to index."""
    if texts := [each for each in await mapped(search_text, known) if each]:
        writes.add(_SEARCH_TEXT, texts)


async def _requested(
    db: Transaction, facts: CommitmentFacts, request: ApprovalRequest
) -> Event[ApprovalRequested] | None:
    """Return the event for `request`; None if the approver has lost the right to answer."""
    approver = await directory.person(db, request.approver.id)
    if approver is None or approver.company_id != facts.company_id or not approver.is_approver:
        return None
    previous = await submissions.of_revision(db, facts.id, request.previous_revision)
    waiting = await submissions.of_revision(db, facts.id, request.revision)
    if not waiting:
        return None
    changes = await apart(partial(_changes, previous[0], waiting[0])) if previous else ()
    return approval_requested(facts, request, waiting[0].sent_at, changes=changes, note=waiting[0].note)


def _changes(previous: SubmissionRow, waiting: SubmissionRow) -> Sequence[Change]:
    return differences(submissions.content_of(previous), submissions.content_of(waiting))


def facts_of(commitment_id: str, state: str) -> CommitmentFacts:
    """Return what is stored of a commitment as `state`; UnreadableRowError if it cannot be read."""
    return read_or_raise(tables.COMMITMENT, commitment_id, partial(STATE.validate_json, state))


def columns(facts: CommitmentFacts) -> dict[str, Any]:
    """Return the row of a commitment: its facts, and what lists filter, sort and search by."""
    current = current_status(facts)
    summary = current.summary if current else None
    return {
        "id": facts.id,
        "company_id": facts.company_id,
        "state": STATE.dump_json(facts).decode(),
        "status": current and current.status.value,
        "since": current and current.since,
        "number": summary and summary.number,
        "searchable": summary and searchable(summary),
        "project": summary and summary.project,
        "vendor": summary and summary.vendor,
        "currency": summary and summary.currency,
        "total": summary and Decimal(summary.total),
        "revision": current and current.revision,
        "differs": facts.open_drift is not None,
        "holds_number": current is not None and holds_number(facts, current),
        "route": route(facts, current),
    }


def search_text(facts: CommitmentFacts) -> dict[str, str] | None:
    """Return the row of `search_text` for a commitment; None until something was submitted."""
    current = current_status(facts)
    if current is None:
        return None
    texts = grams(searchable(current.summary).split())
    return {"commitment_id": facts.id, "grams": " ".join((company_gram(facts.company_id), *texts))}


def _submitted(facts: CommitmentFacts) -> Submitted | None:
    current = current_status(facts)
    return current.submitted if current else None


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
        "position": entry.chained and entry.chained.position,
        "hash": entry.chained and entry.chained.hash,
        "decision": entry.chained and entry.chained.form,
        "read_partition": entry.place and entry.place[0],
        "read_offset": entry.place and entry.place[1],
    }
