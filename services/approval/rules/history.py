"""What a commitment's history says of an event, in words."""

from schemas.commitment import Person
from schemas.envelope import Event
from schemas.events import (
    CommitmentResent,
    CommitmentRetrieved,
    CommitmentSent,
    DecisionAccepted,
    DecisionRejected,
    DecisionResolved,
    EventData,
    ExportFailed,
    ExportInDoubt,
    ExportSucceeded,
    MailSettled,
)
from schemas.fields import MailKind, Status
from services.approval.rules.commitment import Commitment, view
from services.approval.rules.rows import HistoryEntry
from services.approval.rules.status import document_name

_OCCASIONS = {
    MailKind.REJECTED: "the rejection",
    MailKind.EXPORT_FAILED: "the failed export",
    MailKind.RESENT: "the re-sent revision",
    MailKind.DIGEST: "the daily summary",
}


def entry(commitment: Commitment, event: Event[EventData]) -> HistoryEntry:
    """What the history of `commitment`, as it is after `event`, says of it."""
    return HistoryEntry(
        event_id=event.id,
        company_id=commitment.company_id or "",
        commitment_id=commitment.id,
        at=event.time,
        kind=event.data.topic,
        actor=_actor(event.data),
        revision=getattr(event.data, "revision", None),
        round=getattr(event.data, "round", None),
        text=_text(commitment, event.data),
    )


def _actor(data: EventData) -> Person | None:
    match data:
        case CommitmentSent() | CommitmentResent():
            return data.sent_by
        case CommitmentRetrieved():
            return data.retrieved_by
        case DecisionAccepted() | DecisionRejected() | DecisionResolved():
            return data.decided_by
        case _:
            return None


def _text(commitment: Commitment, data: EventData) -> str:
    match data:
        case CommitmentSent():
            return f"{data.sent_by.name} sent revision {data.revision}.{_quoted(data.note)}"
        case CommitmentResent():
            return f"{data.sent_by.name} re-sent it as revision {data.revision}.{_quoted(data.note)}"
        case CommitmentRetrieved():
            return _retrieved(commitment, data)
        case DecisionAccepted() | DecisionRejected() | DecisionResolved():
            return _decided(data)
        case MailSettled():
            return f"Mail to {data.recipient.name} about {_OCCASIONS[data.kind]}: {data.outcome}."
        case _:
            return _exported(data)


def _decided(data: DecisionAccepted | DecisionRejected | DecisionResolved) -> str:
    who, revision = data.decided_by.name, data.revision
    match data:
        case DecisionAccepted(round=1):
            return f"{who} accepted revision {revision}.{_quoted(data.note)}"
        case DecisionAccepted():
            return f"{who} ordered export {data.round} of revision {revision}.{_quoted(data.note)}"
        case DecisionRejected():
            return f"{who} rejected revision {revision}: {data.reason}"
        case DecisionResolved():
            return f"{who} found revision {revision} in the ERP as {document_name(data.document)}.{_quoted(data.note)}"


def _exported(data: EventData) -> str:
    match data:
        case ExportInDoubt():
            return f"The ERP did not confirm revision {data.revision}. {data.asked}"
        case ExportFailed():
            return f"Revision {data.revision} was not exported. {data.failure.message}"
        case ExportSucceeded():
            return f"Revision {data.revision} is in the ERP as {document_name(data.erp_document)}."
        case _:
            return data.topic


def _retrieved(commitment: Commitment, data: CommitmentRetrieved) -> str:
    seen = view(commitment)
    is_late = seen is not None and seen.status is not Status.RETRIEVED and seen.revision >= data.revision
    late = " It came too late: the revision had been answered." if is_late else ""
    return f"{data.retrieved_by.name} retrieved revision {data.revision}.{late}"


def _quoted(note: str | None) -> str:
    return f" Note: {note}" if note else ""
