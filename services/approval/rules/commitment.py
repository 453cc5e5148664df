"""A commitment as approval knows it: facts that only join, and where it stands, which follows from them alone."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from schemas.commitment import ErpDocument, Summary, summarise
from schemas.envelope import Event
from schemas.events import (
    CommitmentRetrieved,
    DecisionAccepted,
    DecisionRejected,
    DecisionResolved,
    EventData,
    ExportFailed,
    ExportInDoubt,
    ExportSucceeded,
    Submission,
)
from schemas.fields import Status
from services.approval.rules.facts import (
    Approved,
    Doubt,
    Retrieved,
    Ruling,
    Stage,
    Submitted,
    Written,
    canonical,
    later,
)


@dataclass(frozen=True, slots=True)
class Commitment:
    """All that approval remembers of a commitment, except `status_version` a join of the facts that arrived.

    A commitment that nothing is known of is `Commitment(id)`. `submissions` rise by revision; those below the ruling
    are forgotten, except for the latest.
    """

    id: str
    company_id: str | None = None
    submissions: tuple[Submitted, ...] = ()
    retrieved: Retrieved | None = None
    ruling: Ruling | None = None
    approved: Approved | None = None
    documents: frozenset[Written] = frozenset()
    status_version: int = 0

    @property
    def submitted_revision(self) -> int:
        """The highest revision that was sent; 0 when none was."""
        return self.submissions[-1].revision if self.submissions else 0

    @property
    def retrieved_revision(self) -> int:
        """The highest revision that was taken back; 0 when none was."""
        return self.retrieved.revision if self.retrieved else 0

    @property
    def ruled_revision(self) -> int:
        """The revision that the ruling speaks of; 0 without one."""
        return self.ruling.revision if self.ruling else 0

    @property
    def current(self) -> int:
        """The highest revision that anything is known of."""
        return max(self.submitted_revision, self.retrieved_revision, self.ruled_revision)

    @property
    def hashes(self) -> frozenset[str]:
        """The contents that came as the highest submitted revision: more than one are a dispute."""
        return frozenset(sent.content_hash for sent in self.submissions if sent.revision == self.submitted_revision)

    @property
    def document(self) -> ErpDocument | None:
        """The commitment's document in the ERP, as last written."""
        if not self.documents:
            return None
        return max(self.documents, key=lambda written: (written.revision, canonical(written))).document

    @property
    def erp_ids(self) -> frozenset[tuple[str, str]]:
        """(connection, ERP id) of all its documents; more than one need a person to remove the others."""
        return frozenset((written.document.connection, written.document.id) for written in self.documents)


@dataclass(frozen=True, slots=True)
class View:
    """Where a commitment stands: a status, the revision that it speaks of, and the ruling that it follows from."""

    status: Status
    revision: int
    since: datetime
    submitted: Submitted
    ruling: Ruling | None = None
    waiting_revision: int | None = None

    @property
    def summary(self) -> Summary:
        """What was submitted as the revision, in short."""
        return self.submitted.summary

    @property
    def round(self) -> int:
        """The export round that the status speaks of; 0 where there is none."""
        return self.ruling.round if self.ruling else 0


_STATUSES = {
    Stage.SUCCEEDED: Status.SYNCED,
    Stage.ACCEPTED: Status.EXPORTING,
    Stage.IN_DOUBT: Status.IN_DOUBT,
    Stage.FAILED: Status.FAILED,
    Stage.REJECTED: Status.REJECTED,
}


def view(commitment: Commitment) -> View | None:
    """Where `commitment` stands; None as long as nothing was submitted, which is not shown to anybody."""
    if not commitment.submissions:
        return None
    ruling, retrieved, current = commitment.ruling, commitment.retrieved, commitment.current
    if ruling and (ruling.is_open or ruling.revision == current):
        sent = _sent_as(commitment, ruling.revision)
        return View(_STATUSES[ruling.stage], ruling.revision, ruling.since, sent, ruling, _waiting_revision(commitment))
    sent = _sent_as(commitment, current)
    if retrieved and retrieved.revision == current:
        return View(Status.RETRIEVED, current, retrieved.at, sent)
    is_disputed = len(commitment.hashes) > 1
    return View(Status.DISPUTED if is_disputed else Status.READY, current, sent.sent_at, sent)


def _sent_as(commitment: Commitment, revision: int) -> Submitted:
    """What was sent as `revision`; the latest that is known where that has not arrived."""
    return next((sent for sent in commitment.submissions if sent.revision == revision), commitment.submissions[-1])


