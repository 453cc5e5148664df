"""The status event for upstream: ribbon, whether the commitment can be edited, locked fields, and a message."""

from datetime import datetime

from schemas.commitment import Summary
from schemas.envelope import Event, new_event
from schemas.events import CommitmentStatus, EventData
from schemas.fields import Owner, Ribbon, Status
from schemas.limits import MAX_TEXT_CHARACTERS
from services.approval.rules.commitment import CommitmentFacts, CurrentStatus, current_status
from services.approval.rules.documents import distinct
from services.approval.rules.drift_words import drift_words
from services.approval.rules.erp import UNNAMED_ERP, connection_name
from services.approval.rules.facts import Ruling, Stage

SOURCE = "countersign/approval"

RIBBONS = {
    Status.READY: Ribbon.BLUE,
    Status.EXPORTING: Ribbon.BLUE,
    Status.IN_DOUBT: Ribbon.BLUE,
    Status.FAILED: Ribbon.BLUE,
    Status.DISPUTED: Ribbon.BLUE,
    Status.REJECTED: Ribbon.YELLOW,
    Status.RETRIEVED: Ribbon.YELLOW,
    Status.SYNCED: Ribbon.GREEN,
}
STATUS_WORDS = {
    Status.READY: "Ready to Export",
    Status.EXPORTING: "Exporting",
    Status.IN_DOUBT: "In doubt",
    Status.FAILED: "Failed to Export",
    Status.REJECTED: "Rejected",
    Status.RETRIEVED: "Retrieved",
    Status.SYNCED: "Synced",
    Status.DISPUTED: "Blocked",
}
"""The words beside the ribbon's colour."""

EDITABLE = frozenset({Status.REJECTED, Status.RETRIEVED, Status.SYNCED})
LOCKED_FIELDS = ("number", "vendor", "title", "status")
"""The fields that the ERP's document depends on; locked as long as there is one."""

_OWNERS = {
    Owner.SYSTEM: "Countersign",
    Owner.APPROVER: "an accounting approver",
    Owner.PROJECT_MANAGER: "the project manager",
    Owner.ERP_ADMIN: "the ERP administrator",
}
_UNRULED_SENTENCES = {
    Status.READY: "{number} was sent to ERP Integrations and is waiting for an accounting approver.",
    Status.DISPUTED: "Two different contents of {number} came as revision {revision}, so it cannot be accepted. "
    "Retrieve or reject it, then send it again.",
}
"""For each status without a ruling; a new status needs one."""


def status_event(
    facts: CommitmentFacts, now: datetime, traceparent: str | None
) -> tuple[CommitmentFacts, tuple[Event[EventData], ...]]:
    """`facts` with the next status version, and the event that publishes it; unchanged and none without a status."""
    current = current_status(facts)
    if current is None:
        return facts, ()
    version = max(facts.status_version + 1, int(now.timestamp() * 1000))
    versioned = facts.updated(status_version=version)
    status = commitment_status(versioned, current)
    return versioned, (new_event(status, source=SOURCE, time=now, traceparent=traceparent),)


def commitment_status(facts: CommitmentFacts, current: CurrentStatus) -> CommitmentStatus:
    """The data of the status event."""
    return CommitmentStatus.trusted(
        company_id=facts.company_id or "",
        project_id=current.submitted.project_id,
        commitment_id=facts.id,
        revision=current.revision,
        version=facts.status_version,
        status=current.status,
        ribbon=RIBBONS[current.status],
        editable=current.status in EDITABLE,
        locked_fields=locked_fields(facts),
        message=_told_upstream(facts, current),
        erp_document=facts.document,
        since=current.since,
        summary=summary(facts, current),
    )


def summary(facts: CommitmentFacts, current: CurrentStatus) -> Summary:
    """What was submitted as the current revision, with the ERP connection if it is known."""
    connection = connection_name(facts)
    return current.summary.model_copy(update={"connection": connection}) if connection else current.summary


def locked_fields(facts: CommitmentFacts) -> tuple[str, ...]:
    """The fields of the snapshot that may not be edited upstream, in any status."""
    return LOCKED_FIELDS if facts.standing else ()


