"""What became of an answer, in the words that its approver reads."""

from dataclasses import dataclass

from services.approval.decisions import AlreadyGranted, Blocked, Conflict, Granted, Outcome
from services.approval.rules.commitment import Commitment, view
from services.approval.web.desk.wording import told_people


@dataclass(frozen=True, slots=True)
class Result:
    """One line of what happened; `is_done` says whether the answer was recorded, now or before."""

    commitment_id: str
    number: str
    is_done: bool
    text: str


def not_found(commitment_id: str) -> Result:
    """The result of an answer about a commitment that the company does not have."""
    text = f"Your company has no commitment {commitment_id} in ERP Integrations. Your answer was not recorded."
    return Result(commitment_id, commitment_id, is_done=False, text=text)


def accepted(outcome: Outcome, erp: str) -> Result:
    """The result of Accept."""
    number = _number(outcome.commitment)
    return _result(outcome, f"Accepted. {number} is being exported to {erp}; this usually takes a few minutes.")


def rejected(outcome: Outcome) -> Result:
    """The result of Reject."""
    seen = view(outcome.commitment)
    people = f" {told_people(seen.summary)} will get an email." if seen else ""
    return _result(outcome, f"Rejected. {_number(outcome.commitment)} is editable again.{people}")


def retried(outcome: Outcome) -> Result:
    """The result of Retry."""
    return _result(outcome, f"{_number(outcome.commitment)} will be tried again. No new approval is needed.")


def settled(outcome: Outcome, erp: str, document_number: str | None) -> Result:
    """The result of settling a doubt: found under `document_number`, or, where it is None, not found."""
    number = _number(outcome.commitment)
    if document_number is None:
        return _result(outcome, f"Recorded. {number} does not exist in {erp} and will be exported again.")
    return _result(outcome, f"Recorded. {number} exists in {erp} as {document_number}; this is being confirmed.")


def _result(outcome: Outcome, done: str) -> Result:
    commitment = outcome.commitment
    match outcome.answer:
        case Granted() | AlreadyGranted():
            return Result(commitment.id, _number(commitment), is_done=True, text=done)
        case Blocked(_, findings):
            words = " ".join(finding.text for finding in findings)
            return Result(commitment.id, _number(commitment), is_done=False, text=f"{words} Nothing was exported.")
        case Conflict(_, why):
            return Result(commitment.id, _number(commitment), is_done=False, text=why)


def _number(commitment: Commitment) -> str:
    seen = view(commitment)
    return seen.summary.number if seen else commitment.id
