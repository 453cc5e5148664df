"""What must hold for an answer to be granted, and when the same person has given it before."""

from schemas.commitment import ErpDocument, Person
from schemas.events import DOCUMENT_GONE, UNKNOWN_CONNECTION
from schemas.fields import Status
from schemas.snapshot import Snapshot
from services.approval.rules.answers import Reject, Settle
from services.approval.rules.commitment import CommitmentFacts, CurrentStatus
from services.approval.rules.facts import Approved, Stage


def is_at(current: CurrentStatus, revision: int, *statuses: Status) -> bool:
    """Whether the commitment has one of `statuses` at `revision`."""
    return current.revision == revision and current.status in statuses


def is_in_doubt(current: CurrentStatus, answer: Settle) -> bool:
    """Whether the round that the answer names is in doubt and nobody has settled it."""
    is_settled = current.ruling is not None and current.ruling.settled_as is not None
    return is_at(current, answer.revision, Status.IN_DOUBT) and current.round == answer.round and not is_settled


def missing_document(current: CurrentStatus) -> ErpDocument | None:
    """The document that can be created anew: the export failed because the ERP, or its connection, is without it."""
    failure = current.ruling.failure if current.ruling else None
    return failure.document if failure and failure.code in (DOCUMENT_GONE, UNKNOWN_CONNECTION) else None


def is_erp_left(current: CurrentStatus) -> bool:
    """Whether the export failed because the connection of its document is no longer configured."""
    failure = current.ruling.failure if current.ruling else None
    return missing_document(current) is not None and failure is not None and failure.code == UNKNOWN_CONNECTION


def standing_document(facts: CommitmentFacts, document_id: str | None) -> ErpDocument | None:
    """The commitment's document in the ERP that has this id; None if it has none."""
    return next((each.document for each in facts.standing if each.document.id == document_id), None)


def is_content(snapshot: Snapshot | None, content_hash: str) -> bool:
    """Whether `snapshot` is stored and has this hash."""
    return snapshot is not None and snapshot.content_hash == content_hash


def order_by(facts: CommitmentFacts, revision: int, by: Person) -> Approved | None:
    """The order by `by` to export `revision`, unless something was ordered or rejected after it."""
    approved, ruling = facts.approved, facts.ruling
    if approved is None or ruling is None or ruling.stage is Stage.REJECTED:
        return None
    is_theirs = approved.by.id == by.id and approved.revision == ruling.revision == revision
    return approved if is_theirs else None


def is_rejected(current: CurrentStatus, answer: Reject, by: Person) -> bool:
    """Whether `by` has rejected the revision for the same reason."""
    ruling = current.ruling
    if ruling is None or ruling.by is None or not is_at(current, answer.revision, Status.REJECTED):
        return False
    return ruling.by.id == by.id and ruling.reason == answer.reason


def is_found(facts: CommitmentFacts, current: CurrentStatus, revision: int, document: ErpDocument) -> bool:
    """Whether the same document was given as evidence before, or is known to be in the ERP."""
    if is_at(current, revision, Status.SYNCED):
        return any(written.document.is_same_as(document) for written in facts.standing)
    is_doubt = is_at(current, revision, Status.IN_DOUBT)
    return is_doubt and current.ruling is not None and current.ruling.settled_as == document
