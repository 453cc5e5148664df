"""Describes an event for the history of its commitment."""

from schemas.commitment import ErpDocument, Person
from schemas.decision_chain import Decision, decision_form
from schemas.envelope import Event
from schemas.events import (
    CommitmentResent,
    CommitmentRetrieved,
    CommitmentSent,
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
    MailSettled,
    QuestionAnswered,
    QuestionAsked,
    SubmissionRefused,
)
from schemas.fields import Status
from services.approval.rules.amounts import excess_over_lines
from services.approval.rules.commitment import CommitmentFacts, current_status
from services.approval.rules.controls import own_part
from services.approval.rules.drift_words import drift_words
from services.approval.rules.rows import Chained, HistoryEntry
from services.pipeline.formats import money

OCCASIONS = {
    "rejected": "the rejection",
    "export_failed": "the failed export",
    "resent": "the re-sent revision",
    "question": "a question",
    "answered": "an answer",
    "submission_refused": "what could not be taken",
}


def entry(facts: CommitmentFacts, event: Event[EventData]) -> HistoryEntry:
    """The history entry for `event`; `facts` are those after it. TypeError if the history has no text for it."""
    chained = _chained(event.data)
    return HistoryEntry(
        event_id=event.id,
        company_id=facts.company_id or "",
        commitment_id=facts.id,
        at=event.time,
        kind=event.data.topic,
        actor=_actor(event.data),
        revision=vars(event.data).get("revision"),
        round=vars(event.data).get("round"),
        text=_text(facts, event.data),
        chained=chained,
        place=event.place,
    )


def _chained(data: EventData) -> Chained | None:
    """The place of a decision in the chain, as the decision says it: it is told again as it was, never made anew."""
    if not isinstance(data, Decision) or data.link is None:
        return None
    return Chained(data.link.position, data.link.hash, decision_form(data).decode())


def _actor(data: EventData) -> Person | None:
    match data:
        case CommitmentSent() | CommitmentResent():
            return data.sent_by
        case CommitmentRetrieved():
            return data.retrieved_by
        case DecisionResolved():
            return data.withdrawn_by or data.confirmed_by or data.decided_by
        case DecisionFirstApproved() | DecisionAccepted() | DecisionRejected() | DecisionDriftAccepted():
            return data.decided_by
        case QuestionAsked() | QuestionAnswered():
            return data.answered_by if isinstance(data, QuestionAnswered) else data.asked_by
        case _:
            return None


def _text(facts: CommitmentFacts, data: EventData) -> str:
    match data:
        case CommitmentSent():
            return f"{data.sent_by.name} sent revision {data.revision}.{_quoted(data.note)}"
        case CommitmentResent():
            return f"{data.sent_by.name} re-sent it as revision {data.revision}.{_quoted(data.note)}"
        case CommitmentRetrieved():
            return _retrieved(facts, data)
        case DecisionFirstApproved() | DecisionAccepted() | DecisionRejected() | DecisionResolved():
            return _decided(data)
        case ExportInDoubt() | ExportFailed() | ExportSucceeded() | ExportDrifted() | DecisionDriftAccepted():
            return _exported(data)
        case MailSettled() | SubmissionRefused() | QuestionAsked() | QuestionAnswered():
            return _told(data)
        case _:
            raise TypeError(f"the history has no text for {type(data).__name__}")


def _told(data: MailSettled | SubmissionRefused | QuestionAsked | QuestionAnswered) -> str:
    match data:
        case QuestionAsked():
            return f"{data.asked_by.name} asked {data.summary.sent_by.name}: {data.question}"
        case QuestionAnswered():
            return f"{data.answered_by.name} answered: {data.answer}"
        case MailSettled():
            why = f" ({data.reason.rstrip('.')})" if data.reason else ""
            return f"Mail to {data.recipient.name} about {_mail_topic(data.kind)}: {data.outcome}{why}."
        case SubmissionRefused():
            return f"{_who_sent(data)} could not be taken. {data.message}"


def _who_sent(data: SubmissionRefused) -> str:
    what = f"revision {data.revision}" if data.revision else "a revision"
    return f"What {data.sent_by.name} sent as {what}" if data.sent_by else f"What was sent as {what}"


def _mail_topic(kind: str) -> str:
    """What a mail of `kind` is about; a kind that is not known here reads as its own words."""
    return OCCASIONS.get(kind, kind.replace("_", " "))