def message(facts: CommitmentFacts, current: CurrentStatus, erp: str | None = None) -> str:
    """One or two sentences on what the status means; `erp` is what people call the ERP, else its connection's name."""
    erp = erp or connection_name(facts) or UNNAMED_ERP
    return _sentence(facts, current, erp)[:MAX_TEXT_CHARACTERS]


def _told_upstream(facts: CommitmentFacts, current: CurrentStatus) -> str:
    """The message as the project's people read it: what only the ERP administrator can do stays on the desk."""
    failure = current.ruling.failure if current.ruling else None
    if failure is None or failure.owner is not Owner.ERP_ADMIN:
        return message(facts, current)
    told = " The ERP administrator has to act; the approval desk says what to do."
    return failure.message[: MAX_TEXT_CHARACTERS - len(told)] + told


def _sentence(facts: CommitmentFacts, current: CurrentStatus, erp: str) -> str:
    number = current.summary.number
    if current.ruling:
        return _ruled(facts, current, current.ruling, erp)
    if facts.retrieved and current.status is Status.RETRIEVED:
        return f"{facts.retrieved.by.name} retrieved {number}. It can be edited and re-sent."
    open_questions = [each for each in facts.asked if each.question.revision == current.revision and not each.reply]
    if open_questions and current.status is Status.READY:
        asker = open_questions[0].question.by.name
        return f"{asker} asked {current.summary.sent_by.name} about {number}, which waits for an accounting approver."
    return _UNRULED_SENTENCES[current.status].format(number=number, revision=current.revision)


def _ruled(facts: CommitmentFacts, current: CurrentStatus, ruling: Ruling, erp: str) -> str:
    number = current.summary.number
    if ruling.failure:
        failure = ruling.failure
        return f"{failure.message} Next step, for {_OWNERS[failure.owner]}: {failure.next_step}"
    match ruling.stage:
        case Stage.REJECTED:
            return f"{ruling.who} rejected {number}: {ruling.reason}"
        case Stage.IN_DOUBT:
            return _in_doubt(facts, ruling, number, erp)
        case Stage.ACCEPTED:
            waiting = f" Revision {current.waiting_revision} waits until then." if current.waiting_revision else ""
            return f"{ruling.who} accepted {number}. It is being exported to {erp}.{waiting}"
        case _:
            return _synced(facts, number, erp)


def _in_doubt(facts: CommitmentFacts, ruling: Ruling, number: str, erp: str) -> str:
    if ruling.settled_as:
        return f"{ruling.who} found {number} in {erp} as {ruling.settled_as.name}. {_confirming(facts, ruling, erp)}"
    asking = (
        "We are asking whether it exists."
        if ruling.doubt and ruling.doubt.next_probe
        else "An accounting approver has to say whether it exists."
    )
    subject = "The ERP" if erp == UNNAMED_ERP else erp
    if ruling.doubt and ruling.evidence:
        return f"{ruling.doubt.asked} {asking} Do not create it by hand."
    return f"{subject} did not confirm {number}. {asking} Do not create it by hand."


def _confirming(facts: CommitmentFacts, ruling: Ruling, erp: str) -> str:
    """Who has to say yet whether the evidence holds."""
    check = facts.open_check
    if ruling.confirmed_by:
        return f"{ruling.confirmed_by.name} confirmed it. It is being recorded."
    if check is None:
        return "This is being confirmed."
    if check.is_asked_again:
        waits = f"{erp} has not said yet whether that is so, and is asked again. {check.asked}"
        return f"This is being confirmed. {waits}"
    return f"{check.asked} It counts once another accounting approver has confirmed it."


def _synced(facts: CommitmentFacts, number: str, erp: str) -> str:
    names = sorted({written.document.name for written in distinct(facts.standing)})
    if len(facts.erp_ids) > 1:
        return f"{number} stands in {erp} more than once: {', '.join(names)}. All but one must be removed there."
    synced = f"{number} is synced with {erp} as {names[-1]}."
    drift = facts.open_drift
    if drift is None:
        return synced
    what = drift_words(is_missing=drift.is_missing, differences=drift.differences)
    return f"{synced} It no longer agrees with {erp}: {what}. An accounting approver decides what is right."
