"""Handles each event: joins it to the facts, and publishes and records what is new."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from schemas.decision_chain import Decision
from schemas.envelope import Event
from schemas.events import (
    CommitmentData,
    DirectoryPerson,
    DirectoryPersonRemoved,
    ErpReference,
    ErpReferenceRemoved,
    EventData,
    MailSettled,
    Submission,
    SubmissionRefused,
)
from services.approval.rules import history, joins, question_joins
from services.approval.rules.commitment import CommitmentFacts
from services.approval.rules.rows import StoredRow, SubmissionRow
from services.approval.rules.status import status_event
from services.pipeline.fold import Decided, RefusedError
from services.pipeline.newest import Newest

Handled = Decided[CommitmentFacts, StoredRow]
EventT = TypeVar("EventT", bound=CommitmentData | Submission)
DecisionT = TypeVar("DecisionT", bound=Decision)
Handler = Callable[[CommitmentFacts, Event[EventT], datetime], Handled]


def joining(join: Callable[[CommitmentFacts, Event[EventT]], CommitmentFacts]) -> Handler[EventT]:
    """Return a handler that joins an event to the facts; a new fact is published as a status and added to the history.

    RefusedError for an event of another company.
    """

    def handle(facts: CommitmentFacts, event: Event[EventT], now: datetime) -> Handled:
        joined = join(_of_company(facts, event.data.company_id), event)
        if joined == facts:
            return Decided(facts, is_changed=False)
        after, publish = status_event(joined, now, event.traceparent)
        return Decided(after, publish, (history.entry(after, event),))

    return handle


def deciding(join: Callable[[CommitmentFacts, Event[DecisionT]], CommitmentFacts]) -> Handler[DecisionT]:
    """Return a handler as `joining` does, which always adds a decision of the chain to the history.

    A restored database may read a decision after a later one, so that it changes nothing; the chain still needs it.
    """
    handle = joining(join)

    def handle_decision(facts: CommitmentFacts, event: Event[DecisionT], now: datetime) -> Handled:
        decided = handle(facts, event, now)
        if decided.is_changed or event.data.link is None:
            return decided
        return replace(decided, rows=(history.entry(decided.state, event),))

    return handle_decision


def publishing(event: Event[EventData], decided: Handled) -> Handled:
    """`decided`, which also publishes the `event` that it follows from."""
    return replace(decided, publish=(event, *decided.publish))


def submitted(facts: CommitmentFacts, event: Event[Submission], now: datetime) -> Handled:
    """Join it as any event; also store the snapshot, even if the submission came too late to matter."""
    decided = joining(joins.submitted)(facts, event, now)
    known = {sent.precedence for sent in facts.submissions}
    if (event.data.revision, event.data.commitment.content_hash) in known:
        return decided
    return Decided(decided.state, decided.publish, (_submission_row(event), *decided.rows), decided.is_changed)


def mail_settled(facts: CommitmentFacts, event: Event[MailSettled], now: datetime) -> Handled:
    """Add to the history who got a mail, and change no fact. A daily summary belongs to no commitment.

    Nor does a mail about a submission that named another company than the commitment's.
    """
    del now
    is_misnamed = event.data.kind == "submission_refused" and facts.company_id not in (None, event.data.company_id)
    if event.data.commitment_id is None or is_misnamed:
        return Decided(facts, is_changed=False)
    known = _of_company(facts, event.data.company_id)
    return Decided(facts, rows=(history.entry(known, event),), is_changed=False)


def submission_refused(facts: CommitmentFacts, event: Event[SubmissionRefused], now: datetime) -> Handled:
    """Add to the history what could not be taken; nothing if it names another company than the commitment's."""
    del now
    if facts.company_id not in (None, event.data.company_id):
        return Decided(facts, is_changed=False)
    known = _of_company(facts, event.data.company_id)
    return Decided(facts, rows=(history.entry(known, event),), is_changed=False)


def person_removed(
    known: Newest[DirectoryPerson], event: Event[DirectoryPersonRemoved], now: datetime
) -> Decided[Newest[DirectoryPerson], None]:
    """The person without a record, and so without any right."""
    del event, now
    return Decided(replace(known, record=None), is_changed=known.record is not None)


def entry_removed(
    known: Newest[ErpReference], event: Event[ErpReferenceRemoved], now: datetime
) -> Decided[Newest[ErpReference], None]:
    """The entry of an ERP's list as gone; its version stays, so that an older message does not bring it back."""
    del event, now
    return Decided(replace(known, record=None), is_changed=known.record is not None)


first_approved = deciding(joins.first_approved)
accepted = deciding(joins.accepted)
rejected = deciding(joins.rejected)
resolved = deciding(joins.resolved)
drift_accepted = deciding(joins.drift_accepted)
asked = joining(question_joins.asked)
replied = joining(question_joins.replied)


def _of_company(facts: CommitmentFacts, company_id: str) -> CommitmentFacts:
    """`facts` with their company, which the first event sets; RefusedError if they are another company's."""
    if facts.company_id is None:
        return CommitmentFacts(facts.id, company_id)  # the first event: nothing else is known yet
    if facts.company_id != company_id:
        raise RefusedError("other_company", f"commitment {facts.id} belongs to another company than {company_id}")
    return facts


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
        traceparent=event.traceparent,
    )
