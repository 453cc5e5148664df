"""Joins each event to the facts by maxima and unions only, so that order and repetition do not matter."""

from datetime import UTC, datetime

from schemas.commitment import ErpDocument, Person, summarise
from schemas.envelope import Event
from schemas.events import (
    CommitmentRetrieved,
    DecisionAccepted,
    DecisionDriftAccepted,
    DecisionFirstApproved,
    DecisionRejected,
    DecisionResolved,
    EventData,
    ExportDrifted,
    ExportFailed,
    ExportInDoubt,
    ExportSucceeded,
    Submission,
)
from schemas.fields import FailureClass
from services.approval.rules.commitment import CommitmentFacts
from services.approval.rules.facts import (
    AcceptedDrift,
    Approved,
    Doubt,
    Drift,
    EvidenceCheck,
    ReplacedDocument,
    Retrieved,
    Ruling,
    Stage,
    Submitted,
    WrittenDocument,
    later,
)
from services.approval.rules.first_approval import FirstApproval
from services.approval.rules.refusal import Refusal

_REFUSALS = (FailureClass.FIX_DATA, FailureClass.WAIT_FOR_DEPENDENCY)


def submitted(facts: CommitmentFacts, event: Event[Submission]) -> CommitmentFacts:
    """The facts with this submission, unless a later ruling has superseded it."""
    sent = _submitted(event)
    if not facts.submissions:
        return _without_superseded(facts.updated(submissions=(sent,)))
    known = {other.precedence: other for other in facts.submissions}
    known[sent.precedence] = later(known.get(sent.precedence), sent)
    return _without_superseded(facts.updated(submissions=tuple(known[precedence] for precedence in sorted(known))))


def _submitted(event: Event[Submission]) -> Submitted:
    snapshot = event.data.commitment
    return Submitted(
        event.data.revision,
        snapshot.content_hash,
        event.data.project_id,
        _time(event),
        summarise(snapshot.commitment, event.data.sent_by),
        snapshot.commitment.project.number,
    )


def retrieved(facts: CommitmentFacts, event: Event[CommitmentRetrieved]) -> CommitmentFacts:
    """The facts with this retrieve, even if its submission has not arrived yet."""
    arrived = Retrieved(event.data.revision, event.data.retrieved_by, _time(event))
    return facts.updated(retrieved=later(facts.retrieved, arrived))


def accepted(facts: CommitmentFacts, event: Event[DecisionAccepted]) -> CommitmentFacts:
    """The facts with this order to export."""
    decision = event.data
    approved = Approved(
        revision=decision.revision,
        round=decision.round,
        content_hash=decision.content_hash,
        by=decision.decided_by,
        sent_by=decision.sent_by,
        at=_time(event),
        erp_code=decision.erp_code,
        accounting_date=decision.accounting_date,
        note=decision.note,
        replaces=decision.replaces,
        reopened=decision.reopened,
        updates=decision.updates,
    )
    ruling = Ruling(
        decision.revision,
        decision.round,
        Stage.ACCEPTED,
        _time(event),
        decision.decided_by,
        reopened=decision.reopened,
        erp=decision.erp,
    )
    unlinked = _without(_without_earlier(facts, decision), decision.replaces, decision)
    return _ruled(unlinked.updated(approved=later(facts.approved, approved)), ruling)


def first_approved(facts: CommitmentFacts, event: Event[DecisionFirstApproved]) -> CommitmentFacts:
    """The facts with the approval of the first of two approvers."""
    return facts.updated(first_approvals=facts.first_approvals | {FirstApproval.of(event.data, _time(event))})


def rejected(facts: CommitmentFacts, event: Event[DecisionRejected]) -> CommitmentFacts:
    """The facts with this rejection: of a revision without a document, or of one that is no longer linked to it."""
    decision = event.data
    ruling = Ruling(
        decision.revision,
        decision.round,
        Stage.REJECTED,
        _time(event),
        decision.decided_by,
        reason=decision.reason,
        reopened=decision.reopened,
        erp=decision.summary.erp,
    )
    return _ruled(_without(facts, decision.unlinks, decision), ruling)


def resolved(facts: CommitmentFacts, event: Event[DecisionResolved]) -> CommitmentFacts:
    """The facts with an approver's evidence that the export in doubt is in the ERP; the ERP's answer overrides it.

    Evidence that was withdrawn is none, as if the ERP had said so.
    """
    decision = event.data
    if decision.withdrawn_by:
        return _ruled(facts, _withdrawn(decision, decision.withdrawn_by, _time(event)))
    ruling = Ruling(
        decision.revision,
        decision.round,
        Stage.IN_DOUBT,
        _time(event),
        decision.decided_by,
        settled_as=decision.document,
        connection=decision.document.connection,
        reopened=decision.reopened,
        evidence=decision.evidence,
        confirmed_by=decision.confirmed_by,
    )
    return _ruled(facts, ruling)


def _withdrawn(decision: DecisionResolved, by: Person, at: datetime) -> Ruling:
    return Ruling(
        decision.revision,
        decision.round,
        Stage.IN_DOUBT,
        at,
        by,
        doubt=Doubt(at, f"{by.name} says that {decision.document.name} is not its document."),
        connection=decision.document.connection,
        reopened=decision.reopened,
        evidence=decision.evidence,
    )


