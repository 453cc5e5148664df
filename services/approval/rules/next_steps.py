"""Who acts next on a commitment, and what they do: the same for every status and every ERP."""

from dataclasses import dataclass

from schemas.events import ErpConnection
from schemas.fields import Owner, Status
from services.approval.rules.commitment import CommitmentFacts, CurrentStatus, standing_approval
from services.approval.rules.erp import erp_title, is_held_back
from services.approval.rules.facts import Ruling
from services.approval.rules.polled import needs_somebody

ACTORS = {
    Owner.SYSTEM: "Countersign",
    Owner.APPROVER: "An accounting approver",
    Owner.PROJECT_MANAGER: "The project manager",
    Owner.ERP_ADMIN: "The ERP administrator",
}
_NOBODY = "Nobody"
_SEND_AGAIN = "Correct it in the project, and send it again."


@dataclass(frozen=True, slots=True)
class NextStep:
    """Who acts next, and what they do."""

    who: str
    what: str


def next_step(
    facts: CommitmentFacts,
    current: CurrentStatus,
    erp: ErpConnection | None,
    *,
    blocked_by: str = "",
    unreachable: str = "",
) -> NextStep:
    """Who acts next on a commitment that goes to `erp`.

    `blocked_by` says why it cannot be accepted, `unreachable` why no ERP takes it; empty if it can, or one does.
    """
    match current.status:
        case Status.READY:
            reject = f"Reject it on the desk, since it cannot be accepted. {blocked_by}"
            first = standing_approval(facts)
            who = f"An accounting approver other than {first.by.name}" if first else ACTORS[Owner.APPROVER]
            return NextStep(who, reject if blocked_by else "Accept or reject it on the desk.")
        case Status.DISPUTED:
            who = "An accounting approver, or the project manager"
            return NextStep(who, "Reject it on the desk, or retrieve it in the project; then send it again.")
        case Status.REJECTED | Status.RETRIEVED:
            return NextStep(ACTORS[Owner.PROJECT_MANAGER], _SEND_AGAIN)
        case Status.EXPORTING:
            return _of_export(erp, unreachable)
        case Status.SYNCED:
            return _of_synced(facts, erp)
        case _:
            return _of_ruling(facts, current.ruling, erp) if current.ruling else NextStep(_NOBODY, "")


def _of_export(erp: ErpConnection | None, unreachable: str) -> NextStep:
    title = erp_title(erp)
    if erp is None:
        return NextStep(ACTORS[Owner.ERP_ADMIN], unreachable or "Configure a connection that takes it.")
    if needs_somebody(erp):
        return NextStep(ACTORS[Owner.ERP_ADMIN], f"See to the Web Connector of {title}, as the line says.")
    if erp.poller and is_held_back(erp):
        return NextStep(ACTORS[Owner.ERP_ADMIN], _let_in(erp))
    if erp.poller:
        return NextStep(ACTORS[Owner.SYSTEM], f"Nothing to do: it goes to {title} when the Web Connector asks.")
    if is_held_back(erp):
        return NextStep(ACTORS[Owner.SYSTEM], f"Nothing to do: {title} is tried again by itself.")
    return NextStep(ACTORS[Owner.SYSTEM], f"Nothing to do: it is queued for {title}, or being sent.")


def _let_in(erp: ErpConnection) -> str:
    """What to do when the client of `erp` asks for work, but does not get into the ERP."""
    why = f": {erp.reason}" if erp.reason else "."
    return f"See to it that the Web Connector gets into {erp.title}{why} It goes on by itself then."


def _of_ruling(facts: CommitmentFacts, ruling: Ruling, erp: ErpConnection | None) -> NextStep:
    """After an export that failed, or whose answer was lost."""
    if ruling.failure:
        return NextStep(ACTORS[ruling.failure.owner], ruling.failure.next_step)
    title, check = erp_title(erp), facts.open_check
    if ruling.settled_as and check and not check.is_asked_again:
        found = ruling.settled_as.name
        what = f"Look for {found} in {title}, and confirm on the desk that it is the one, or say that it is not."
        return NextStep(f"An accounting approver other than {ruling.who}", what)
    if ruling.settled_as or (ruling.doubt and ruling.doubt.next_probe):
        return NextStep(ACTORS[Owner.SYSTEM], f"Nothing to do: {title} is asked whether it has it.")
    what = f"Look for it in {title}, and settle it on the desk with what you find. Do not create it by hand."
    return NextStep(ACTORS[Owner.APPROVER], what)


def _of_synced(facts: CommitmentFacts, erp: ErpConnection | None) -> NextStep:
    if len(facts.erp_ids) > 1:
        return NextStep(ACTORS[Owner.APPROVER], f"Remove all of its documents but one in {erp_title(erp)}.")
    if facts.open_drift:
        return NextStep(ACTORS[Owner.APPROVER], "Decide on the desk what is right: the ERP, or what was exported.")
    return NextStep(_NOBODY, "Nothing to do.")
