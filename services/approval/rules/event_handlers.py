"""What each event means to approval: the fact that it adds, and what a new fact leads to."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from schemas.envelope import Event
from schemas.events import CommitmentData, MailSettled, Submission
from services.approval.rules import commitment as joins
from services.approval.rules import history, status
from services.approval.rules.commitment import Commitment
from services.approval.rules.rows import Row, SubmissionRow
from services.pipeline.fold import Decided, RefusedError

FactT = TypeVar("FactT", bound=CommitmentData | Submission)
Handler = Callable[[Commitment, Event[FactT], datetime], Decided[Commitment, Row]]


def joining(join: Callable[[Commitment, Event[FactT]], Commitment]) -> Handler[FactT]:
    """A handler that joins an event to the commitment, and tells upstream and the history when it is news."""

    def handle(commitment: Commitment, event: Event[FactT], now: datetime) -> Decided[Commitment, Row]:
        known = _of_company(commitment, event.data.company_id)
        joined = join(known, event)
        if joined == commitment:
            return Decided(commitment, is_changed=False)
        after, publish = status.told(joined, now, event.traceparent)
        return Decided(after, publish, (history.entry(after, event),))

    return handle


def submitted(commitment: Commitment, event: Event[Submission], now: datetime) -> Decided[Commitment, Row]:
    """As any fact; the snapshot is kept for good, also when it came too late to matter."""
    decided = joining(joins.submitted)(commitment, event, now)
    if (event.data.revision, event.data.commitment.content_hash) in {sent.order for sent in commitment.submissions}:
        return decided
    return replace(decided, rows=(_submission_row(event), *decided.rows))


def mail_settled(commitment: Commitment, event: Event[MailSettled], now: datetime) -> Decided[Commitment, Row]:
    """The history says who was told; nothing else changes. A daily summary belongs to no commitment."""
    del now
    if event.data.commitment_id is None:
        return Decided(commitment, is_changed=False)
    known = _of_company(commitment, event.data.company_id)
    return Decided(commitment, rows=(history.entry(known, event),), is_changed=False)


accepted = joining(joins.accepted)
rejected = joining(joins.rejected)
resolved = joining(joins.resolved)


def _of_company(commitment: Commitment, company_id: str) -> Commitment:
    """`commitment`, known to be the company's from its first event on; RefusedError where it is another's."""
    if commitment.company_id is None:
        return replace(commitment, company_id=company_id)
    if commitment.company_id != company_id:
        raise RefusedError("other_company", f"commitment {commitment.id} belongs to another company than {company_id}")
    return commitment


def _submission_row(event: Event[Submission]) -> SubmissionRow:
    data = event.data
    return SubmissionRow(
        company_id=data.company_id,
        commitment_id=data.subject,
        revision=data.revision,
        content_hash=data.commitment.content_hash,
        text=data.commitment.text,
        sent_by=data.sent_by,
        note=data.note,
        sent_at=event.time,
    )
