"""Describes the result of an answer to its approver."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from schemas.commitment import ErpDocument
from schemas.fields import Status
from services.approval.judging import Answered
from services.approval.rules.answers import (
    Accept,
    AcceptDrift,
    AlreadyGranted,
    Answer,
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
from services.approval.rules.commitment import CommitmentFacts, current_status, standing_approval
from services.approval.rules.status import STATUS_WORDS
from services.approval.web.desk.wording import who_is_mailed


@dataclass(frozen=True, slots=True)
class Result:
    """One line about an answer; `is_done` says whether it was recorded, now or before, and `done` what was done."""

    commitment_id: str
    number: str
    is_done: bool
    text: str
    done: str = ""


def not_found(commitment_id: str) -> Result:
    """The result of an answer about a commitment that the company does not have."""
    text = f"Your company has no commitment {commitment_id} in ERP Integrations. Your answer was not recorded."
    return Result(commitment_id, commitment_id, is_done=False, text=text)


def unreadable(commitment_id: str) -> Result:
    """The result of an answer about a commitment that cannot be read."""
    text = (
        f"What is stored of {commitment_id} cannot be read. Your answer was not recorded. Tell your administrator, who "
        "has to restore it."
    )
    return Result(commitment_id, commitment_id, is_done=False, text=text)


def result_of(answer: Answer, answered: Answered, erp: str) -> Result:
    """The result of `answer`; `erp` is what people call the ERP."""
    facts, number = answered.facts, _number(answered.facts)
    match answered.result:
        case Granted() | AlreadyGranted():
            text, done = _done(answer, facts, number, erp), _what_was_done(answer, facts)
            return Result(facts.id, number, is_done=True, text=text, done=done)
        case Blocked(_, findings):
            words = " ".join(finding.text for finding in findings)
            return Result(facts.id, number, is_done=False, text=f"{words} Nothing was exported.")
        case Unacceptable(_, problems):
            words = " ".join(f"{each.text}." for each in problems)
            return Result(facts.id, number, is_done=False, text=f"{words} Nothing was exported.")
        case Conflict(_, explanation):
            return Result(facts.id, number, is_done=False, text=explanation)


def in_short(results: Sequence[Result]) -> str:
    """How many answers were recorded, and what they did: "33 of 33 answers recorded: 29 accepted, 4 rejected"."""
    done = Counter(each.done for each in results if each.is_done and each.done)
    told = ", ".join(f"{count} {what}" for what, count in done.items())
    recorded = f"{sum(each.is_done for each in results)} of {len(results)} answers recorded"
    return f"{recorded}: {told}" if told else recorded


def _what_was_done(answer: Answer, facts: CommitmentFacts) -> str:
    match answer:
        case Accept():
            return "approved first" if standing_approval(facts) else "accepted"
        case Reject():
            return "rejected"
        case Retry() | ExportAgain():
            return "sent to the ERP again"
        case AcceptDrift():
            return "left as they are"
        case Settle() | Confirm():
            return "settled"


def _done(answer: Answer, facts: CommitmentFacts, number: str, erp: str) -> str:
    match answer:
        case Accept():
            return _accepted(facts, number, erp)
        case Reject():
            return _given_back(answer, facts, number, erp)
        case Retry() | ExportAgain():
            return _ordered_again(answer, facts, number, erp)
        case AcceptDrift():
            return f"Recorded. {number} stays in {erp} as it is there."
        case Settle() | Confirm():
            return _settled(answer, facts, number, erp)


def _settled(answer: Settle | Confirm, facts: CommitmentFacts, number: str, erp: str) -> str:
    match answer:
        case Settle(document=ErpDocument() as document):
            return f"Recorded. {number} exists in {erp} as {document.name}; this is being confirmed."
        case Settle():
            return f"Recorded. {number} does not exist in {erp} and will be exported again."
        case Confirm(agrees=True) if facts.ruling and facts.ruling.settled_as:
            return f"Recorded. {facts.ruling.settled_as.name} is {number} in {erp}, as {facts.ruling.who} had found."
        case _:
            return f"Recorded. {number} is in doubt again, and can be settled in another way."


def _accepted(facts: CommitmentFacts, number: str, erp: str) -> str:
    if standing_approval(facts):
        return f"Approved. A second approver has to accept {number} before it is exported."
    current = current_status(facts)
    if current and current.status not in (Status.READY, Status.EXPORTING):
        return f"You accepted {number} before. Its status now: {STATUS_WORDS[current.status]}."
    return f"Accepted. {number} is being exported to {erp}; this usually takes a few minutes."


def _given_back(answer: Reject, facts: CommitmentFacts, number: str, erp: str) -> str:
    current = current_status(facts)
    people = f" {who_is_mailed(current.summary)}" if current else ""
    unlinked = next((each.document for each in facts.documents if each.document.id == answer.unlinks), None)
    if unlinked is None:
        return f"Rejected. {number} is editable again.{people}"
    name = unlinked.name
    return f"Unlinked from {name} and given back. {number} is editable again. {name} was not changed in {erp}.{people}"


def _ordered_again(answer: Retry | ExportAgain, facts: CommitmentFacts, number: str, erp: str) -> str:
    match answer:
        case Retry(replaces=str()):
            return f"Recorded. {number} will be created anew in {erp}. No new approval is needed."
        case Retry():
            return f"{number} will be tried again. No new approval is needed."
        case ExportAgain() if facts.approved and facts.approved.updates:
            to = f"{facts.approved.updates.name} in {erp}"
            return f"Recorded. {number} is being exported to {to} again. No new approval is needed."
        case ExportAgain(replaces=True):
            return f"Recorded. {number} becomes a new document in {erp}. No new approval is needed."
        case ExportAgain():
            return f"Recorded. {number} is being exported to {erp} again. No new approval is needed."


def _number(facts: CommitmentFacts) -> str:
    current = current_status(facts)
    return current.summary.number if current else facts.id
