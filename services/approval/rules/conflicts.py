"""Explains to an approver why an answer came too late."""

from datetime import datetime, tzinfo

from schemas.commitment import ErpDocument
from schemas.fields import Status
from schemas.times import in_zone
from services.approval.rules.commitment import CommitmentFacts, CurrentStatus, current_status
from services.approval.rules.facts import Ruling, Stage

_NOT_RECORDED = "Your answer was not recorded."


def explanation(facts: CommitmentFacts, revision: int, now: datetime, zone: tzinfo) -> str:
    """Why the commitment cannot be answered as the approver saw it at `revision`; times are in `zone`."""
    current = current_status(facts)
    if current is None:
        return f"Commitment {facts.id} has not been sent. {_NOT_RECORDED}"
    number = current.summary.number
    if current.waiting_revision == revision:
        return f"Revision {revision} of {number} waits for the outcome of revision {current.revision}. {_NOT_RECORDED}"
    if current.revision != revision:
        return f"{number} is now revision {current.revision}; you read revision {revision}. Nothing was exported."
    return _same_revision(facts, current, _Clock(now, zone))


def not_missing(current: CurrentStatus, document_id: str) -> str:
    """Why the commitment cannot be created anew in place of the document with this id."""
    number = current.summary.number
    return f"{number} cannot be created anew: its export did not fail for want of {document_id}. {_NOT_RECORDED}"


def is_configured_again(current: CurrentStatus, connection: str) -> str:
    """Why the commitment need not leave the ERP of its document, which is `connection`."""
    number = current.summary.number
    return f"{connection} is configured again: retry {number}, and its document there is updated. {_NOT_RECORDED}"


def not_its_document(current: CurrentStatus, document_id: str) -> str:
    """Why an answer about the document with this id cannot be carried out."""
    return f"{document_id} is not the document of {current.summary.number} in the ERP, or no longer. {_NOT_RECORDED}"


def drift_is_another(current: CurrentStatus) -> str:
    """Why an answer to how the ERP's document differs is not recorded."""
    return f"{current.summary.number} no longer differs in the ERP as you read it. {_NOT_RECORDED}"


def nothing_to_confirm(current: CurrentStatus, document: ErpDocument) -> str:
    """Why evidence that the ERP is being asked about cannot be confirmed yet."""
    return f"The ERP is being asked for {document.name}, the document of {current.summary.number}. {_NOT_RECORDED}"


def cannot_confirm_own(document: ErpDocument) -> str:
    """Why an approver cannot confirm the evidence."""
    return f"You named {document.name} yourself, so another accounting approver has to confirm it. {_NOT_RECORDED}"


def enough_was_asked(current: CurrentStatus, count: int) -> str:
    """Why no further question about the revision is sent."""
    number = current.summary.number
    return f"{count} questions about revision {current.revision} of {number} were sent already. Call, or reject it."


def asked_before(current: CurrentStatus) -> str:
    """Why a question is not sent: its author has asked it, and has the answer."""
    return f"You asked this about {current.summary.number} before, and it was answered. No question was sent."


def held_by(current: CurrentStatus, name: str, at: datetime, now: datetime, zone: tzinfo) -> str:
    """Why an answer comes too late: somebody has accepted it, and can still undo that."""
    return f"{name} accepted {current.summary.number} {_Clock(now, zone).at(at)}. {_NOT_RECORDED}"


class _Clock:
    """Formats times in `zone` for a reader at `now`."""

    def __init__(self, now: datetime, zone: tzinfo) -> None:
        self._zone = zone
        self._today = now.astimezone(zone).date()

    def at(self, instant: datetime) -> str:
        """`at 09:15`, with the date unless it is today."""
        local = in_zone(instant, self._zone)
        day = "" if local.date() == self._today else f" on {local:%Y-%m-%d}"
        return f"at {local:%H:%M}{day}"


def _same_revision(facts: CommitmentFacts, current: CurrentStatus, clock: _Clock) -> str:
    number = current.summary.number
    if current.ruling:
        return f"{_ruled(facts, current.ruling, number, clock)} {_NOT_RECORDED}"
    if facts.retrieved and current.status is Status.RETRIEVED:
        when = clock.at(facts.retrieved.at)
        return f"{facts.retrieved.by.name} retrieved {number} {when}. It no longer waits. {_NOT_RECORDED}"
    if current.status is Status.DISPUTED:
        return f"Revision {current.revision} of {number} arrived twice with different content. {_NOT_RECORDED}"
    return f"The content of {number} is not the one that you read. {_NOT_RECORDED}"


def _ruled(facts: CommitmentFacts, ruling: Ruling, number: str, clock: _Clock) -> str:
    approved = facts.approved
    if ruling.stage is Stage.REJECTED:
        return f"{ruling.who} rejected {number} {clock.at(ruling.at)}."
    if ruling.settled_as and ruling.confirmed_by:
        return f"{ruling.confirmed_by.name} confirmed {number} as {ruling.settled_as.name} {clock.at(ruling.at)}."
    if ruling.settled_as:
        return f"{ruling.who} found {number} in the ERP {clock.at(ruling.at)}."
    if approved is None or approved.revision != ruling.revision:
        return f"{number} has been accepted."
    did = f"accepted {number}" if approved.round == 1 else f"ordered another export of {number}"
    return f"{approved.by.name} {did} {clock.at(approved.at)}."
