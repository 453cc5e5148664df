"""Stores submissions verbatim, and reads them for answers, pages and comparisons."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import RowMapping, func, select, tuple_

from schemas.commitment import Commitment, Person
from services.approval.rules.rows import SubmissionRow
from services.approval.storage.tables import SUBMISSION
from services.pipeline.database import Transaction

Key = tuple[str, int, str]
"""Commitment id, revision, content hash."""


async def of_revision(db: Transaction, commitment_id: str, revision: int) -> Sequence[SubmissionRow]:
    """Return what was submitted as a revision, by content hash; more than one row is a dispute."""
    table = SUBMISSION
    chosen = select(table).where(table.c.commitment_id == commitment_id, table.c.revision == revision)
    rows = await db.execute(chosen.order_by(table.c.content_hash))
    return [_submission(row) for row in rows.mappings()]


async def before_revision(db: Transaction, commitment_id: str, revision: int) -> SubmissionRow | None:
    """Return a submission of the highest revision below `revision`; None if there is none."""
    table = SUBMISSION
    earlier = select(func.max(table.c.revision)).where(
        table.c.commitment_id == commitment_id, table.c.revision < revision
    )
    previous = (await db.execute(earlier)).scalar_one_or_none()
    rows = await of_revision(db, commitment_id, previous) if previous else ()
    return rows[0] if rows else None


async def find_many(db: Transaction, keys: Sequence[Key]) -> Mapping[str, SubmissionRow]:
    """Return the submissions with `keys` by commitment id; of each commitment there is at most one key."""
    table = SUBMISSION
    key = tuple_(table.c.commitment_id, table.c.revision, table.c.content_hash)
    rows = await db.execute(select(table).where(key.in_(keys)))
    return {row["commitment_id"]: _submission(row) for row in rows.mappings()}


def content_of(row: SubmissionRow) -> Commitment:
    """Return the commitment that a submission contains."""
    return Commitment.model_validate_json(row.text)


def columns(row: SubmissionRow) -> dict[str, Any]:
    """Return `row` as columns."""
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


def _submission(row: RowMapping) -> SubmissionRow:
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
