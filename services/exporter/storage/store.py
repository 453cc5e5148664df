"""Stores the exports of commitments in PostgreSQL, many commitments with a few statements."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, bindparam, func, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert

from schemas.commitment import ErpDocument, Person, Summary
from schemas.events import Failure
from schemas.fields import Record
from services.exporter.rules.export import ApprovedSnapshot, CommitmentExports, Export, ExportLease, ExportState
from services.exporter.storage import tables
from services.exporter.storage.evidence import refuse_documents_of_others
from services.pipeline.bulk import insert_many
from services.pipeline.database import Transaction
from services.pipeline.fold import StateChange

ExportsChange = StateChange[CommitmentExports, ApprovedSnapshot]

_EXPORT_COLUMNS = tuple(field.name for field in fields(Export))
_SNAPSHOT_COLUMNS = tuple(field.name for field in fields(ApprovedSnapshot))
_RECORDS: dict[str, type[Record]] = {
    "decided_by": Person,
    "summary": Summary,
    "document": ErpDocument,
    "failure": Failure,
}
_UPDATE_COMMITMENT = (
    update(tables.COMMITMENT)
    .where(tables.COMMITMENT.c.id == bindparam("key"))
    .values({name: bindparam(name) for name in tables.COMMITMENT.c.keys() if name != "id"})  # noqa: SIM118 - names, not columns
)
_INSERT_EXPORT = insert(tables.EXPORT)
_UPSERT_EXPORT = _INSERT_EXPORT.on_conflict_do_update(
    index_elements=["commitment_id", "revision"],
    set_={name: _INSERT_EXPORT.excluded[name] for name in _EXPORT_COLUMNS if name not in ("commitment_id", "revision")},
)
_INSERT_SNAPSHOT = insert(tables.SNAPSHOT).on_conflict_do_nothing()


class ExportStore:
    """The store of the exporter's aggregate; locking a commitment's row locks all its exports."""

    async def load(self, db: Transaction, keys: Sequence[str]) -> Mapping[str, CommitmentExports]:
        """Lock and return the exports of every key; an unknown commitment gets a row and has no exports."""
        await insert_many(db, tables.COMMITMENT, [{"id": key} for key in keys])
        return await self.lock(db, keys)

    async def lock(self, db: Transaction, keys: Sequence[str]) -> Mapping[str, CommitmentExports]:
        """Lock and return the exports of those of `keys` that are known."""
        chosen = select(tables.COMMITMENT).where(tables.COMMITMENT.c.id == func.any(list(keys)))
        return await self._read(db, chosen.order_by(tables.COMMITMENT.c.id).with_for_update(key_share=True))

    async def lock_due(
        self, db: Transaction, connection: str, limit: int, now: datetime
    ) -> Mapping[str, CommitmentExports]:
        """Lock and return up to `limit` commitments that are due on `connection`, skipping those already locked."""
        return await self._lock_due(db, tables.COMMITMENT.c.connection == connection, limit, now)

    async def lock_due_unconfigured(
        self, db: Transaction, configured: Sequence[str], limit: int, now: datetime
    ) -> Mapping[str, CommitmentExports]:
        """Do what `lock_due` does, for commitments whose connection is not among the `configured` ones."""
        return await self._lock_due(db, tables.COMMITMENT.c.connection.not_in(configured), limit, now)

    async def save(self, db: Transaction, changes: Sequence[ExportsChange]) -> None:
        """Write every change, each table in one round trip; RefusedError for evidence of another's document."""
        await refuse_documents_of_others(db, changes)
        await db.execute(_UPDATE_COMMITMENT, [_commitment_row(change.after) for change in changes])
        exports = [_export_row(export) for change in changes for export in _changed(change)]
        if exports:
            await db.execute(_UPSERT_EXPORT, exports)
        texts = [{name: getattr(row, name) for name in _SNAPSHOT_COLUMNS} for each in changes for row in each.rows]
        if texts:
            await db.execute(_INSERT_SNAPSHOT, texts)

    async def snapshot_texts(self, db: Transaction, commitments: Sequence[CommitmentExports]) -> Mapping[str, str]:
        """Return the approved text of each commitment's current export, by commitment id."""
        table = tables.SNAPSHOT
        wanted = [(each.commitment_id, each.revision, each.round) for held in commitments if (each := held.current)]
        key = tuple_(table.c.commitment_id, table.c.revision, table.c.round)
        found = await db.execute(select(table.c.commitment_id, table.c.text).where(key.in_(wanted)))
        return {row.commitment_id: row.text for row in found}

    async def _lock_due(
        self, db: Transaction, where: ColumnElement[bool], limit: int, now: datetime
    ) -> Mapping[str, CommitmentExports]:
        due_at = tables.COMMITMENT.c.due_at
        due = select(tables.COMMITMENT).where(where, now >= due_at).order_by(due_at).limit(limit)
        return await self._read(db, due.with_for_update(skip_locked=True, key_share=True))

    async def _read(self, db: Transaction, commitments: Select[Any]) -> Mapping[str, CommitmentExports]:
        """Return the exports of the commitments that the statement `commitments` selects and locks."""
        rows = (await db.execute(commitments)).all()
        if not rows:
            return {}
        exports: dict[str, dict[int, Export]] = {row.id: {} for row in rows}
        # a second statement on purpose: its snapshot is newer than the lock, so it sees what the last lock holder wrote
        chosen = select(tables.EXPORT).where(tables.EXPORT.c.commitment_id == func.any(list(exports)))
        for export in map(_export, await db.execute(chosen)):
            exports[export.commitment_id][export.revision] = export
        return {row.id: _commitment_exports(row, exports[row.id]) for row in rows}


def _changed(change: ExportsChange) -> list[Export]:
    before = change.before.by_revision
    return [export for revision, export in change.after.by_revision.items() if before.get(revision) != export]


def _commitment_row(exports: CommitmentExports) -> dict[str, Any]:
    return {
        "key": exports.commitment_id,
        "company_id": exports.company_id,
        "connection": exports.connection,
        "due_at": exports.due_at,
        "lease_token": exports.lease.token if exports.lease else None,
        "lease_revision": exports.lease.revision if exports.lease else None,
        "resolved": {str(revision): _plain(document) for revision, document in exports.resolved.items()} or None,
    }


def _commitment_exports(row: Row[Any], exports: Mapping[int, Export]) -> CommitmentExports:
    resolved = {int(revision): ErpDocument.model_validate(each) for revision, each in (row.resolved or {}).items()}
    lease = ExportLease(row.lease_token, row.lease_revision, row.due_at) if row.lease_token else None
    return CommitmentExports(row.id, row.company_id, exports, resolved, lease)


def _export_row(export: Export) -> dict[str, Any]:
    return {name: _plain(getattr(export, name)) for name in _EXPORT_COLUMNS}


def _export(row: Row[Any]) -> Export:
    values = {name: getattr(row, name) for name in _EXPORT_COLUMNS}
    records = {name: model.model_validate(values[name]) for name, model in _RECORDS.items() if values[name] is not None}
    return Export(**{**values, **records, "state": ExportState(values["state"])})


def _plain(value: Any) -> Any:
    return value.model_dump(mode="json", by_alias=True, exclude_none=True) if isinstance(value, Record) else value
