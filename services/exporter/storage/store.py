"""Stores the exports of commitments in PostgreSQL, many commitments with a few statements."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any
from uuid import UUID

from sqlalchemy import (
    case,
    true,
    update,
)

from schemas.fields import Record
from services.exporter.rules.export import (
    ApprovedSnapshot,
    CommitmentExports,
    Export,
)
from services.exporter.rules.recheck import Recheck, first_rechecks
from services.exporter.storage import comparisons, recheck_store, tables
from services.exporter.storage.document_json import replaced_json, resolved_json
from services.exporter.storage.evidence import refuse_documents_of_others
from services.exporter.storage.locking import EXPORT_COLUMNS, lock_named
from services.pipeline.bulk import given_rows, insert_given, insert_many
from services.pipeline.database import Transaction
from services.pipeline.errors import UnreadableRowError
from services.pipeline.fold import StateChange
from services.pipeline.unreadable import ODD
from services.pipeline.writes import Write, Writes

ExportsChange = StateChange[CommitmentExports, ApprovedSnapshot]

_SNAPSHOT_COLUMNS = tuple(field.name for field in fields(ApprovedSnapshot))
_COMMITMENT_COLUMNS = (
    "company_id",
    "connection",
    "due_at",
    "lease_token",
    "lease_revision",
    "resolved",
    "rejected_revision",
    "rejected_round",
    "replaced",
    "accepted_drift",
)
_GIVEN = given_rows([tables.COMMITMENT.c[name] for name in ("id", *_COMMITMENT_COLUMNS)], "given_commitment")
_UPDATE_COMMITMENTS = Write(
    "given_commitment",
    update(tables.COMMITMENT)
    .where(tables.COMMITMENT.c.id == _GIVEN.c.id)
    .values({name: _GIVEN.c[name] for name in _COMMITMENT_COLUMNS})
    # what is due again is no longer set aside
    .values(set_aside=case((_GIVEN.c.due_at.is_(None), tables.COMMITMENT.c.set_aside), else_=None)),
)
_INSERT_EXPORTS = insert_given(tables.EXPORT, EXPORT_COLUMNS, "given_export")
_UPSERT_EXPORTS = Write(
    "given_export",
    _INSERT_EXPORTS.on_conflict_do_update(
        index_elements=["commitment_id", "revision"],
        set_={
            name: _INSERT_EXPORTS.excluded[name] for name in EXPORT_COLUMNS if name not in ("commitment_id", "revision")
        },
    ),
)


class ExportStore:
    """The store of the exporter's aggregate; locking a commitment's row locks all its exports."""

    async def load(self, db: Transaction, keys: Sequence[str]) -> Mapping[str, CommitmentExports]:
        """Lock and return the exports of every key; an unknown commitment gets a row and has no exports.

        UnreadableRowError if one cannot be read.
        """
        await insert_many(db, tables.COMMITMENT, [{"id": key} for key in keys])
        try:
            return await self.lock(db, keys)
        except ODD as error:
            raise UnreadableRowError(f"a row of one of {len(keys)} commitments cannot be read") from error

    async def lock(
        self, db: Transaction, keys: Sequence[str], *, skip_locked: bool = False
    ) -> Mapping[str, CommitmentExports]:
        """Lock and return the exports of those of `keys` that are known, and unlocked if `skip_locked`."""
        return await lock_named(db, keys, skip_locked=skip_locked)

    async def set_aside(self, db: Transaction, commitment_id: str, why: str, token: UUID | None = None) -> None:
        """Take a commitment out of the claims; one that is leased under another `token` by now stays as it is."""
        table = tables.COMMITMENT
        is_ours = true() if token is None else table.c.lease_token == token
        await db.execute(update(table).where(table.c.id == commitment_id, is_ours).values(due_at=None, set_aside=why))

    async def save(self, db: Transaction, writes: Writes, changes: Sequence[ExportsChange]) -> None:
        """Write every change with `writes`; RefusedError for evidence of another's document."""
        if not changes:
            return
        await refuse_documents_of_others(db, changes)
        writes.add(_UPDATE_COMMITMENTS, [_commitment_row(change.after) for change in changes])
        if exports := [_export_row(export) for change in changes for export in _changed(change)]:
            writes.add(_UPSERT_EXPORTS, exports)
        rows = [row for each in changes for row in each.rows]
        writes.insert(tables.SNAPSHOT, [{name: getattr(row, name) for name in _SNAPSHOT_COLUMNS} for row in rows])
        await recheck_store.schedule(db, _ended_doubts(changes))
        await comparisons.forget(db, [each.key for each in changes if each.before.document and not each.after.document])


def _ended_doubts(changes: Sequence[ExportsChange]) -> list[Recheck]:
    return [recheck for each in changes for recheck in first_rechecks(each.before, each.after)]


def _changed(change: ExportsChange) -> list[Export]:
    before = change.before.by_revision
    return [export for revision, export in change.after.by_revision.items() if before.get(revision) != export]


def _commitment_row(exports: CommitmentExports) -> dict[str, Any]:
    return {
        "id": exports.commitment_id,
        "company_id": exports.company_id,
        "connection": exports.connection,
        "due_at": exports.due_at,
        "lease_token": exports.lease.token if exports.lease else None,
        "lease_revision": exports.lease.revision if exports.lease else None,
        "rejected_revision": exports.rejected[0] if exports.rejected else None,
        "rejected_round": exports.rejected[1] if exports.rejected else None,
        "replaced": replaced_json(exports.replaced),
        "resolved": resolved_json(exports.resolved),
        "accepted_drift": json.dumps(asdict(exports.accepted_drift)) if exports.accepted_drift else None,
    }


def _export_row(export: Export) -> dict[str, Any]:
    return {name: _plain(getattr(export, name)) for name in EXPORT_COLUMNS}


def _plain(value: Any) -> Any:
    return value.model_dump_json(by_alias=True, exclude_none=True) if isinstance(value, Record) else value
