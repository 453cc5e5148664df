"""What beginning an attempt, and the outcome of one, do to a commitment's exports."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from schemas.commitment import ErpDocument
from services.exporter.connectors.types import FoundDocument, Landed, Refused, Transient, Unknown
from services.exporter.rules import events
from services.exporter.rules.decisions import DecidedExports, Events, advance
from services.exporter.rules.export import CommitmentExports, Export, ExportLease, ExportState
from services.exporter.rules.failures import failure_of, given_up
from services.exporter.rules.outcome import AttemptOutcome, NotSent, Undecided
from services.exporter.rules.policy import RetryPolicy


@dataclass(frozen=True, slots=True)
class _Settled:
    export: Export
    publish: Events = ()


def begin_attempt(
    exports: CommitmentExports, token: UUID, until: datetime, policy: RetryPolicy, now: datetime
) -> CommitmentExports:
    """The exports with the current one under a lease.

    Where an earlier lease lapsed, its holder may have written to the ERP without living to tell: that is a doubt.
    """
    export = exports.current
    if export is None:
        raise ValueError(f"nothing is to be done for {exports.commitment_id}")
    if exports.lease is not None:
        export = replace(export.moved_to(ExportState.IN_DOUBT, now), quiet_until=now + policy.settle_time())
    elif export.state is ExportState.PENDING:
        export = replace(export.moved_to(ExportState.IN_FLIGHT, now), connection=exports.connection_for(export))
    return replace(exports.with_export(export), lease=ExportLease(token, export.revision, until))


def settle_attempt(
    exports: CommitmentExports, token: UUID, outcome: AttemptOutcome, policy: RetryPolicy, now: datetime
) -> DecidedExports | None:
    """The exports after `outcome`, and what is told of it; None when the lease `token` is no longer the one held."""
    if exports.lease is None or exports.lease.token != token:
        return None
    settled = _settled(exports, exports.by_revision[exports.lease.revision], outcome, policy, now)
    decided = advance(replace(exports.with_export(settled.export), lease=None), now)
    return replace(decided, publish=(*_unless_overtaken(settled), *decided.publish))


def _unless_overtaken(settled: _Settled) -> Events:
    """A failure or doubt is not told when an approver has already ordered a higher round."""
    is_final = settled.export.state is ExportState.SUCCEEDED
    return settled.publish if is_final or settled.export.ordered_round == settled.export.round else ()


def _settled(
    exports: CommitmentExports, export: Export, outcome: AttemptOutcome, policy: RetryPolicy, now: datetime
) -> _Settled:
    asked = export.probes + (export.state is ExportState.IN_DOUBT)
    match outcome:
        case Landed(documents):
            return _succeeded(export, documents, exports.resolved.get(export.revision), now)
        case Refused():
            return _failed(exports, _attempted(export, asked), outcome, now)
        case Transient():
            return _retried(exports, _attempted(export, asked), outcome, policy, now)
        case Unknown(message):
            return _doubted(_attempted(export, asked), message, policy, now)
        case Undecided(message, needs_person):
            return _undecided(replace(export, probes=asked), message, policy, now, needs_person=needs_person)
        case NotSent():
            state = ExportState.IN_DOUBT if export.state is ExportState.IN_DOUBT else ExportState.PENDING
            return _Settled(export.moved_to(state, now, due_at=now))


def _attempted(export: Export, probes: int) -> Export:
    return replace(export, attempts=export.attempts + 1, probes=probes)


def _succeeded(
    export: Export, documents: tuple[FoundDocument, ...], vouched: ErpDocument | None, now: datetime
) -> _Settled:
    """Every document that the ERP shows, or an approver vouched for, is told: two of them must not stay unseen."""
    shown = {document.id: _erp_document(export, document) for document in documents}
    document = next(iter(shown.values()))
    settled = replace(
        export.moved_to(ExportState.SUCCEEDED, now),
        attempts=export.attempts + 1,
        document=document,
        failure=None,
        quiet_until=None,
    )
    if vouched is not None:
        shown.setdefault(vouched.id, vouched)
    return _Settled(settled, tuple(events.succeeded_event(settled, each, now) for each in shown.values()))


def _erp_document(export: Export, document: FoundDocument) -> ErpDocument:
    return ErpDocument(connection=export.connection or "", id=document.id, number=document.number, url=document.url)


def _failed(exports: CommitmentExports, export: Export, refused: Refused, now: datetime) -> _Settled:
    failure = failure_of(refused, is_in_erp=exports.document is not None)
    failed = replace(export.moved_to(ExportState.FAILED, now), failure=failure)
    return _Settled(failed, (events.failed_event(failed, failure, now),))


def _retried(
    exports: CommitmentExports, export: Export, transient: Transient, policy: RetryPolicy, now: datetime
) -> _Settled:
    if export.attempts >= policy.max_attempts:
        return _failed(exports, export, given_up(transient.message, export.attempts), now)
    due_at = now + policy.retry_delay(export.attempts, transient.retry_after_seconds)
    return _Settled(export.moved_to(ExportState.PENDING, now, due_at))


def _doubted(export: Export, message: str, policy: RetryPolicy, now: datetime) -> _Settled:
    quiet = replace(export, quiet_until=now + policy.settle_time())
    doubted = quiet.moved_to(ExportState.IN_DOUBT, now, due_at=now + policy.probe_delay(0))
    return _Settled(doubted, (events.in_doubt_event(doubted, message, now),))


def _undecided(export: Export, asked: str, policy: RetryPolicy, now: datetime, *, needs_person: bool) -> _Settled:
    """In doubt for longer; an export reopened by an approver merely waits until silence is a proof."""
    next_probe = _next_probe(export, policy, now)
    if export.state is not ExportState.IN_DOUBT:
        return _Settled(export.moved_to(ExportState.PENDING, now, next_probe))
    doubted = export.moved_to(ExportState.IN_DOUBT, now, None if needs_person else next_probe)
    return _Settled(doubted, (events.in_doubt_event(doubted, asked, now),))


def _next_probe(export: Export, policy: RetryPolicy, now: datetime) -> datetime:
    """The next question: ever later, but one of them as soon as silence is a proof."""
    due_at = now + policy.probe_delay(export.probes)
    if export.quiet_until is not None and now < export.quiet_until:
        return min(due_at, export.quiet_until)
    return due_at
