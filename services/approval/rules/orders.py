"""Orders to export again, which repeat the approved content, and the verdicts that answers end in."""

from typing import Any

from schemas.commitment import ErpDocument, Person
from schemas.events import DecisionAccepted, DecisionDriftAccepted, DecisionRejected, DecisionResolved
from schemas.snapshot import Snapshot
from services.approval.rules.answers import AlreadyGranted, Blocked, Conflict, Unacceptable
from services.approval.rules.commitment import CommitmentFacts, CurrentStatus
from services.approval.rules.guards import is_content

Decision = DecisionAccepted | DecisionRejected | DecisionResolved | DecisionDriftAccepted
Verdict = Decision | AlreadyGranted | Blocked | Unacceptable | Conflict | None
"""A decision grants the answer; None refuses it, because the commitment has changed since the approver saw it."""


def order_again(
    facts: CommitmentFacts,
    current: CurrentStatus,
    by: Person,
    snapshot: Snapshot | None,
    *,
    note: str | None = None,
    why: str | None = None,
    replaces: ErpDocument | None = None,
    moves: bool = False,
    reopened: int | None = None,
) -> Verdict:
    """Order the next round of the approved content, unless that is not known yet, as in a restored database."""
    approved = facts.approved
    if not (approved and approved.revision == current.revision and is_content(snapshot, approved.content_hash)):
        return None
    return DecisionAccepted(
        **about(facts, current),
        round=next_round(facts, current),
        content_hash=approved.content_hash,
        commitment=snapshot,
        decided_by=by,
        sent_by=approved.sent_by,
        erp_code=approved.erp_code,
        accounting_date=approved.accounting_date,
        note=note or approved.note,
        why=why,
        replaces=replaces,
        moves=moves,
        reopened=current.reopened if reopened is None else reopened,
    )


def next_round(facts: CommitmentFacts, current: CurrentStatus) -> int:
    """The round after all that are known of the current revision; a success belongs to no round."""
    is_approved = facts.approved is not None and facts.approved.revision == current.revision
    return max(current.round, facts.approved.round if facts.approved and is_approved else 0) + 1


def about(facts: CommitmentFacts, current: CurrentStatus) -> dict[str, Any]:
    """The members that every decision on the current revision has."""
    return {
        "company_id": facts.company_id,
        "project_id": current.submitted.project_id,
        "commitment_id": facts.id,
        "revision": current.revision,
    }
