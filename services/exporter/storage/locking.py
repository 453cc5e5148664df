"""Locks commitments, those that somebody names and those that are due, and reads their exports."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    DateTime,
    Integer,
    Row,
    Select,
    Table,
    Text,
    all_,
    and_,
    bindparam,
    column,
    false,
    func,
    literal,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY

from schemas.commitment import ErpDocument, Person, Summary
from schemas.events import Failure
from schemas.fields import Record
from services.exporter.rules.approvers_words import AcceptedDrift
from services.exporter.rules.export import CommitmentExports, Doubt, Export, ExportLease, ExportState
from services.exporter.storage.document_json import replaced_in, resolved_in
from services.exporter.storage.tables import COMMITMENT, EXPORT, SNAPSHOT
from services.pipeline.bulk import given_rows
from services.pipeline.database import Transaction

EXPORT_COLUMNS = tuple(field.name for field in fields(Export))
_RECORDS: dict[str, type[Record]] = {
    "decided_by": Person,
    "summary": Summary,
    "doubt": Doubt,
    "document": ErpDocument,
    "failure": Failure,
}
_TO_DO = (ExportState.PENDING, ExportState.IN_FLIGHT, ExportState.IN_DOUBT)


@dataclass(frozen=True, slots=True)
class Due:
    """Which due commitments a worker wants: the oldest of one connection, without those that it holds already."""

    connection: str
    limit: int
    now: datetime
    held: Sequence[str] = ()
    only: str | None = None


@dataclass(frozen=True, slots=True)
class Locked:
    """Commitments that a transaction has locked, by id: those that were `named`, and those that were `due`.

    `texts` has what was approved for the current export of each that was due.
    """

    named: Mapping[str, CommitmentExports]
    due: Mapping[str, CommitmentExports]
    texts: Mapping[str, str]


async def lock_named(
    db: Transaction, keys: Sequence[str], *, skip_locked: bool = False
) -> Mapping[str, CommitmentExports]:
    """Lock and return the exports of those of `keys` that are known, and unlocked if `skip_locked`."""
    chosen = select(COMMITMENT).where(COMMITMENT.c.id == func.any(list(keys))).order_by(COMMITMENT.c.id)
    rows = (await db.execute(chosen.with_for_update(key_share=True, skip_locked=skip_locked))).all()
    return (await _read(db, rows, ())).named


async def lock_due(db: Transaction, due: Due) -> Locked:
    """Lock and return the commitments that are `due`, skipping those that somebody else has locked."""
    rows = (await db.execute(_due(COMMITMENT, due).with_for_update(skip_locked=True, key_share=True))).all()
    return await _read(db, (), rows)


async def lock_named_and_due(db: Transaction, keys: Sequence[str], due: Sequence[Due], held: Sequence[str]) -> Locked:
    """Lock and return those of `keys`, and what is `due` besides those that are `held`; skip what others have locked.

    One statement for all of it, since this comes between the answer of an ERP and the next call.
    """
    given = {
        "keys": list(keys),
        "held": list(held),
        "wanted_connection": [each.connection for each in due],
        "wanted_now": [each.now for each in due],
        "wanted_free": [each.limit for each in due],
    }
    rows: list[Any] = list(await db.execute(_NAMED_AND_DUE, given))
    return await _read(db, [row for row in rows if not row.is_due], [row for row in rows if row.is_due])


async def lock_with_text(db: Transaction, key: str) -> tuple[CommitmentExports, str | None] | None:
    """Lock and return the exports of one commitment, with what was approved for the current one; None if unknown."""
    chosen = select(COMMITMENT).where(COMMITMENT.c.id == key).with_for_update(key_share=True)
    locked = await _read(db, (), (await db.execute(chosen)).all())
    return (locked.due[key], locked.texts.get(key)) if key in locked.due else None


async def due_ids(db: Transaction, due: Due) -> Sequence[str]:
    """Return the ids of the commitments that are `due`, without reading anything else of them."""
    return list(await db.scalars(_due(COMMITMENT.c.id, due)))


async def _read(db: Transaction, named: Sequence[Row[Any]], due: Sequence[Row[Any]]) -> Locked:
    """Return the commitments in these rows with their exports.

    A second statement on purpose: its snapshot is newer than the locks, so it sees what their last holders wrote.
    """
    if not named and not due:
        return Locked({}, {}, {})
    exports: dict[str, dict[int, Export]] = {row.id: {} for row in (*named, *due)}
    approved: dict[tuple[str, int], str] = {}
    for row in await db.execute(_EXPORTS, {"keys": list(exports), "due": [row.id for row in due]}):
        exports[row.commitment_id][row.revision] = export_of(row)
        if row.text is not None:
            approved[row.commitment_id, row.revision] = row.text
    found = {row.id: _commitment_exports(row, exports[row.id]) for row in due}
    current = {key: each.current for key, each in found.items()}
    texts = {key: approved[key, of.revision] for key, of in current.items() if of and (key, of.revision) in approved}
    return Locked({row.id: _commitment_exports(row, exports[row.id]) for row in named}, found, texts)


def _due(what: Table | ColumnElement[str], due: Due) -> Select[Any]:
    held = literal(list(due.held), ARRAY(Text))
    connection, now = literal(due.connection, Text), literal(due.now, COMMITMENT.c.due_at.type)
    chosen = _oldest(what, connection, now, held).limit(due.limit)
    return chosen if due.only is None else chosen.where(COMMITMENT.c.id == due.only)


def _oldest(
    what: Table | ColumnElement[str],
    connection: ColumnElement[str],
    now: ColumnElement[datetime],
    held: ColumnElement[Any],
) -> Select[Any]:
    """Select what is due on a connection and not held, the oldest first."""
    is_due = COMMITMENT.c.connection == connection, COMMITMENT.c.due_at <= now
    return select(what).where(*is_due, COMMITMENT.c.id != all_(held)).order_by(COMMITMENT.c.due_at)


def _commitment_exports(row: Row[Any], exports: Mapping[int, Export]) -> CommitmentExports:
    lease = ExportLease(row.lease_token, row.lease_revision, row.due_at) if row.lease_token else None
    rejected = None if row.rejected_revision is None else (row.rejected_revision, row.rejected_round)
    return CommitmentExports(
        row.id,
        row.company_id,
        exports,
        resolved_in(row.resolved),
        lease,
        rejected,
        replaced_in(row.replaced),
        AcceptedDrift(**row.accepted_drift) if row.accepted_drift else None,
    )


def export_of(row: Row[Any]) -> Export:
    """Return the export in a row with the columns of the table."""
    values = {name: getattr(row, name) for name in EXPORT_COLUMNS}
    records = {name: model.model_validate(values[name]) for name, model in _RECORDS.items() if values[name] is not None}
    return Export(**{**values, **records, "state": ExportState(values["state"])})


_keys = func.any(bindparam("keys", type_=ARRAY(Text)))
_named = (
    select(COMMITMENT)
    .where(COMMITMENT.c.id == _keys)
    .order_by(COMMITMENT.c.id)
    .with_for_update(key_share=True, skip_locked=True)
    .cte("named")
)
_wanted = given_rows(
    [column("connection", Text), column("now", DateTime(timezone=True)), column("free", Integer)], "wanted"
)
_taken = (
    _oldest(COMMITMENT, _wanted.c.connection, _wanted.c.now, bindparam("held", type_=ARRAY(Text)))
    .limit(_wanted.c.free)
    .with_for_update(key_share=True, skip_locked=True)
    .lateral("taken")
)
_NAMED_AND_DUE = select(*_named.c, false().label("is_due")).union_all(
    select(*_taken.c, true().label("is_due")).select_from(_wanted.join(_taken, true()))
)
_is_current = and_(
    SNAPSHOT.c.commitment_id == EXPORT.c.commitment_id,
    SNAPSHOT.c.revision == EXPORT.c.revision,
    SNAPSHOT.c.round == EXPORT.c.round,
    SNAPSHOT.c.commitment_id == func.any(bindparam("due", type_=ARRAY(Text))),
    EXPORT.c.state.in_(_TO_DO),
)
_EXPORTS = (
    select(EXPORT, SNAPSHOT.c.text)
    .select_from(EXPORT.outerjoin(SNAPSHOT, _is_current))
    .where(EXPORT.c.commitment_id == _keys)
)
