"""What an approver's answer does: guarded by the current status, it joins the facts like any other event.

Rights are not checked here. A refused answer is a value, not an exception; it changes nothing and explains itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from typing import Any, TypeVar

from schemas.commitment import ErpDocument, Person
from schemas.envelope import new_event
from schemas.events import CommitmentData, DecisionAccepted, DecisionRejected, DecisionResolved
from schemas.fields import Status
from schemas.snapshot import Snapshot
from services.approval.rules import event_handlers
from services.approval.rules.answers import Accept, Answer, Reject, Retry, Settle
from services.approval.rules.checks import Finding
from services.approval.rules.commitment import CommitmentFacts, CurrentStatus, current_status
from services.approval.rules.conflicts import explanation
from services.approval.rules.erp import connection_name
from services.approval.rules.event_handlers import Handled
from services.approval.rules.facts import Approved, Stage
from services.approval.rules.status import SOURCE, summary

DecisionT = TypeVar("DecisionT", bound=CommitmentData)


@dataclass(frozen=True, slots=True)
class AnswerContext:
    """Who answers and when, and the trace that the answer belongs to; times in a conflict are in `zone`."""

    by: Person
    zone: tzinfo
    now: datetime
    traceparent: str | None = None


@dataclass(frozen=True, slots=True)
class Granted:
    """The answer is valid: save facts and rows, publish the decision and the status."""

    decided: Handled


@dataclass(frozen=True, slots=True)
class AlreadyGranted:
    """The same person gave the same answer before."""

    current: CurrentStatus


@dataclass(frozen=True, slots=True)
class Blocked:
    """Findings prevent acceptance."""

    current: CurrentStatus
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Conflict:
    """The commitment has changed since the approver saw it; `explanation` says how."""

    current: CurrentStatus | None
    explanation: str


AnswerResult = Granted | AlreadyGranted | Blocked | Conflict


def carry_out(
    facts: CommitmentFacts,
    answer: Answer,
    context: AnswerContext,
    *,
    snapshot: Snapshot | None = None,
    findings: Sequence[Finding] = (),
) -> AnswerResult:
    """Return the result of `answer`.

    `snapshot` is the stored content that would be exported: for Accept the one that the answer names, otherwise the
    approved one; None if it is not stored. `findings` are those on that content.
    """
    match answer:
        case Accept():
            return _accept(facts, answer, context, snapshot, findings)
        case Reject():
            return _reject(facts, answer, context)
        case Retry():
            return _retry(facts, answer, context, snapshot)
        case Settle(document=ErpDocument() as document):
            return _settle_as_present(facts, answer, context, document)
        case Settle():
            return _settle_as_absent(facts, answer, context, snapshot)


def _accept(
    facts: CommitmentFacts,
    answer: Accept,
    context: AnswerContext,
    snapshot: Snapshot | None,
    findings: Sequence[Finding],
) -> AnswerResult:
    """Order the export of the content that was read."""
    current, ordered = current_status(facts), _order_by(facts, answer.revision, context.by)
    if current and ordered and ordered.content_hash == answer.content_hash:
        return AlreadyGranted(current)
    is_read = facts.hashes == {answer.content_hash} and _is_content(snapshot, answer.content_hash)
    if not (current and is_read and _is_at(current, answer.revision, Status.READY)):
        return _conflict(facts, current, answer.revision, context)
    if blocking := tuple(finding for finding in findings if finding.is_blocking):
        return Blocked(current, blocking)
    decision = DecisionAccepted(
        **_about(facts, current),
        round=1,
        content_hash=answer.content_hash,
        commitment=snapshot,
        decided_by=context.by,
        sent_by=current.summary.sent_by,
        erp_code=answer.erp_code,
        accounting_date=answer.accounting_date,
        note=answer.note,
    )
    return _granted(event_handlers.accepted, facts, decision, context)


def _reject(facts: CommitmentFacts, answer: Reject, context: AnswerContext) -> AnswerResult:
    """Give the revision back to its project: it waits, is disputed, or failed to export."""
    current = current_status(facts)
    if current and _is_rejected(current, answer, context.by):
        return AlreadyGranted(current)
    is_read = answer.content_hash in facts.hashes
    if not (current and is_read and _is_at(current, answer.revision, Status.READY, Status.DISPUTED, Status.FAILED)):
        return _conflict(facts, current, answer.revision, context)
    decision = DecisionRejected(
        **_about(facts, current),
        round=current.round,
        reason=answer.reason,
        decided_by=context.by,
        summary=summary(facts, current),
    )
    return _granted(event_handlers.rejected, facts, decision, context)


def _retry(facts: CommitmentFacts, answer: Retry, context: AnswerContext, snapshot: Snapshot | None) -> AnswerResult:
    """Order another export of a revision whose last round failed."""
    current = current_status(facts)
    if not (current and _is_at(current, answer.revision, Status.FAILED) and current.round == answer.round):
        return _already_ordered(facts, answer, context)
    return _order_again(facts, current, context, snapshot, note=None)


def _settle_as_absent(
    facts: CommitmentFacts, answer: Settle, context: AnswerContext, snapshot: Snapshot | None
) -> AnswerResult:
    """Order another export, since nothing of the round in doubt is in the ERP."""
    current = current_status(facts)
    if not (current and _is_in_doubt(current, answer)):
        return _already_ordered(facts, answer, context)
    return _order_again(facts, current, context, snapshot, note=answer.note)


def _settle_as_present(
    facts: CommitmentFacts, answer: Settle, context: AnswerContext, document: ErpDocument
) -> AnswerResult:
    """Settle the doubt with a document; the commitment is synced once the exporter has taken that as the outcome.

    Until then it stays in doubt, and nobody can settle it otherwise. The evidence names a document; the ERP is the one
    that was asked, whatever connection the answer names.
    """
    found = document.model_copy(update={"connection": connection_name(facts) or document.connection})
    current = current_status(facts)
    if current and _is_found(facts, current, answer.revision, found):
        return AlreadyGranted(current)
    if not (current and _is_in_doubt(current, answer)):
        return _conflict(facts, current, answer.revision, context)
    decision = DecisionResolved(
        **_about(facts, current), round=answer.round, document=found, decided_by=context.by, note=answer.note
    )
    return _granted(event_handlers.resolved, facts, decision, context)


def _order_again(
    facts: CommitmentFacts,
    current: CurrentStatus,
    context: AnswerContext,
    snapshot: Snapshot | None,
    note: str | None,
) -> AnswerResult:
    """Order the next round of the approved content, unless that is not known yet, as in a restored database."""
    approved = facts.approved
    if not (approved and approved.revision == current.revision and _is_content(snapshot, approved.content_hash)):
        return _conflict(facts, current, current.revision, context)
    decision = DecisionAccepted(
        **_about(facts, current),
        round=current.round + 1,
        content_hash=approved.content_hash,
        commitment=snapshot,
        decided_by=context.by,
        sent_by=approved.sent_by,
        erp_code=approved.erp_code,
        accounting_date=approved.accounting_date,
        note=note or approved.note,
    )
    return _granted(event_handlers.accepted, facts, decision, context)


def _already_ordered(facts: CommitmentFacts, answer: Retry | Settle, context: AnswerContext) -> AnswerResult:
    """The result if the next round can no longer be ordered: perhaps the same person has ordered it."""
    current, ordered = current_status(facts), _order_by(facts, answer.revision, context.by)
    if current and ordered and ordered.round == answer.round + 1:
        return AlreadyGranted(current)
    return _conflict(facts, current, answer.revision, context)


def _conflict(
    facts: CommitmentFacts, current: CurrentStatus | None, revision: int, context: AnswerContext
) -> AnswerResult:
    return Conflict(current, explanation(facts, revision, context.now, context.zone))


def _granted(
    handle: event_handlers.Handler[DecisionT], facts: CommitmentFacts, decision: DecisionT, context: AnswerContext
) -> Granted:
    event = new_event(decision, source=SOURCE, time=context.now, traceparent=context.traceparent)
    decided = handle(facts, event, context.now)
    return Granted(replace(decided, publish=(event, *decided.publish)))


def _about(facts: CommitmentFacts, current: CurrentStatus) -> dict[str, Any]:
    return {
        "company_id": facts.company_id,
        "project_id": current.submitted.project_id,
        "commitment_id": facts.id,
        "revision": current.revision,
    }


def _is_at(current: CurrentStatus, revision: int, *statuses: Status) -> bool:
    return current.revision == revision and current.status in statuses


def _is_in_doubt(current: CurrentStatus, answer: Settle) -> bool:
    """Whether the round that the answer names is in doubt and nobody has settled it."""
    is_settled = current.ruling is not None and current.ruling.settled_as is not None
    return _is_at(current, answer.revision, Status.IN_DOUBT) and current.round == answer.round and not is_settled


def _is_content(snapshot: Snapshot | None, content_hash: str) -> bool:
    return snapshot is not None and snapshot.content_hash == content_hash


def _order_by(facts: CommitmentFacts, revision: int, by: Person) -> Approved | None:
    """The order by `by` to export `revision`, unless something was ordered or rejected after it."""
    approved, ruling = facts.approved, facts.ruling
    if approved is None or ruling is None or ruling.stage is Stage.REJECTED:
        return None
    is_theirs = approved.by.id == by.id and approved.revision == ruling.revision == revision
    return approved if is_theirs else None


def _is_rejected(current: CurrentStatus, answer: Reject, by: Person) -> bool:
    """Whether `by` has rejected the revision for the same reason."""
    ruling = current.ruling
    if ruling is None or ruling.by is None or not _is_at(current, answer.revision, Status.REJECTED):
        return False
    return ruling.by.id == by.id and ruling.reason == answer.reason


def _is_found(facts: CommitmentFacts, current: CurrentStatus, revision: int, document: ErpDocument) -> bool:
    """Whether the same document was given as evidence before, or is known to be in the ERP."""
    if _is_at(current, revision, Status.SYNCED):
        return (document.connection, document.id) in facts.erp_ids
    is_doubt = _is_at(current, revision, Status.IN_DOUBT)
    return is_doubt and current.ruling is not None and current.ruling.settled_as == document
