"""When a re-sent revision waits, and the approver who rejected the one before is to be told at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from schemas.commitment import Person
from schemas.envelope import Event, new_event
from schemas.events import ApprovalRequested, Change
from schemas.fields import Status
from services.approval.rules.commitment import Commitment, View, view
from services.approval.rules.facts import Stage
from services.approval.rules.status import SOURCE, summary


@dataclass(frozen=True, slots=True)
class Request:
    """A revision that waits for the approver who rejected `previous_revision` for `previous_reason`."""

    seen: View
    previous_revision: int
    previous_reason: str
    approver: Person

    @property
    def revision(self) -> int:
        """The revision that waits."""
        return self.seen.revision


def request_arising(before: Commitment, after: Commitment) -> Request | None:
    """The request that `after` calls for and `before` did not, whichever of the events came last; else None.

    Whether the approver still has the right is for the caller to check.
    """
    was, request = _request(before), _request(after)
    return request if request and (was is None or was.revision != request.revision) else None


def _request(commitment: Commitment) -> Request | None:
    seen, ruling = view(commitment), commitment.ruling
    if seen is None or seen.status is not Status.READY:
        return None
    if ruling is None or ruling.by is None or ruling.stage is not Stage.REJECTED:
        return None
    return Request(seen, ruling.revision, ruling.reason, ruling.by)


def approval_requested(
    commitment: Commitment,
    request: Request,
    now: datetime,
    *,
    changes: Sequence[Change],
    note: str | None,
    traceparent: str | None = None,
) -> Event[ApprovalRequested]:
    """The event for `request`; `changes` lead from the rejected snapshot to the waiting one, `note` came with it."""
    data = ApprovalRequested(
        company_id=commitment.company_id or "",
        project_id=request.seen.submitted.project_id,
        commitment_id=commitment.id,
        revision=request.revision,
        approver=request.approver,
        previous_revision=request.previous_revision,
        previous_reason=request.previous_reason,
        changes=tuple(changes),
        note=note,
        summary=summary(commitment, request.seen),
    )
    return new_event(data, source=SOURCE, time=now, traceparent=traceparent)
