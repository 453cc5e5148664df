"""Commitments as a summary lists them, and which of its sections each status belongs to."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from schemas.events import CommitmentStatus
from schemas.fields import Status

WAITING = frozenset({Status.READY, Status.DISPUTED})
UNANSWERED = WAITING | {Status.FAILED}
"""What an approver has to act on; while a company has any, its approvers get a summary."""
OPEN = UNANSWERED | {Status.IN_DOUBT}
CONCLUDED = frozenset({Status.SYNCED, Status.REJECTED})
"""Outcomes, which the summary of the following day lists."""


@dataclass(frozen=True, slots=True)
class Item:
    """One commitment, by its latest status; `summary` is the JSON of schemas.commitment.Summary."""

    commitment_id: str
    company_id: str
    version: int
    revision: int
    status: Status
    since: datetime
    message: str
    currency: str
    total: Decimal
    summary: str


def item_of(status: CommitmentStatus) -> Item:
    """Return what a summary needs of `status`."""
    return Item(
        commitment_id=status.commitment_id,
        company_id=status.company_id,
        version=status.version,
        revision=status.revision,
        status=status.status,
        since=status.since,
        message=status.message,
        currency=status.summary.currency,
        total=Decimal(status.summary.total),
        summary=status.summary.model_dump_json(exclude_none=True),
    )