def _waiting_revision(commitment: Commitment) -> int | None:
    """The revision that is to be answered when the one ruled on has an outcome."""
    submitted = commitment.submitted_revision
    is_waiting = submitted > max(commitment.ruled_revision, commitment.retrieved_revision)
    return submitted if is_waiting else None


def submitted(commitment: Commitment, event: Event[Submission]) -> Commitment:
    """The commitment with this submission remembered, unless a later ruling has made it history."""
    snapshot = event.data.commitment
    summary = summarise(snapshot.commitment, event.data.sent_by)
    sent = Submitted(event.data.revision, snapshot.content_hash, event.data.project_id, _at(event), summary)
    known = {other.order: other for other in commitment.submissions}
    known[sent.order] = later(known.get(sent.order), sent)
    return _forgetful(replace(commitment, submissions=tuple(known[order] for order in sorted(known))))


def retrieved(commitment: Commitment, event: Event[CommitmentRetrieved]) -> Commitment:
    """The commitment with this retrieve remembered, also when its submission has not arrived yet."""
    taken_back = Retrieved(event.data.revision, event.data.retrieved_by, _at(event))
    return replace(commitment, retrieved=later(commitment.retrieved, taken_back))


def accepted(commitment: Commitment, event: Event[DecisionAccepted]) -> Commitment:
    """The commitment with this order to export it."""
    decision = event.data
    approved = Approved(
        revision=decision.revision,
        round=decision.round,
        content_hash=decision.content_hash,
        by=decision.decided_by,
        sent_by=decision.sent_by,
        at=_at(event),
        erp_code=decision.erp_code,
        accounting_date=decision.accounting_date,
        note=decision.note,
    )
    ruling = Ruling(decision.revision, decision.round, Stage.ACCEPTED, _at(event), decision.decided_by)
    return _ruled(replace(commitment, approved=later(commitment.approved, approved)), ruling)


def rejected(commitment: Commitment, event: Event[DecisionRejected]) -> Commitment:
    """The commitment with this rejection of a revision that was never exported, or whose round had failed."""
    decision = event.data
    ruling = Ruling(
        decision.revision, decision.round, Stage.REJECTED, _at(event), decision.decided_by, reason=decision.reason
    )
    return _ruled(commitment, ruling)


def resolved(commitment: Commitment, event: Event[DecisionResolved]) -> Commitment:
    """The commitment with an approver's word that the doubtful export is in the ERP; the ERP's answer still decides."""
    decision = event.data
    ruling = Ruling(
        decision.revision,
        decision.round,
        Stage.IN_DOUBT,
        _at(event),
        decision.decided_by,
        settled_as=decision.document,
        connection=decision.document.connection,
    )
    return _ruled(commitment, ruling)


def in_doubt(commitment: Commitment, event: Event[ExportInDoubt]) -> Commitment:
    """The commitment with an export whose answer was lost."""
    export = event.data
    doubt = Doubt(export.since, export.asked, export.probes, export.next_probe)
    ruling = Ruling(
        export.revision, export.round, Stage.IN_DOUBT, _at(event), doubt=doubt, connection=export.connection
    )
    return _ruled(commitment, ruling)


def failed(commitment: Commitment, event: Event[ExportFailed]) -> Commitment:
    """The commitment with a round that ended without a document being written."""
    export = event.data
    ruling = Ruling(
        export.revision,
        export.round,
        Stage.FAILED,
        _at(event),
        export.decided_by,
        failure=export.failure,
        attempts=export.attempts,
        connection=export.summary.connection,
    )
    return _ruled(commitment, ruling)


def succeeded(commitment: Commitment, event: Event[ExportSucceeded]) -> Commitment:
    """The commitment with this document in the ERP, whichever round wrote it."""
    export = event.data
    ruling = Ruling(export.revision, 0, Stage.SUCCEEDED, _at(event), connection=export.erp_document.connection)
    documents = commitment.documents | {Written(export.revision, export.erp_document)}
    return _ruled(replace(commitment, documents=documents), ruling)


def _ruled(commitment: Commitment, ruling: Ruling) -> Commitment:
    return _forgetful(replace(commitment, ruling=later(commitment.ruling, ruling)))


def _forgetful(commitment: Commitment) -> Commitment:
    """`commitment` without submissions that can never be shown again: both bounds only rise, so the order is free."""
    oldest = min(commitment.ruled_revision, commitment.submitted_revision)
    kept = tuple(sent for sent in commitment.submissions if sent.revision >= oldest)
    return commitment if kept == commitment.submissions else replace(commitment, submissions=kept)


def _at(event: Event[EventData]) -> datetime:
    """When it happened, in UTC, so that a fact reads the same before and after it was stored."""
    return event.time.astimezone(UTC)
