"""What an approver's answer does: guarded by the current status, it joins the facts like any other event.

Rights are not checked here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from typing import Any

from schemas.commitment import ErpDocument, Person
from schemas.decision_chain import Decision, linked
from schemas.envelope import new_event
from schemas.events import (
    DecisionAccepted,
    DecisionDriftAccepted,
    DecisionFirstApproved,
    DecisionRejected,
    DecisionResolved,
)
from schemas.fields import Status
from schemas.snapshot import Snapshot
from services.approval.rules import event_handlers
from services.approval.rules.accepting import judge_accept
from services.approval.rules.answers import (
    Accept,
    AcceptDrift,
    AlreadyGranted,
    Answer,
    AnswerResult,
    Blocked,
    Confirm,
    Conflict,
    ExportAgain,
    Granted,
    Reject,
    Retry,
    Settle,
    Unacceptable,
)
from services.approval.rules.commitment import CommitmentFacts, CurrentStatus, current_status, without_approvals
from services.approval.rules.confirming import judge_confirmation
from services.approval.rules.conflicts import explanation, not_its_document, not_missing
from services.approval.rules.controls import ALONE, Mandate
from services.approval.rules.event_handlers import Handler
from services.approval.rules.evidence import document_in_erp
from services.approval.rules.finding import Finding
from services.approval.rules.guards import (
    is_at,
    is_erp_left,
    is_found,
    is_in_doubt,
    is_rejected,
    missing_document,
    order_by,
    standing_document,
)
from services.approval.rules.orders import (
    Checked,
    Verdict,
    about,
    next_round,
    order_again,
    terms_of,
)
from services.approval.rules.status import SOURCE, summary
from services.approval.rules.synced import judge_synced
from services.approval.rules.terms import WrongTerm

_HANDLERS: Mapping[type[Decision], Handler[Any]] = {
    DecisionFirstApproved: event_handlers.first_approved,
    DecisionAccepted: event_handlers.accepted,
    DecisionRejected: event_handlers.rejected,
    DecisionResolved: event_handlers.resolved,
    DecisionDriftAccepted: event_handlers.drift_accepted,
}


@dataclass(frozen=True, slots=True)
class AnswerContext:
    """Who answers and when, and the trace that the answer belongs to; times in a conflict are in `zone`.

    `last` is the position and the hash of the commitment's last decision; None before the first one.
    """

    by: Person
    zone: tzinfo
    now: datetime
    traceparent: str | None = None
    last: tuple[int, str] | None = None
    erp: str | None = None
    """What people call the ERP that the commitment goes to, where that is known."""

    @property
    def today(self) -> date:
        """The day on which the answer is given, where its approver is."""
        return self.now.astimezone(self.zone).date()


def carry_out(
    facts: CommitmentFacts,
    answer: Answer,
    context: AnswerContext,
    *,
    snapshot: Snapshot | None = None,
    findings: Sequence[Finding] = (),
    wrong_terms: Sequence[WrongTerm] = (),
    objection: str = "",
    mandate: Mandate = ALONE,
) -> AnswerResult:
    """Return the result of `answer`.

    `snapshot` is the stored content that would be exported: for Accept the one that the answer names, otherwise the
    approved one; None if it is not stored. `findings` are those on that content, `wrong_terms` those on what is asked
    of the ERP. `objection` says in words why the document that Settle names cannot be this commitment's, or why the one
    that Retry names need not be replaced; empty if nothing is against it. `mandate` says how the
    approver accepts it.
    """
    checked = Checked(snapshot, tuple(findings), tuple(wrong_terms), objection, mandate)
    current = current_status(facts)
    counted = without_approvals(facts, mandate.void)
    verdict = _judge(counted, current, answer, context.by, checked) if current else None
    match verdict:
        case AlreadyGranted() | Blocked() | Unacceptable() | Conflict():
            return verdict
        case None:
            return Conflict(current, explanation(facts, answer.revision, context.now, context.zone))
    return _granted(facts, verdict, context)


def _judge(facts: CommitmentFacts, current: CurrentStatus, answer: Answer, by: Person, checked: Checked) -> Verdict:
    match answer:
        case Accept():
            return judge_accept(facts, current, answer, by, checked)
        case Reject():
            return _reject(facts, current, answer, by)
        case Retry():
            return _retry(facts, current, answer, by, checked)
        case ExportAgain() | AcceptDrift():
            return judge_synced(facts, current, answer, by, checked)
        case Settle() | Confirm():
            return _about_doubt(facts, current, answer, by, checked)


def _reject(facts: CommitmentFacts, current: CurrentStatus, answer: Reject, by: Person) -> Verdict:
    """Give the revision back to its project: it waits, is disputed, failed to export, or is unlinked from the ERP."""
    unlinked, is_synced = standing_document(facts, answer.unlinks), is_at(current, answer.revision, Status.SYNCED)
    if is_rejected(current, answer, by) and not (answer.unlinks and unlinked):
        return AlreadyGranted(current)
    is_open = is_at(current, answer.revision, Status.READY, Status.DISPUTED, Status.FAILED)
    if answer.content_hash not in facts.hashes or not (is_open or (is_synced and unlinked)):
        return None
    if answer.unlinks and unlinked is None:
        return Conflict(current, not_its_document(current, answer.unlinks))
    return DecisionRejected(
        **about(facts, current),
        round=next_round(facts, current) if is_synced else current.round,
        reason=answer.reason,
        decided_by=by,
        summary=summary(facts, current),
        unlinks=unlinked,
        reopened=current.reopened + is_synced,
    )


def _retry(facts: CommitmentFacts, current: CurrentStatus, answer: Retry, by: Person, checked: Checked) -> Verdict:
    """Order another export of a revision whose last round failed, if asked for in place of a document that is gone."""
    if not (is_at(current, answer.revision, Status.FAILED) and current.round == answer.round):
        return _already_ordered(facts, current, answer, by, replaces=answer.replaces)
    missing = missing_document(current)
    if answer.replaces and (missing is None or missing.id != answer.replaces):
        return Conflict(current, not_missing(current, answer.replaces))
    terms = terms_of(facts, answer)
    if not answer.replaces:
        return order_again(facts, current, by, checked, terms)
    if checked.objection:
        return Conflict(current, checked.objection)
    return order_again(facts, current, by, checked, terms, replaces=missing, moves=is_erp_left(current))


def _about_doubt(
    facts: CommitmentFacts, current: CurrentStatus, answer: Settle | Confirm, by: Person, checked: Checked
) -> Verdict:
    match answer:
        case Confirm():
            return judge_confirmation(facts, current, answer, by)
        case Settle(document=ErpDocument() as document):
            return _settle_as_present(facts, current, answer, by, document_in_erp(facts, document), checked.objection)
        case Settle():
            return _settle_as_absent(facts, current, answer, by, checked)


def _settle_as_absent(
    facts: CommitmentFacts, current: CurrentStatus, answer: Settle, by: Person, checked: Checked
) -> Verdict:
    """Order another export, since nothing of the round in doubt is in the ERP."""
    if not is_in_doubt(current, answer):
        return _already_ordered(facts, current, answer, by)
    return order_again(facts, current, by, checked, terms_of(facts, answer), why=answer.note)


def _settle_as_present(
    facts: CommitmentFacts, current: CurrentStatus, answer: Settle, by: Person, found: ErpDocument, objection: str
) -> Verdict:
    """Settle the doubt with a document; the commitment is synced once the exporter has taken that as the outcome.

    Until then it stays in doubt, and nobody can settle it otherwise.
    """
    if is_found(facts, current, answer.revision, found):
        return AlreadyGranted(current)
    if not is_in_doubt(current, answer):
        return None
    if objection:
        return Conflict(current, objection)
    return DecisionResolved(
        **about(facts, current),
        round=answer.round,
        evidence=current.ruling.evidence + 1 if current.ruling else 1,
        document=found,
        decided_by=by,
        note=answer.note,
        reopened=current.reopened,
    )


def _already_ordered(
    facts: CommitmentFacts, current: CurrentStatus, answer: Retry | Settle, by: Person, replaces: str | None = None
) -> Verdict:
    """The verdict if the next round can no longer be ordered: perhaps the same person has ordered it in this way."""
    ordered = order_by(facts, answer.revision, by)
    if ordered is None or ordered.round != answer.round + 1 or ordered.terms != terms_of(facts, answer):
        return None
    return AlreadyGranted(current) if (ordered.replaces and ordered.replaces.id) == replaces else None


def _named(decision: Decision, erp: str | None) -> Decision:
    """`decision` with what people call the ERP that it is about."""
    match decision:
        case DecisionAccepted() if erp:
            return decision.model_copy(update={"erp": erp})
        case DecisionRejected(summary=known) if erp:
            return decision.model_copy(update={"summary": known.model_copy(update={"erp": erp})})
        case _:
            return decision


def _granted(facts: CommitmentFacts, decision: Decision, context: AnswerContext) -> Granted:
    decision = linked(_named(decision, context.erp), context.last, context.now)
    event = new_event(decision, source=SOURCE, time=context.now, traceparent=context.traceparent)
    decided = _HANDLERS[type(decision)](facts, event, context.now)
    return Granted(event_handlers.publishing(event, decided))