def in_doubt(facts: CommitmentFacts, event: Event[ExportInDoubt]) -> CommitmentFacts:
    """The facts with an export whose answer was lost."""
    export = event.data
    facts = _checked(facts, export)
    doubt = Doubt(export.since, export.asked, export.probes, export.next_probe)
    ruling = Ruling(
        export.revision,
        export.round,
        Stage.IN_DOUBT,
        _time(event),
        doubt=doubt,
        connection=export.connection,
        reopened=export.reopened,
        evidence=export.refused_evidence,
        erp=export.erp,
    )
    return _ruled(facts, ruling)


def _checked(facts: CommitmentFacts, export: ExportInDoubt) -> CommitmentFacts:
    """The facts with why evidence is not confirmed yet."""
    if not export.checks_evidence:
        return facts
    number, probes = export.checks_evidence, export.probes
    is_asked_again = export.next_probe is not None
    check = EvidenceCheck(export.revision, export.reopened, export.round, number, probes, export.asked, is_asked_again)
    return facts.updated(evidence_check=later(facts.evidence_check, check))


def failed(facts: CommitmentFacts, event: Event[ExportFailed]) -> CommitmentFacts:
    """The facts with a round that ended without a document being written."""
    export = event.data
    facts = _refused(facts, export)
    ruling = Ruling(
        export.revision,
        export.round,
        Stage.FAILED,
        _time(event),
        export.decided_by,
        failure=export.failure,
        attempts=export.attempts,
        connection=export.summary.connection,
        reopened=export.reopened,
        erp=export.summary.erp,
    )
    return _ruled(facts, ruling)


def _refused(facts: CommitmentFacts, export: ExportFailed) -> CommitmentFacts:
    """The facts with why the ERP refused the revision, if it was for what the commitment says."""
    failure, connection = export.failure, export.summary.connection
    if failure.failure_class not in _REFUSALS or failure.document:
        return facts
    refusal = Refusal(export.revision, export.reopened, export.round, failure.message, connection)
    return facts.updated(refusal=later(facts.refusal, refusal))


def drifted(facts: CommitmentFacts, event: Event[ExportDrifted]) -> CommitmentFacts:
    """The facts with the latest comparison of the ERP's document."""
    compared = event.data
    drift = Drift(
        compared.revision,
        compared.reopened,
        compared.version,
        compared.compared_at,
        compared.is_missing,
        compared.differences,
    )
    return facts.updated(drift=later(facts.drift, drift))


def drift_accepted(facts: CommitmentFacts, event: Event[DecisionDriftAccepted]) -> CommitmentFacts:
    """The facts with an approver's word that the ERP's document may differ."""
    decision = event.data
    accepted_drift = AcceptedDrift(
        decision.version,
        decision.decided_by,
        _time(event),
        decision.note,
        decision.is_missing,
        decision.differences,
        decision.revision,
        decision.reopened,
    )
    return facts.updated(accepted_drift=later(facts.accepted_drift, accepted_drift))


def succeeded(facts: CommitmentFacts, event: Event[ExportSucceeded]) -> CommitmentFacts:
    """The facts with this document in the ERP, whichever round wrote it."""
    export = event.data
    ruling = Ruling(
        export.revision,
        0,
        Stage.SUCCEEDED,
        _time(event),
        connection=export.erp_document.connection,
        reopened=export.reopened,
        erp=export.erp,
    )
    documents = facts.documents | {WrittenDocument(export.revision, export.erp_document, export.reopened)}
    return _ruled(facts.updated(documents=documents), ruling)


def _without(
    facts: CommitmentFacts, document: ErpDocument | None, decision: DecisionAccepted | DecisionRejected
) -> CommitmentFacts:
    """The facts with `document` as one that is no longer the commitment's."""
    if document is None:
        return facts
    is_left = isinstance(decision, DecisionAccepted) and decision.moves
    unlinked = ReplacedDocument(decision.revision, document, decision.reopened, is_left)
    return facts.updated(replaced=facts.replaced | {unlinked})


def _without_earlier(facts: CommitmentFacts, order: DecisionAccepted) -> CommitmentFacts:
    """The facts without what was unlinked before `order`."""
    if not order.unlinked:
        return facts
    unlinked = {ReplacedDocument(each.revision, each.document, each.reopened) for each in order.unlinked}
    return facts.updated(replaced=facts.replaced | unlinked)


def _ruled(facts: CommitmentFacts, ruling: Ruling) -> CommitmentFacts:
    return _without_superseded(facts.updated(ruling=later(facts.ruling, ruling)))


def _without_superseded(facts: CommitmentFacts) -> CommitmentFacts:
    """`facts` without submissions that can never be shown again; both bounds only rise, so order does not matter."""
    oldest = min(facts.ruled_revision, facts.submitted_revision)
    if not facts.submissions or facts.submissions[0].revision >= oldest:
        return facts
    kept = tuple(sent for sent in facts.submissions if sent.revision >= oldest)
    return facts.updated(submissions=kept)


def _time(event: Event[EventData]) -> datetime:
    """When it happened, in UTC, so that a fact is equal before and after it is stored."""
    return event.time.astimezone(UTC)
