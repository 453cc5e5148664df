"""Judges a second approver's word on evidence that the ERP could not confirm."""

from schemas.commitment import Person
from schemas.events import DecisionResolved
from schemas.fields import Status
from services.approval.rules.answers import AlreadyGranted, Confirm, Conflict
from services.approval.rules.commitment import CommitmentFacts, CurrentStatus
from services.approval.rules.conflicts import cannot_confirm_own, nothing_to_confirm
from services.approval.rules.facts import Ruling
from services.approval.rules.guards import is_at
from services.approval.rules.orders import Verdict, about


def judge_confirmation(facts: CommitmentFacts, current: CurrentStatus, answer: Confirm, by: Person) -> Verdict:
    """Confirm or withdraw the evidence that was read; nobody confirms their own, but everybody may withdraw it."""
    ruling = current.ruling
    is_doubt = is_at(current, answer.revision, Status.IN_DOUBT) and current.round == answer.round
    if ruling is None or not is_doubt or ruling.evidence != answer.evidence:
        return None
    if _is_given(ruling, answer, by):
        return AlreadyGranted(current)
    if ruling.settled_as is None or ruling.by is None or ruling.confirmed_by:
        return None
    if facts.open_check is None:
        return Conflict(current, nothing_to_confirm(current, ruling.settled_as))
    if answer.agrees and ruling.by.id == by.id:
        return Conflict(current, cannot_confirm_own(ruling.settled_as))
    return DecisionResolved(
        **about(facts, current),
        round=answer.round,
        evidence=ruling.evidence,
        document=ruling.settled_as,
        decided_by=ruling.by,
        note=answer.note,
        reopened=current.reopened,
        confirmed_by=by if answer.agrees else None,
        withdrawn_by=None if answer.agrees else by,
    )


def _is_given(ruling: Ruling, answer: Confirm, by: Person) -> bool:
    """Whether `by` has said the same before."""
    if answer.agrees:
        return ruling.confirmed_by is not None and ruling.confirmed_by.id == by.id
    return ruling.settled_as is None and ruling.by is not None and ruling.by.id == by.id