def _decided(data: DecisionFirstApproved | DecisionAccepted | DecisionRejected | DecisionResolved) -> str:
    who, revision = data.decided_by.name, data.revision
    match data:
        case DecisionFirstApproved():
            own = _themselves(own_part(data.created_by, data.sent_by, data.decided_by))
            approved = f"approved revision {revision}{own}{_limit(data)}"
            return f"{who} {approved}; a second approver has to accept it.{_quoted(data.note)}"
        case DecisionAccepted():
            return f"{who} {_ordered(data)}.{_quoted(data.why or data.note)}"
        case DecisionRejected(unlinks=ErpDocument() as unlinked):
            return f"{who} unlinked it from {unlinked.name} and rejected revision {revision}: {data.reason}"
        case DecisionRejected():
            return f"{who} rejected revision {revision}: {data.reason}"
        case DecisionResolved():
            return f"{_found(data)}{_quoted(data.note)}"


def _found(decision: DecisionResolved) -> str:
    """Who found the document of a revision in doubt, or what a second approver says of it."""
    who, revision, document = decision.decided_by.name, decision.revision, decision.document.name
    if decision.withdrawn_by:
        return f"{decision.withdrawn_by.name} said that {document} is not the document of revision {revision}."
    if decision.confirmed_by:
        return f"{decision.confirmed_by.name} confirmed that revision {revision} is {document}, as {who} had found."
    return f"{who} named {document} as the ERP's document of revision {revision}."


def _ordered(order: DecisionAccepted) -> str:
    match order:
        case DecisionAccepted(updates=ErpDocument() as document):
            why = f", since {order.replaces.name} is not its document" if order.replaces else ""
            return f"ordered to export revision {order.revision} again to {document.name}{why}"
        case DecisionAccepted(replaces=ErpDocument() as former):
            return f"ordered {_anew(order, former)}"
        case DecisionAccepted(round=1):
            return (
                f"accepted revision {order.revision}{_own_part(order)}{_rounding(order)}{_second(order)}{_limit(order)}"
            )
        case DecisionAccepted(reopened=0):
            return f"ordered export {order.round} of revision {order.revision}"
        case DecisionAccepted():
            return f"ordered to export revision {order.revision} again"


def _anew(order: DecisionAccepted, former: ErpDocument) -> str:
    if order.moves:
        return f"a new document, since {former.name} is in {former.connection}, which is not configured"
    if order.reopened:
        return f"a new document in place of {former.name}"
    return f"to create it anew, since {former.name} is gone"


def _own_part(data: DecisionAccepted) -> str:
    """What its approver did to the commitment before, which another one should have accepted."""
    return _themselves(own_part(data.commitment.commitment.creator, data.sent_by, data.decided_by))


def _themselves(part: str) -> str:
    return f", which they {part} themselves" if part else ""


def _second(data: DecisionAccepted) -> str:
    return f" as the second approver, after {data.first_approved_by.name}" if data.first_approved_by else ""


def _limit(data: DecisionFirstApproved | DecisionAccepted) -> str:
    """Whose limit was used."""
    used = data.limit_of
    return f", for {used.owner.name} until {used.until:%b} {used.until.day}" if used else ""


def _rounding(data: DecisionAccepted) -> str:
    """The difference between total and lines that was accepted with it."""
    commitment = data.commitment.commitment
    excess = excess_over_lines(commitment)
    return f" with a rounding difference of {money(excess, commitment.currency)}" if excess else ""


def _exported(
    data: ExportInDoubt | ExportFailed | ExportSucceeded | ExportDrifted | DecisionDriftAccepted,
) -> str:
    match data:
        case ExportDrifted():
            return f"{data.document.name} was compared with the ERP: {_what_differs(data)}."
        case DecisionDriftAccepted():
            return f"{data.decided_by.name} left it as the ERP has it: {_what_differs(data)}.{_quoted(data.note)}"
        case ExportInDoubt():
            return f"The ERP did not confirm revision {data.revision}. {data.asked}"
        case ExportFailed():
            return f"Revision {data.revision} was not exported. {data.failure.message}"
        case ExportSucceeded():
            shown = f" {data.shown}" if data.shown else ""
            return f"Revision {data.revision} is in the ERP as {data.erp_document.name}.{shown}"


def _what_differs(compared: ExportDrifted | DecisionDriftAccepted) -> str:
    return drift_words(is_missing=compared.is_missing, differences=compared.differences)


def _retrieved(facts: CommitmentFacts, data: CommitmentRetrieved) -> str:
    current = current_status(facts)
    is_late = current is not None and current.status is not Status.RETRIEVED and current.revision >= data.revision
    late = " It came too late: the revision had been answered." if is_late else ""
    return f"{data.retrieved_by.name} retrieved revision {data.revision}.{late}"


def _quoted(note: str | None) -> str:
    return f" Note: {note}" if note else ""
