"""A commitment: the facts that arrived about it, and the status that follows from them alone."""

from datetime import datetime
from typing import Any

from schemas.commitment import ErpDocument, Summary
from schemas.fields import Status
from schemas.values import value
from services.approval.rules.documents import distinct, newest, standing
from services.approval.rules.facts import (
    AcceptedDrift,
    Approved,
    Drift,
    EvidenceCheck,
    ReplacedDocument,
    Retrieved,
    Ruling,
    Stage,
    Submitted,
    WrittenDocument,
    canonical,
)
from services.approval.rules.first_approval import FirstApproval
from services.approval.rules.questions import AskedQuestion, Said, with_replies
from services.approval.rules.refusal import Refusal


@value(slots=False)
class CommitmentFacts:
    """All facts about one commitment; each field except `status_version` is a join of the events that arrived.

    `CommitmentFacts(id)` is a commitment without any event. `submissions` are in order of revision; those below the
    ruling are dropped, except for the latest. `documents` are all that were ever written; `standing` is what is left.
    """

    id: str
    company_id: str | None = None
    submissions: tuple[Submitted, ...] = ()
    retrieved: Retrieved | None = None
    ruling: Ruling | None = None
    approved: Approved | None = None
    documents: frozenset[WrittenDocument] = frozenset()
    replaced: frozenset[ReplacedDocument] = frozenset()
    drift: Drift | None = None
    accepted_drift: AcceptedDrift | None = None
    evidence_check: EvidenceCheck | None = None
    refusal: Refusal | None = None
    first_approvals: frozenset[FirstApproval] = frozenset()
    questions: tuple[Said, ...] = ()
    replies: tuple[Said, ...] = ()
    status_version: int = 0

    def updated(self, **changes: Any) -> "CommitmentFacts":
        """These facts with `changes`. It runs several times for every event, and `dataclasses.replace` is slow."""
        other = object.__new__(CommitmentFacts)
        other.__dict__.update(self.__dict__, **changes)
        return other

    @property
    def asked(self) -> tuple[AskedQuestion, ...]:
        """The questions about the last revision that anything was asked about, with their replies."""
        return with_replies(self.questions, self.replies) if self.questions else ()

    @property
    def submitted_revision(self) -> int:
        """The highest revision that was sent; 0 without one."""
        return self.submissions[-1].revision if self.submissions else 0

    @property
    def retrieved_revision(self) -> int:
        """The highest revision that was retrieved; 0 without one."""
        return self.retrieved.revision if self.retrieved else 0

    @property
    def ruled_revision(self) -> int:
        """The revision of the ruling; 0 without one."""
        return self.ruling.revision if self.ruling else 0

    @property
    def current_revision(self) -> int:
        """The highest revision that any fact is about."""
        return max(self.submitted_revision, self.retrieved_revision, self.ruled_revision)

    @property
    def hashes(self) -> frozenset[str]:
        """The content hashes of the highest submitted revision; more than one is a dispute."""
        return frozenset(sent.content_hash for sent in self.submissions if sent.revision == self.submitted_revision)

    @property
    def standing(self) -> frozenset[WrittenDocument]:
        """Its documents in the ERP, as far as we know."""
        return standing(self.documents, self.replaced)

    @property
    def open_drift(self) -> Drift | None:
        """How the ERP's document differs from what was exported, unless an approver has accepted that."""
        return None if self.left_drift else self._current_drift

    @property
    def left_drift(self) -> AcceptedDrift | None:
        """Who has left the ERP's document as it is, and how it differs; None unless it differs so still."""
        drift, accepted = self._current_drift, self.accepted_drift
        return accepted if drift and accepted and accepted.covers(drift) else None

    @property
    def _current_drift(self) -> Drift | None:
        """How the ERP's document differs from the current revision, which is in the ERP; None if it does not."""
        drift, ruling = self.drift, self.ruling
        if drift is None or ruling is None or not drift.is_any:
            return None
        is_synced = ruling.stage is Stage.SUCCEEDED and ruling.revision == self.current_revision
        return drift if is_synced and (drift.revision, drift.reopened) == (ruling.revision, ruling.reopened) else None

    @property
    def open_check(self) -> EvidenceCheck | None:
        """Why the evidence that settles the doubt is not confirmed yet; None if it is, or is being asked about."""
        check, ruling = self.evidence_check, self.ruling
        if check is None or ruling is None or ruling.settled_as is None or ruling.confirmed_by is not None:
            return None
        return check if check.is_about(ruling) else None

    @property
    def last_document(self) -> ErpDocument | None:
        """The document that was last written, even if the ERP no longer has it; not in an ERP that was left."""
        if not self.replaced:
            return self.document
        return newest(distinct(standing(self.documents, frozenset(each for each in self.replaced if each.is_left))))

    @property
    def left_documents(self) -> tuple[ErpDocument, ...]:
        """Its former documents that stay in ERPs that were left, by the revision that left them.

        One that was found again under another name of its ERP is not left.
        """
        left = [each for each in sorted(self.replaced, key=_left_at) if each.is_left]
        gone = (each.document for each in left if not any(each.is_found_as(written) for written in self.standing))
        return tuple(dict.fromkeys(gone))

    @property
    def unlinked_documents(self) -> tuple[ErpDocument, ...]:
        """The documents that the next export may find again, the last one first; none once it has another one."""
        if self.standing:
            return ()
        gone = distinct(frozenset(each for each in self.documents if not self._was_found_missing(each)))
        ordered = sorted(gone, key=lambda each: (each.revision, each.reopened, canonical(each)), reverse=True)
        return tuple(each.document for each in ordered)

    def _was_found_missing(self, written: WrittenDocument) -> bool:
        drift = self.drift
        return bool(
            drift and drift.is_missing and (drift.revision, drift.reopened) == (written.revision, written.reopened)
        )

    @property
    def document(self) -> ErpDocument | None:
        """The commitment's document in the ERP, as last written."""
        return newest(distinct(self.standing))

    @property
    def erp_ids(self) -> frozenset[tuple[str, str]]:
        """(connection, ERP id) of each of its documents; with more than one, a person has to remove the others."""
        return frozenset((written.document.connection, written.document.id) for written in distinct(self.standing))


