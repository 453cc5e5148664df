"""What upstream shows of a commitment: ribbon, whether it can be edited, locked fields, and a sentence."""

from dataclasses import replace
from datetime import datetime

from schemas.commitment import ErpDocument, Summary
from schemas.envelope import Event, new_event
from schemas.events import CommitmentStatus, EventData
from schemas.fields import Owner, Ribbon, Status
from schemas.limits import MAX_TEXT_CHARACTERS
from services.approval.rules.commitment import Commitment, View, view
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
EDITABLE = frozenset({Status.REJECTED, Status.RETRIEVED, Status.SYNCED})
LOCKED_FIELDS = ("number", "vendor", "title", "status")
"""What the ERP's document depends on; locked as long as there is one."""

_UNNAMED_ERP = "the ERP"
_OWNERS = {
    Owner.SYSTEM: "Countersign",
    Owner.APPROVER: "an accounting approver",
    Owner.PROJECT_MANAGER: "the project manager",
    Owner.ERP_ADMIN: "the ERP administrator",
}


def told(
    commitment: Commitment, now: datetime, traceparent: str | None
) -> tuple[Commitment, tuple[Event[EventData], ...]]:
    """`commitment` under the next status version with the status event for it; as it is, with none, when not shown."""
    seen = view(commitment)
    if seen is None:
        return commitment, ()
    version = max(commitment.status_version + 1, int(now.timestamp() * 1000))
    versioned = replace(commitment, status_version=version)
    return versioned, (new_event(status(versioned, seen), source=SOURCE, time=now, traceparent=traceparent),)


def status(commitment: Commitment, seen: View) -> CommitmentStatus:
    """What upstream and the digest are told of `commitment`, seen so."""
    return CommitmentStatus(
        company_id=commitment.company_id or "",
        project_id=seen.submitted.project_id,
        commitment_id=commitment.id,
        revision=seen.revision,
        version=commitment.status_version,
        status=seen.status,
        ribbon=RIBBONS[seen.status],
        editable=seen.status in EDITABLE,
        locked_fields=locked_fields(commitment),
        message=message(commitment, seen),
        erp_document=commitment.document,
        since=seen.since,
        summary=summary(commitment, seen),
    )


def summary(commitment: Commitment, seen: View) -> Summary:
    """What was submitted as the revision that is seen, with the ERP connection where it is known."""
    return seen.summary.model_copy(update={"connection": connection(commitment)})


def locked_fields(commitment: Commitment) -> tuple[str, ...]:
    """The snapshot's fields that may not be edited upstream, in any status."""
    return LOCKED_FIELDS if commitment.documents else ()


def connection(commitment: Commitment) -> str | None:
    """The ERP connection that has to do with `commitment`, as far as it is known."""
    if commitment.document:
        return commitment.document.connection
    return commitment.ruling.connection if commitment.ruling else None


def message(commitment: Commitment, seen: View, erp: str | None = None) -> str:
    """One or two sentences on what the status means; `erp` is what people call the ERP, else its connection's name."""
    erp = erp or connection(commitment) or _UNNAMED_ERP
    return _sentence(commitment, seen, erp)[:MAX_TEXT_CHARACTERS]


def _sentence(commitment: Commitment, seen: View, erp: str) -> str:
    number = seen.summary.number
    if seen.ruling:
        return _ruled(commitment, seen, seen.ruling, erp)
    if commitment.retrieved and seen.status is Status.RETRIEVED:
        return f"{commitment.retrieved.by.name} retrieved {number}. It can be edited and re-sent."
    if seen.status is Status.DISPUTED:
        return (
            f"Two different contents of {number} came as revision {seen.revision}, so it cannot be accepted. "
            "Retrieve or reject it, then send it again."
        )
    return f"{number} was sent to ERP Integrations and is waiting for an accounting approver."


def _ruled(commitment: Commitment, seen: View, ruling: Ruling, erp: str) -> str:
    number = seen.summary.number
    if ruling.failure:
        failure = ruling.failure
        return f"{failure.message} Next step, for {_OWNERS[failure.owner]}: {failure.next_step}"
    match ruling.stage:
        case Stage.REJECTED:
            return f"{ruling.who} rejected {number}: {ruling.reason}"
        case Stage.IN_DOUBT:
            return _in_doubt(ruling, number, erp)
        case Stage.ACCEPTED:
            waiting = f" Revision {seen.waiting_revision} waits until then." if seen.waiting_revision else ""
            return f"{ruling.who} accepted {number}. It is being exported to {erp}.{waiting}"
        case _:
            return _synced(commitment, number, erp)


def _in_doubt(ruling: Ruling, number: str, erp: str) -> str:
    if ruling.settled_as:
        found = document_name(ruling.settled_as)
        return f"{ruling.who} found {number} in {erp} as {found}. This is being confirmed."
    asking = (
        "We are asking whether it exists."
        if ruling.doubt and ruling.doubt.next_probe
        else "An accounting approver has to say whether it exists."
    )
    subject = "The ERP" if erp == _UNNAMED_ERP else erp
    return f"{subject} did not confirm {number}. {asking} Do not create it by hand."


def _synced(commitment: Commitment, number: str, erp: str) -> str:
    names = sorted({document_name(written.document) for written in commitment.documents})
    if len(commitment.erp_ids) > 1:
        return f"{number} stands in {erp} more than once: {', '.join(names)}. All but one must be removed there."
    return f"{number} is synced with {erp} as {names[-1]}."


def document_name(document: ErpDocument) -> str:
    """What an accountant calls `document`."""
    return document.number or document.id
