"""What an approver may do: each answer is guarded by where the commitment stands, then joins like any other fact.

Nothing here checks rights. An answer that the guard refuses is a value, not an exception, and records nothing; it says
why in words, with times in the approver's `zone`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, tzinfo
from typing import Any, TypeVar

from schemas.commitment import ErpDocument, Person
from schemas.envelope import new_event
from schemas.events import CommitmentData, DecisionAccepted, DecisionRejected, DecisionResolved
from schemas.fields import Status
from schemas.snapshot import Snapshot
from services.approval.rules import event_handlers
from services.approval.rules.checks import Finding
from services.approval.rules.commitment import Commitment, View, view
from services.approval.rules.conflicts import why
from services.approval.rules.facts import Approved, Stage
from services.approval.rules.rows import Row
from services.approval.rules.status import SOURCE, summary
from services.pipeline.fold import Decided

DecisionT = TypeVar("DecisionT", bound=CommitmentData)


@dataclass(frozen=True, slots=True)
class Granted:
    """The answer stands: save state and rows, publish the decision and the status."""

    decided: Decided[Commitment, Row]


@dataclass(frozen=True, slots=True)
class AlreadyGranted:
    """The same person gave the same answer before."""

    view: View


@dataclass(frozen=True, slots=True)
class Blocked:
    """The checks forbid to accept."""

    view: View
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Conflict:
    """The commitment does not stand as the approver saw it; `why` says so in words."""

    view: View | None
    why: str


Answer = Granted | AlreadyGranted | Blocked | Conflict


def accept(
    commitment: Commitment,
    revision: int,
    content_hash: str,
    by: Person,
    now: datetime,
    *,
    zone: tzinfo,
    snapshot: Snapshot | None,
    findings: Sequence[Finding] = (),
    erp_code: str | None = None,
    accounting_date: date | None = None,
    note: str | None = None,
    traceparent: str | None = None,
) -> Granted | AlreadyGranted | Blocked | Conflict:
    """Order the export of what `by` read; `snapshot` is what is stored of `revision` with `content_hash`."""
    seen, mine = view(commitment), _order_by(commitment, revision, by)
    if seen and mine and mine.content_hash == content_hash:
        return AlreadyGranted(seen)
    is_read = commitment.hashes == {content_hash} and _is_of(snapshot, content_hash)
    if not (seen and is_read and _stands(seen, revision, Status.READY)):
        return Conflict(seen, why(commitment, revision, now, zone))
    if blocking := tuple(finding for finding in findings if finding.is_blocking):
        return Blocked(seen, blocking)
    decision = DecisionAccepted(
        **_about(commitment, seen),
        round=1,
        content_hash=content_hash,
        commitment=snapshot,
        decided_by=by,
        sent_by=seen.summary.sent_by,
        erp_code=erp_code,
        accounting_date=accounting_date,
        note=note,
    )
    return _granted(event_handlers.accepted, commitment, decision, now, traceparent)


def reject(
    commitment: Commitment,
    revision: int,
    content_hash: str,
    reason: str,
    by: Person,
    now: datetime,
    *,
    zone: tzinfo,
    traceparent: str | None = None,
) -> Granted | AlreadyGranted | Conflict:
    """Give `revision` back to its project for `reason`: it waits, is disputed, or failed to export."""
    seen = view(commitment)
    if seen and _is_rejected(seen, revision, reason, by):
        return AlreadyGranted(seen)
    is_read = content_hash in commitment.hashes
    if not (seen and is_read and _stands(seen, revision, Status.READY, Status.DISPUTED, Status.FAILED)):
        return Conflict(seen, why(commitment, revision, now, zone))
    decision = DecisionRejected(
        **_about(commitment, seen),
        round=seen.round,
        reason=reason,
        decided_by=by,
        summary=summary(commitment, seen),
    )
    return _granted(event_handlers.rejected, commitment, decision, now, traceparent)


def retry(
    commitment: Commitment,
    revision: int,
    failed_round: int,
    by: Person,
    now: datetime,
    *,
    zone: tzinfo,
    snapshot: Snapshot | None,
    traceparent: str | None = None,
) -> Granted | AlreadyGranted | Conflict:
    """Order another export of `revision`, whose `failed_round` failed; `snapshot` is what is stored as approved."""
    seen = view(commitment)
    if not (seen and _stands(seen, revision, Status.FAILED) and seen.round == failed_round):
        return _order_given(commitment, (revision, failed_round + 1), by, now, zone)
    return _order_again(commitment, seen, by, now, zone=zone, snapshot=snapshot, note=None, traceparent=traceparent)


def settle_as_absent(
    commitment: Commitment,
    revision: int,
    doubtful_round: int,
    by: Person,
    now: datetime,
    *,
    zone: tzinfo,
    snapshot: Snapshot | None,
    note: str,
    traceparent: str | None = None,
) -> Granted | AlreadyGranted | Conflict:
    """Order another export of `revision`, as `by` found nothing of `doubtful_round` in the ERP; `note` says how."""
    seen = view(commitment)
    if not (seen and _is_doubtful(seen, revision, doubtful_round)):
        return _order_given(commitment, (revision, doubtful_round + 1), by, now, zone)
    return _order_again(commitment, seen, by, now, zone=zone, snapshot=snapshot, note=note, traceparent=traceparent)


def settle_as_present(
    commitment: Commitment,
    revision: int,
    doubtful_round: int,
    document: ErpDocument,
    by: Person,
    now: datetime,
    *,
    zone: tzinfo,
    note: str | None = None,
    traceparent: str | None = None,
) -> Granted | AlreadyGranted | Conflict:
    """Settle a doubtful export as the `document` that `by` found; it is synced once the exporter has read that.

    Until then the commitment stays in doubt, and nobody can settle it otherwise.
    """
    seen = view(commitment)
    if seen and _is_found(commitment, seen, revision, document):
        return AlreadyGranted(seen)
    if not (seen and _is_doubtful(seen, revision, doubtful_round)):
        return Conflict(seen, why(commitment, revision, now, zone))
    decision = DecisionResolved(
        **_about(commitment, seen), round=doubtful_round, document=document, decided_by=by, note=note
    )
    return _granted(event_handlers.resolved, commitment, decision, now, traceparent)


def _order_again(
    commitment: Commitment,
    seen: View,
    by: Person,
    now: datetime,
    *,
    zone: tzinfo,
    snapshot: Snapshot | None,
    note: str | None,
    traceparent: str | None,
) -> Granted | Conflict:
    """The next round of what was approved, unless that is not known yet, as in a restored database."""
    approved = commitment.approved
    if not (approved and approved.revision == seen.revision and _is_of(snapshot, approved.content_hash)):
        return Conflict(seen, why(commitment, seen.revision, now, zone))
    decision = DecisionAccepted(
        **_about(commitment, seen),
        round=seen.round + 1,
        content_hash=approved.content_hash,
        commitment=snapshot,
        decided_by=by,
        sent_by=approved.sent_by,
        erp_code=approved.erp_code,
        accounting_date=approved.accounting_date,
        note=note or approved.note,
    )
    return _granted(event_handlers.accepted, commitment, decision, now, traceparent)


def _order_given(
    commitment: Commitment, wanted: tuple[int, int], by: Person, now: datetime, zone: tzinfo
) -> AlreadyGranted | Conflict:
    """The answer where the `wanted` (revision, round) can no longer be ordered: perhaps `by` has done so."""
    seen, mine = view(commitment), _order_by(commitment, wanted[0], by)
    if seen and mine and mine.round == wanted[1]:
        return AlreadyGranted(seen)
    return Conflict(seen, why(commitment, wanted[0], now, zone))


def _granted(
    handle: event_handlers.Handler[DecisionT],
    commitment: Commitment,
    decision: DecisionT,
    now: datetime,
    traceparent: str | None,
) -> Granted:
    event = new_event(decision, source=SOURCE, time=now, traceparent=traceparent)
    decided = handle(commitment, event, now)
    return Granted(replace(decided, publish=(event, *decided.publish)))


def _about(commitment: Commitment, seen: View) -> dict[str, Any]:
    return {
        "company_id": commitment.company_id,
        "project_id": seen.submitted.project_id,
        "commitment_id": commitment.id,
        "revision": seen.revision,
    }


def _stands(seen: View, revision: int, *statuses: Status) -> bool:
    return seen.revision == revision and seen.status in statuses


def _is_doubtful(seen: View, revision: int, export_round: int) -> bool:
    """Whether that very export is in doubt, and nobody has settled it."""
    is_settled = seen.ruling is not None and seen.ruling.settled_as is not None
    return _stands(seen, revision, Status.IN_DOUBT) and seen.round == export_round and not is_settled


def _is_of(snapshot: Snapshot | None, content_hash: str) -> bool:
    return snapshot is not None and snapshot.content_hash == content_hash


def _order_by(commitment: Commitment, revision: int, by: Person) -> Approved | None:
    """The order that `by` gave to export `revision`, as long as nothing was ordered or rejected after it."""
    approved, ruling = commitment.approved, commitment.ruling
    if approved is None or ruling is None or ruling.stage is Stage.REJECTED:
        return None
    is_theirs = approved.by.id == by.id and approved.revision == ruling.revision == revision
    return approved if is_theirs else None


def _is_rejected(seen: View, revision: int, reason: str, by: Person) -> bool:
    ruling = seen.ruling
    is_theirs = ruling is not None and ruling.by is not None and ruling.by.id == by.id and ruling.reason == reason
    return is_theirs and _stands(seen, revision, Status.REJECTED)


def _is_found(commitment: Commitment, seen: View, revision: int, document: ErpDocument) -> bool:
    """Whether the document was already given as the answer, or is in the ERP for certain."""
    if _stands(seen, revision, Status.SYNCED):
        return (document.connection, document.id) in commitment.erp_ids
    return _stands(seen, revision, Status.IN_DOUBT) and seen.ruling is not None and seen.ruling.settled_as == document
