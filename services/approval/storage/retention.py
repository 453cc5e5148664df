"""What approval forgets: the history of finished commitments, superseded contents, and marks that nobody sends.

The first two walk through the commitments in the order of their ids, which needs no index that every event would have
to update.
"""

from datetime import datetime

from sqlalchemy import delete, exists, func, or_, select

from schemas.fields import Status
from services.approval.rules.commitment import CommitmentFacts
from services.approval.storage import delegations, ending_sessions, marks
from services.approval.storage.desk_tables import KEPT_RESPONSE
from services.approval.storage.kept_responses import KEPT_RESPONSE_DAYS
from services.approval.storage.store import STATE
from services.approval.storage.tables import COMMITMENT, HISTORY, SUBMISSION
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
from services.pipeline.unreadable import readable

FINISHED = (Status.SYNCED, Status.REJECTED, Status.RETRIEVED)
_KEPT_SUBMISSIONS = 2
"""A commitment with no more has nothing to delete: the current submission, and the one that it is compared with."""


def rules(history_days: int, finished_days: int) -> tuple[RetentionRule, ...]:
    """Return approval's rules."""
    return (
        RetentionRule("history", history_days, sweep_history),
        RetentionRule("submission", finished_days, sweep_submissions),
        RetentionRule("mark", marks.KEPT_DAYS, marks.sweep),
        RetentionRule("delegation", delegations.KEPT_DAYS, delegations.sweep),
        RetentionRule("ended_session", ending_sessions.KEPT_DAYS, ending_sessions.sweep),
        RetentionRule("kept_response", KEPT_RESPONSE_DAYS, sweep_kept_responses),
    )


async def sweep_kept_responses(db: Transaction, after: str, before: datetime) -> Swept:
    """Delete responses whose requests nobody repeats any more."""
    del after
    return await delete_oldest(db, KEPT_RESPONSE, KEPT_RESPONSE.c.at, before)


async def sweep_history(db: Transaction, after: str, before: datetime) -> Swept:
    """Delete old history of the next commitments; the last decision stays, and all of one that waits for somebody."""
    last = await next_keys(db, COMMITMENT.c.id, after)
    if last is None:
        return Swept(0, None)
    is_finished = or_(COMMITMENT.c.status.is_(None), COMMITMENT.c.status.in_([status.value for status in FINISHED]))
    later = HISTORY.alias("later")
    # the next decision has to follow the last one
    is_last_decision = HISTORY.c.position.is_not(None) & ~exists().where(
        later.c.commitment_id == HISTORY.c.commitment_id, later.c.position > HISTORY.c.position
    )
    chosen = (
        select(row_address(HISTORY))
        .join_from(COMMITMENT, HISTORY, HISTORY.c.commitment_id == COMMITMENT.c.id)
        .where(in_range(after, last, HISTORY.c.commitment_id, COMMITMENT.c.id), is_finished, HISTORY.c.at < before)
        .where(~is_last_decision)
    )
    rows = await remove(db, delete(HISTORY), chosen)
    return Swept(rows, after if rows == MAX_ROWS else last)


async def sweep_submissions(db: Transaction, after: str, before: datetime) -> Swept:
    """Delete old submissions of the next commitments that no page, comparison or answer reads any more."""
    last = await next_keys(db, COMMITMENT.c.id, after)
    if last is None:
        return Swept(0, None)
    rows = 0
    for facts in await _with_several_submissions(db, after, last, before):
        rows += await _delete_superseded(db, facts, before)
    return Swept(rows, last)


async def _with_several_submissions(db: Transaction, after: str, last: str, before: datetime) -> list[CommitmentFacts]:
    """Return those commitments of a range that may have a submission to delete."""
    several = (
        select(SUBMISSION.c.commitment_id)
        .where(in_range(after, last, SUBMISSION.c.commitment_id))
        .group_by(SUBMISSION.c.commitment_id)
        .having(func.count() > _KEPT_SUBMISSIONS, func.min(SUBMISSION.c.sent_at) < before)
    )
    chosen = select(COMMITMENT.c.id, COMMITMENT.c.state).where(
        in_range(after, last, COMMITMENT.c.id), COMMITMENT.c.id.in_(several)
    )
    rows = await db.execute(chosen)
    return readable(COMMITMENT, rows, lambda row: row.id, lambda row: STATE.validate_json(row.state))


async def _delete_superseded(db: Transaction, facts: CommitmentFacts, before: datetime) -> int:
    """Delete what is below the last revision before those that can still be shown; that one is compared with."""
    if not facts.submissions:
        return 0
    of_this, revision = SUBMISSION.c.commitment_id == facts.id, SUBMISSION.c.revision
    compared = select(func.max(revision)).where(of_this, revision < facts.submissions[0].revision).scalar_subquery()
    chosen = select(row_address(SUBMISSION)).where(of_this, revision < compared, SUBMISSION.c.sent_at < before)
    return await remove(db, delete(SUBMISSION), chosen)
