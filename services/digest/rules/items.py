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
    """One commitment, by its latest status; `summary` is the JSON of schemas.commitment.Summary.

    `known_since` is when the digest first heard of its present status; None if that was before it noted such times.
    """

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
    known_since: datetime | None = None

    @property
    def listed_from(self) -> datetime:
        """From when on summaries could list it."""
        return max(self.since, self.known_since or self.since)


def item_of(status: CommitmentStatus, known_since: datetime | None = None) -> Item:
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
        known_since=known_since,
    )
