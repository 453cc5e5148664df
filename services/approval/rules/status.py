"""The status event for upstream: ribbon, whether the commitment can be edited, locked fields, and a message."""

from datetime import datetime

from schemas.commitment import Summary
from schemas.envelope import Event, new_event
from schemas.events import CommitmentStatus, EventData
from schemas.fields import FailureClass, Owner, Ribbon, Status
from schemas.limits import MAX_TEXT_CHARACTERS
from services.approval.rules.commitment import CommitmentFacts, CurrentStatus, current_status, standing_approval
from services.approval.rules.documents import distinct
from services.approval.rules.drift_words import drift_words
from services.approval.rules.erp import UNNAMED_ERP, called, connection_name
from services.approval.rules.facts import Ruling, Stage
from services.pipeline.failure_words import why_not_exported

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
    Status.DISPUTED: "Disputed",
}
"""The words beside the ribbon's colour."""

MAX_NEXT_STEP_CHARACTERS = 500

EDITABLE = frozenset({Status.REJECTED, Status.RETRIEVED, Status.SYNCED})
LOCKED_FIELDS = ("number", "vendor", "title", "status")
"""The fields that the ERP's document depends on; locked as long as there is one."""

_OWNERS = {
    Owner.SYSTEM: "Countersign",
    Owner.APPROVER: "an accounting approver",
    Owner.PROJECT_MANAGER: "the project manager",
    Owner.ERP_ADMIN: "the ERP administrator",
}
_ACTS = {
    Owner.SYSTEM: "It is tried again.",
    Owner.APPROVER: "An accounting approver has to act.",
    Owner.PROJECT_MANAGER: "An accounting approver rejects it; then correct it and re-send it.",
    Owner.ERP_ADMIN: "The ERP administrator has to act; the approval desk says what to do.",
}
"""Who acts on a failure, for the project's people."""

_UNRULED_SENTENCES = {
    Status.READY: "{number} was sent to ERP Integrations and is waiting for an accounting approver.",
    Status.DISPUTED: "Revision {revision} of {number} arrived twice with different content, so it cannot be accepted. "
    "An accounting approver rejects it, or the project retrieves it; then the project sends it again.",
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
    if connection is None:
        return current.summary
    title = facts.ruling.erp if facts.ruling else None
    return current.summary.model_copy(update={"connection": connection, "erp": title})


def locked_fields(facts: CommitmentFacts) -> tuple[str, ...]:
    """The fields of the snapshot that may not be edited upstream, in any status."""
    return LOCKED_FIELDS if facts.standing else ()


def message(facts: CommitmentFacts, current: CurrentStatus, erp: str | None = None) -> str:
    """One or two sentences on what the status means, and what comes next; `erp` is what people call the ERP."""
    meant, failure = meaning(facts, current, erp), current.ruling.failure if current.ruling else None
    if failure is None:
        return meant
    return f"{meant} Next step, for {_OWNERS[failure.owner]}: {failure.next_step}"[:MAX_TEXT_CHARACTERS]


def meaning(facts: CommitmentFacts, current: CurrentStatus, erp: str | None = None) -> str:
    """One or two sentences on what the status means, without what comes next."""
    return _sentence(facts, current, erp or called(facts) or UNNAMED_ERP)[:MAX_TEXT_CHARACTERS]


def _told_upstream(facts: CommitmentFacts, current: CurrentStatus) -> str:
    """The message as the project's people read it: what only others can use stays on the desk."""
    ruling, erp, number = current.ruling, called(facts) or UNNAMED_ERP, current.summary.number
    if ruling and ruling.failure:
        failure, acts = ruling.failure, _ACTS[ruling.failure.owner]
        if failure.owner is Owner.PROJECT_MANAGER and failure.failure_class is not FailureClass.FIX_DATA:
            acts = failure.next_step[:MAX_NEXT_STEP_CHARACTERS]
        return f"{why_not_exported(failure, number, erp)[: MAX_TEXT_CHARACTERS - len(acts) - 1]} {acts}"
    if ruling and ruling.doubt and not ruling.settled_as:
        return f"{_begin(erp)} did not confirm {number}. {_asking(ruling)} Do not create it by hand."
    if ruling and ruling.settled_as:
        check = facts.open_check
        needs_second = check is not None and not check.is_asked_again and not ruling.confirmed_by
        waits = "Another accounting approver has to confirm it." if needs_second else "This is being confirmed."
        return f"{ruling.who} found {number} in {erp} as {ruling.settled_as.name}. {waits}"
    return message(facts, current)


def _sentence(facts: CommitmentFacts, current: CurrentStatus, erp: str) -> str:
    number = current.summary.number
    if current.ruling:
        return _ruled(facts, current, current.ruling, erp)
    if facts.retrieved and current.status is Status.RETRIEVED:
        return f"{facts.retrieved.by.name} retrieved {number}. It can be edited and re-sent."
    if first := standing_approval(facts):
        return f"{first.by.name} approved {number}; a second approver has to accept it."
    open_questions = [each for each in facts.asked if each.question.revision == current.revision and not each.reply]
    if open_questions and current.status is Status.READY:
        asker = open_questions[0].question.by.name
        return f"{asker} asked {current.summary.sent_by.name} about {number}, which waits for an accounting approver."
    return _UNRULED_SENTENCES[current.status].format(number=number, revision=current.revision)


def _ruled(facts: CommitmentFacts, current: CurrentStatus, ruling: Ruling, erp: str) -> str:
    number = current.summary.number
    if ruling.failure:
        return ruling.failure.message
    match ruling.stage:
        case Stage.REJECTED:
            return f"{_given_back(facts, ruling, number)}: {ruling.reason}"
        case Stage.IN_DOUBT:
            return _in_doubt(facts, ruling, number, erp)
        case Stage.ACCEPTED:
            waiting = f" Revision {current.waiting_revision} waits until then." if current.waiting_revision else ""
            return f"{ruling.who} accepted {number}. It is being exported to {erp}.{waiting}"
        case _:
            return _synced(facts, number, erp)


def _given_back(facts: CommitmentFacts, ruling: Ruling, number: str) -> str:
    """Who rejected it; or who unlinked it from its document, of which nothing was wrong with what it says."""
    at = (ruling.revision, ruling.reopened)
    unlinked = [
        each.document.name for each in facts.replaced if (each.revision, each.reopened) == at and ruling.reopened
    ]
    if not unlinked:
        return f"{ruling.who} rejected {number}"
    return f"{ruling.who} unlinked {number} from {' and '.join(sorted(unlinked))}, so it can be edited and sent again"


def _in_doubt(facts: CommitmentFacts, ruling: Ruling, number: str, erp: str) -> str:
    if ruling.settled_as:
        return f"{ruling.who} found {number} in {erp} as {ruling.settled_as.name}. {_confirming(facts, ruling, erp)}"
    if ruling.doubt and ruling.evidence:
        return f"{ruling.doubt.asked} {_asking(ruling)} Do not create it by hand."
    return f"{_begin(erp)} did not confirm {number}. {_asking(ruling)} Do not create it by hand."


def _asking(ruling: Ruling) -> str:
    if ruling.doubt and ruling.doubt.next_probe:
        return "We are asking whether it exists."
    return "An accounting approver has to say whether it exists."


def _begin(erp: str) -> str:
    """The ERP at the beginning of a sentence."""
    return "The ERP" if erp == UNNAMED_ERP else erp


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
