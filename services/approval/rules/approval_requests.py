"""Asks the approver who rejected a revision again as soon as its correction waits."""

from collections.abc import Sequence
from datetime import datetime

from schemas.commitment import Person
from schemas.envelope import Event, new_event
from schemas.events import ApprovalRequested, Change
from schemas.fields import Status
from schemas.values import value
from services.approval.rules.commitment import CommitmentFacts, CurrentStatus, current_status
from services.approval.rules.facts import Stage
from services.approval.rules.status import SOURCE, summary


@value
class ApprovalRequest:
    """A revision that waits for the approver who rejected `previous_revision` for `previous_reason`."""

    current: CurrentStatus
    previous_revision: int
    previous_reason: str
    approver: Person

    @property
    def revision(self) -> int:
        """The revision that waits."""
        return self.current.revision


def new_approval_request(before: CommitmentFacts, after: CommitmentFacts) -> ApprovalRequest | None:
    """The request that `after` calls for and `before` did not, in whatever order the events came; else None.

    Whether the approver still has the right is for the caller to check.
    """
    was, request = _request(before), _request(after)
    return request if request and (was is None or was.revision != request.revision) else None


def _request(facts: CommitmentFacts) -> ApprovalRequest | None:
    ruling = facts.ruling
    if ruling is None or ruling.by is None or ruling.stage is not Stage.REJECTED:
        return None
    current = current_status(facts)
    if current is None or current.status is not Status.READY:
        return None
    return ApprovalRequest(current, ruling.revision, ruling.reason, ruling.by)


def approval_requested(
    facts: CommitmentFacts,
    request: ApprovalRequest,
    now: datetime,
    *,
    changes: Sequence[Change],
    note: str | None,
) -> Event[ApprovalRequested]:
    """The event for `request`; `changes` are from the rejected snapshot to the waiting one, which came with `note`."""
    data = ApprovalRequested(
        company_id=facts.company_id or "",
        project_id=request.current.submitted.project_id,
        commitment_id=facts.id,
        revision=request.revision,
        approver=request.approver,
        previous_revision=request.previous_revision,
        previous_reason=request.previous_reason,
        changes=tuple(changes),
        note=note,
        summary=summary(facts, request.current),
    )
    return new_event(data, source=SOURCE, time=now)
