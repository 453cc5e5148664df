"""What an approver may do about a revision that is in the ERP: export it again, or leave it as the ERP has it."""

from schemas.commitment import ErpDocument, Person
from schemas.events import DecisionDriftAccepted
from schemas.fields import Status
from services.approval.rules.answers import AcceptDrift, AlreadyGranted, Conflict, ExportAgain
from services.approval.rules.commitment import CommitmentFacts, CurrentStatus
from services.approval.rules.conflicts import drift_is_another, not_its_document
from services.approval.rules.documents import distinct, newest
from services.approval.rules.guards import is_at, order_by, standing_document
from services.approval.rules.orders import Checked, Verdict, about, order_again, terms_of


def judge_synced(
    facts: CommitmentFacts,
    current: CurrentStatus,
    answer: ExportAgain | AcceptDrift,
    by: Person,
    checked: Checked,
) -> Verdict:
    """The verdict on an answer about a revision that is in the ERP."""
    if isinstance(answer, AcceptDrift):
        return _accept_drift(facts, current, answer, by)
    return _export_again(facts, current, answer, by, checked)


def _export_again(
    facts: CommitmentFacts, current: CurrentStatus, answer: ExportAgain, by: Person, checked: Checked
) -> Verdict:
    """Order another export of a revision that is in the ERP, to its document or to a new one in its place."""
    if not (is_at(current, answer.revision, Status.SYNCED) and current.reopened == answer.reopened):
        return _already_reopened(facts, current, answer, by)
    drift, document = facts.open_drift, standing_document(facts, answer.document)
    if answer.version is not None and (drift is None or drift.version != answer.version):
        return Conflict(current, drift_is_another(current))
    if document is None:
        return Conflict(current, not_its_document(current, answer.document))
    return order_again(
        facts,
        current,
        by,
        checked,
        terms_of(facts, answer),
        why=answer.note,
        replaces=document if answer.replaces else None,
        updates=_updated(facts, document, is_replaced=answer.replaces),
        reopened=current.reopened + 1,
    )


def _updated(facts: CommitmentFacts, chosen: ErpDocument, *, is_replaced: bool) -> ErpDocument | None:
    """The document to write to, if there are several: the chosen one, or the last of the others in its place."""
    several = distinct(facts.standing)
    if len(several) <= 1:
        return None
    return chosen if not is_replaced else newest([each for each in several if not each.document.is_same_as(chosen)])


def _accept_drift(facts: CommitmentFacts, current: CurrentStatus, answer: AcceptDrift, by: Person) -> Verdict:
    """Leave the document as the ERP has it; what is found later that differs otherwise is told again."""
    drift, accepted = facts.open_drift, facts.accepted_drift
    if accepted and (accepted.version, accepted.by.id) == (answer.version, by.id):
        return AlreadyGranted(current)
    if drift is None or drift.version != answer.version or not is_at(current, answer.revision, Status.SYNCED):
        return Conflict(current, drift_is_another(current))
    return DecisionDriftAccepted(
        **about(facts, current),
        reopened=drift.reopened,
        version=drift.version,
        is_missing=drift.is_missing,
        differences=drift.differences,
        decided_by=by,
        note=answer.note,
    )


def _already_reopened(facts: CommitmentFacts, current: CurrentStatus, answer: ExportAgain, by: Person) -> Verdict:
    """The verdict if it can no longer be exported again: perhaps the same person has ordered it in this way."""
    ordered = order_by(facts, answer.revision, by)
    if ordered is None or ordered.reopened != answer.reopened + 1 or ordered.terms != terms_of(facts, answer):
        return None
    replaced = ordered.replaces.id if ordered.replaces else None
    if replaced != (answer.document if answer.replaces else None):
        return None
    is_another = not answer.replaces and ordered.updates is not None and ordered.updates.id != answer.document
    return None if is_another else AlreadyGranted(current)
