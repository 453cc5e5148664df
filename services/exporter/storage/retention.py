"""What the exporter forgets: contents of exports that are done, and the rows of those that a later success covers.

That a commitment was written is never forgotten: the row of its highest success stays with document and content hash,
and so does every row with another document. An order that is read again is then answered without a call to the ERP.
"""

from datetime import datetime

from sqlalchemy import and_, delete, exists, or_, select

from services.exporter.rules.export import ExportState
from services.exporter.storage.tables import ATTEMPT, COMMITMENT, CONVERSATION, EXPORT, SNAPSHOT
from services.pipeline.database import Transaction
from services.pipeline.retention import (
    MAX_ROWS,
    RetentionRule,
    Swept,
    delete_oldest,
    in_range,
    next_keys,
    remove,
    row_address,
)

_DONE = (ExportState.SUCCEEDED.value, ExportState.SUPERSEDED.value)


def rules(finished_days: int) -> tuple[RetentionRule, ...]:
    """Return the exporter's rules, the contents first: a row stays while it has any."""
    return (
        RetentionRule("snapshot", finished_days, sweep_snapshots),
        RetentionRule("export", finished_days, sweep_exports),
        RetentionRule("conversation", finished_days, sweep_conversations),
        RetentionRule("attempt", finished_days, sweep_attempts),
    )


async def sweep_snapshots(db: Transaction, after: str, before: datetime) -> Swept:
    """Delete contents that are never sent again: of done revisions, and of rounds below the current one."""
    last = await next_keys(db, COMMITMENT.c.id, after)
    if last is None:
        return Swept(0, None)
    of_revision = and_(EXPORT.c.commitment_id == SNAPSHOT.c.commitment_id, EXPORT.c.revision == SNAPSHOT.c.revision)
    chosen = (
        select(row_address(SNAPSHOT))
        .join_from(SNAPSHOT, EXPORT, of_revision)
        .where(
            in_range(after, last, SNAPSHOT.c.commitment_id, EXPORT.c.commitment_id),
            EXPORT.c.state_since < before,
            or_(EXPORT.c.state.in_(_DONE), SNAPSHOT.c.round < EXPORT.c.round),
        )
    )
    rows = await remove(db, delete(SNAPSHOT), chosen)
    return Swept(rows, after if rows == MAX_ROWS else last)


async def sweep_exports(db: Transaction, after: str, before: datetime) -> Swept:
    """Delete done revisions below a success that is in the same document."""
    last = await next_keys(db, COMMITMENT.c.id, after)
    if last is None:
        return Swept(0, None)
    newer = EXPORT.alias("newer")
    is_same = (newer.c.document[name] == EXPORT.c.document[name] for name in ("connection", "id"))
    is_covered = exists().where(
        in_range(after, last, newer.c.commitment_id),
        newer.c.commitment_id == EXPORT.c.commitment_id,
        newer.c.revision > EXPORT.c.revision,
        newer.c.state == ExportState.SUCCEEDED.value,
        or_(EXPORT.c.document.is_(None), and_(*is_same)),
    )
    has_contents = exists().where(
        in_range(after, last, SNAPSHOT.c.commitment_id),
        SNAPSHOT.c.commitment_id == EXPORT.c.commitment_id,
        SNAPSHOT.c.revision == EXPORT.c.revision,
    )
    chosen = select(row_address(EXPORT)).where(
        in_range(after, last, EXPORT.c.commitment_id),
        EXPORT.c.state.in_(_DONE),
        EXPORT.c.state_since < before,
        is_covered,
        ~has_contents,
    )
    rows = await remove(db, delete(EXPORT), chosen)
    return Swept(rows, after if rows == MAX_ROWS else last)


async def sweep_conversations(db: Transaction, after: str, before: datetime) -> Swept:
    """Delete conversations with the clients of polled ERPs that have ended."""
    del after
    return await delete_oldest(db, CONVERSATION, CONVERSATION.c.ended_at, before)


async def sweep_attempts(db: Transaction, after: str, before: datetime) -> Swept:
    """Delete what the ERP answered long ago."""
    del after
    return await delete_oldest(db, ATTEMPT, ATTEMPT.c.ended_at, before)