@value
class CurrentStatus:
    """The status of a commitment, the revision that it refers to, and the ruling that it follows from."""

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
        """The export round that the status refers to; 0 without one."""
        return self.ruling.round if self.ruling else 0

    @property
    def reopened(self) -> int:
        """How often the revision was reopened after it had been in the ERP."""
        return self.ruling.reopened if self.ruling else 0


_STATUSES = {
    Stage.SUCCEEDED: Status.SYNCED,
    Stage.ACCEPTED: Status.EXPORTING,
    Stage.IN_DOUBT: Status.IN_DOUBT,
    Stage.FAILED: Status.FAILED,
    Stage.REJECTED: Status.REJECTED,
}


_HOLDING = (Status.SYNCED, Status.EXPORTING, Status.IN_DOUBT)


def current_status(facts: CommitmentFacts) -> CurrentStatus | None:
    """The status that follows from `facts`; None until something is submitted, and until then nobody sees it."""
    if not facts.submissions:
        return None
    ruling, retrieved, revision = facts.ruling, facts.retrieved, facts.current_revision
    if ruling and (ruling.is_open or ruling.revision == revision):
        sent = _sent_as(facts, ruling.revision)
        status, waiting = _STATUSES[ruling.stage], _waiting_revision(facts)
        return CurrentStatus(status, ruling.revision, ruling.since, sent, ruling, waiting)
    sent = _sent_as(facts, revision)
    if retrieved and retrieved.revision == revision:
        return CurrentStatus(Status.RETRIEVED, revision, retrieved.at, sent)
    is_disputed = len(facts.submissions) > 1 and len(facts.hashes) > 1
    return CurrentStatus(Status.DISPUTED if is_disputed else Status.READY, revision, sent.sent_at, sent)


def holds_number(facts: CommitmentFacts, current: CurrentStatus) -> bool:
    """Whether its number stands in the ERP, or is about to: no other one can have it there."""
    return bool(facts.standing) or current.status in _HOLDING


def first_approval(facts: CommitmentFacts, revision: int, content_hash: str) -> FirstApproval | None:
    """Who was the first of two approvers of this content; None if nobody has approved it so.

    Of several it is the last one: somebody else approves it first only if what was approved before does not count.
    """
    same = [each for each in facts.first_approvals if (each.revision, each.content_hash) == (revision, content_hash)]
    return max(same, key=lambda each: (each.at, canonical(each))) if same else None


def standing_approval(facts: CommitmentFacts) -> FirstApproval | None:
    """The approval of the first of two approvers, while the second one can accept the same content."""
    current = current_status(facts) if facts.first_approvals else None
    if current is None or current.status is not Status.READY or current.revision != facts.submitted_revision:
        return None
    return first_approval(facts, current.revision, next(iter(facts.hashes)))


def without_approvals(facts: CommitmentFacts, void: frozenset[FirstApproval]) -> CommitmentFacts:
    """`facts` without the approvals that do not count."""
    return facts.updated(first_approvals=facts.first_approvals - void) if void else facts


def _left_at(replaced: ReplacedDocument) -> tuple[int, int, bytes]:
    return replaced.revision, replaced.reopened, canonical(replaced)


def _sent_as(facts: CommitmentFacts, revision: int) -> Submitted:
    """What was sent as `revision`; the latest submission if that one has not arrived."""
    for sent in facts.submissions:
        if sent.revision == revision:
            return sent
    return facts.submissions[-1]


def _waiting_revision(facts: CommitmentFacts) -> int | None:
    """The revision that can be answered once the ruled one has an outcome."""
    submitted = facts.submitted_revision
    is_waiting = submitted > max(facts.ruled_revision, facts.retrieved_revision)
    return submitted if is_waiting else None
