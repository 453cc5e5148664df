"""How the beginning and the outcome of an attempt change a commitment's exports."""

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from schemas.commitment import ErpDocument
from services.exporter.connectors.types import FoundDocument, Landed, Refused, Transient, Unknown
from services.exporter.rules.about import About
from services.exporter.rules.approvers_words import Evidence
from services.exporter.rules.circuit import Circuit
from services.exporter.rules.event_handlers import DecidedExports, advance, fail
from services.exporter.rules.evidence import MAX_READS
from services.exporter.rules.export import CommitmentExports, Doubt, Export, ExportLease, ExportState
from services.exporter.rules.failures import connector_broken, given_up
from services.exporter.rules.outcome import (
    AttemptOutcome,
    Broken,
    ConnectionGone,
    DocumentGone,
    Failed,
    NotRepeated,
    NotSent,
    Overruled,
    Unconfirmed,
    Undecided,
    WrongEvidence,
    WrongTerms,
)
from services.exporter.rules.policy import RetryPolicy
from services.exporter.rules.published_events import Events, in_doubt_event, named, succeeded_event

PROCESS_ENDED = "The exporter ended before it knew the ERP's answer."
_CLOSED = Circuit()


def begin_attempt(
    exports: CommitmentExports, token: UUID, until: datetime, policy: RetryPolicy, now: datetime
) -> CommitmentExports:
    """Lease the current export.

    If an earlier lease expired, the export is in doubt: its holder may have written to the ERP before it died.
    """
    export = exports.current
    if export is None:
        raise ValueError(f"nothing is to be done for {exports.commitment_id}")
    if exports.lease is not None:
        # counted as an attempt, so that a write which kills its process is not repeated for ever
        export = replace(
            export.moved_to(ExportState.IN_DOUBT, now),
            quiet_until=now + policy.settle_time(),
            attempts=export.attempts + 1,
            doubt=export.doubt or Doubt(message=PROCESS_ENDED),
        )
    elif export.state is ExportState.PENDING:
        export = replace(export.moved_to(ExportState.IN_FLIGHT, now), connection=exports.connection_for(export))
    return replace(exports.with_export(export), lease=ExportLease(token, export.revision, until))


def settle_attempt(
    exports: CommitmentExports,
    token: UUID,
    outcome: AttemptOutcome,
    policy: RetryPolicy,
    now: datetime,
    circuit: Circuit = _CLOSED,
    shown: str | None = None,
) -> DecidedExports | None:
    """End the lease `token` with `outcome`, and publish what follows; None if that lease is no longer held.

    `circuit` is the connection's after the attempt: an outage is not the export's fault. A failure or doubt is not
    published if an approver has ordered a higher round, or has rejected this one, meanwhile. `shown` is what the ERP
    showed for the document that an approver named.
    """
    if exports.lease is None or exports.lease.token != token:
        return None
    leased = named(exports.by_revision[exports.lease.revision], policy.erp)
    put_off = None if exports.evidence_for(leased) else _put_off(leased, outcome, policy, now, circuit)
    export, events = put_off or _settled(exports, leased, outcome, policy, now, circuit, shown)
    is_overtaken = export.state is not ExportState.SUCCEEDED and (
        export.ordered_round != export.round or exports.is_overruled(export)
    )
    decided = advance(replace(exports.with_export(export), lease=None), now)
    return replace(decided, publish=decided.publish if is_overtaken else (*events, *decided.publish))


def _put_off(
    export: Export, outcome: AttemptOutcome, policy: RetryPolicy, now: datetime, circuit: Circuit
) -> tuple[Export, Events] | None:
    """Return `export` as if there had been no attempt, if calls are held back; None if the outcome counts.

    It keeps its place in the queue, so that the queue drains in the order of acceptance after an outage. Evidence is
    never put off in silence: somebody waits, and is told why.
    """
    if not circuit.is_held_back(now):
        return None
    if isinstance(outcome, Transient) and (not outcome.is_reached or outcome.retry_after_seconds > 0):
        return export.moved_to(ExportState.PENDING, now, due_at=min(now, export.accepted_at)), ()
    if isinstance(outcome, Undecided) and not outcome.needs_person and export.state is ExportState.IN_DOUBT:
        return export.moved_to(ExportState.IN_DOUBT, now, due_at=_next_probe(export, policy, now)), ()
    return None


def _settled(
    exports: CommitmentExports,
    export: Export,
    outcome: AttemptOutcome,
    policy: RetryPolicy,
    now: datetime,
    circuit: Circuit,
    shown: str | None,
) -> tuple[Export, Events]:
    probed = replace(export, probes=export.probes + (export.state is ExportState.IN_DOUBT))
    attempted = replace(probed, attempts=export.attempts + 1)
    match outcome:
        case Landed(documents):
            return _succeeded(export, documents, exports.evidence_for(export), now, shown)
        case Refused() | DocumentGone() | ConnectionGone() | WrongTerms() | NotRepeated():
            return _failed(exports, probed, outcome, now)
        case Transient() | Broken():
            return _retried(exports, attempted, outcome, policy, now, circuit)
        case Unknown():
            return _lost(attempted, outcome, policy, now)
        case Undecided() | WrongEvidence() | Unconfirmed():
            return _not_settled(exports, probed, outcome, policy, now)
        case NotSent() | Overruled():
            return _unwritten(export, outcome, now), ()


def unless_changed(
    exports: CommitmentExports, checked: ErpDocument | None, outcome: AttemptOutcome, *, is_confirmed: bool
) -> AttemptOutcome:
    """Return the `outcome` of checking evidence; NotSent if approvers have changed it since: it is checked again then.

    An answer of the ERP counts for evidence that a second approver has confirmed meanwhile.
    """
    leased = exports.by_revision[exports.lease.revision] if exports.lease else None
    evidence = exports.evidence_for(leased) if leased else None
    if evidence is None or evidence.document != checked:
        return NotSent()
    is_same = evidence.is_confirmed == is_confirmed or isinstance(outcome, (Landed, WrongEvidence))
    return outcome if is_same else NotSent()


def _failed(
    exports: CommitmentExports, export: Export, outcome: Failed | NotRepeated, now: datetime
) -> tuple[Export, Events]:
    """A refusal is the answer to one more call; a write that is not repeated, or never made, is none."""
    if isinstance(outcome, NotRepeated):
        return fail(exports, export, outcome.refused, now)
    if isinstance(outcome, WrongTerms):
        return fail(exports, export, outcome, now)
    return fail(exports, replace(export, attempts=export.attempts + 1), outcome, now)


def _succeeded(
    export: Export, documents: tuple[FoundDocument, ...], evidence: Evidence | None, now: datetime, shown: str | None
) -> tuple[Export, Events]:
    """Publish every document that the ERP has, and the one an approver named: two of them must not go unnoticed."""
    found = {document.id: erp_document(export, document) for document in documents}
    succeeded = replace(
        export.moved_to(ExportState.SUCCEEDED, now),
        attempts=export.attempts + 1,
        document=next(iter(found.values())),
        failure=None,
        quiet_until=None,
        doubt=None,
    )
    named = evidence and evidence.document.model_copy(update={"connection": export.connection})
    if named and not any(named.is_same_as(document) for document in found.values()):
        found.setdefault(named.id, named)
    return succeeded, tuple(succeeded_event(succeeded, document, now, shown) for document in found.values())


def erp_document(export: Export, document: FoundDocument) -> ErpDocument:
    """What the ERP that `export` went to lists, as a document of that connection."""
    return ErpDocument(connection=export.connection or "", id=document.id, number=document.number, url=document.url)


def _retried(
    exports: CommitmentExports,
    export: Export,
    obstacle: Transient | Broken,
    policy: RetryPolicy,
    now: datetime,
    circuit: Circuit,
) -> tuple[Export, Events]:
    """An export is not given up while its ERP has been silent to all calls since its first attempt."""
    is_silent = isinstance(obstacle, Transient) and not obstacle.is_reached and circuit.missed_calls >= export.attempts
    if export.attempts >= policy.max_attempts and not is_silent:
        explain = given_up if isinstance(obstacle, Transient) else connector_broken
        about = About(export.summary.number, policy.erp)
        return fail(exports, export, explain(about, obstacle.message, export.attempts), now)
    retry_after_seconds = obstacle.retry_after_seconds if isinstance(obstacle, Transient) else 0.0
    due_at = now + policy.retry_delay(export.attempts, export.commitment_id, retry_after_seconds)
    return export.moved_to(ExportState.PENDING, now, due_at), ()


def _lost(export: Export, unknown: Unknown, policy: RetryPolicy, now: datetime) -> tuple[Export, Events]:
    """The answer to a write was lost: probe soon, and wait `settle_seconds` before finding nothing proves anything."""
    quiet = replace(export, quiet_until=now + policy.settle_time(), doubt=_doubt(unknown))
    in_doubt = quiet.moved_to(ExportState.IN_DOUBT, now, due_at=now + policy.probe_delay(0, export.commitment_id))
    return in_doubt, (in_doubt_event(in_doubt, unknown.message, now),)


def _doubt(unknown: Unknown) -> Doubt:
    refusal = unknown.refusal
    if refusal is None:
        return Doubt(message=unknown.message)
    return Doubt(
        message=refusal.message,
        failure_class=refusal.failure_class,
        code=refusal.code,
        owner=refusal.owner,
        next_step=refusal.next_step,
    )


def _unwritten(export: Export, outcome: NotSent | Overruled, now: datetime) -> Export:
    """An overruled export is over, without an event: approval knows. The other one is taken up again at once."""
    if isinstance(outcome, Overruled):
        return export.moved_to(ExportState.FAILED, now)
    state = ExportState.IN_DOUBT if export.state is ExportState.IN_DOUBT else ExportState.PENDING
    return export.moved_to(state, now, due_at=now)


def _not_settled(
    exports: CommitmentExports,
    export: Export,
    outcome: Undecided | WrongEvidence | Unconfirmed,
    policy: RetryPolicy,
    now: datetime,
) -> tuple[Export, Events]:
    evidence = exports.evidence_for(export)
    number = evidence.number if evidence else 0
    match outcome:
        case Undecided():
            return _undecided(export, outcome, policy, now, number)
        case Unconfirmed(asked) if evidence and evidence.round >= export.ordered_round:
            return _unconfirmed(export, number, asked, now)
        case Unconfirmed(asked):
            return _without_evidence(export, number, asked, policy, now)
        case WrongEvidence(message):
            return _without_evidence(export, number, message, policy, now)


def _undecided(
    export: Export, undecided: Undecided, policy: RetryPolicy, now: datetime, evidence: int
) -> tuple[Export, Events]:
    """The export stays in doubt; one for which a round was ordered meanwhile stays pending and is probed silently.

    One that had failed before a look put it in doubt has failed again: people can answer that, but not this doubt.
    While `evidence` with this number has to be checked, the ERP is asked often at first: somebody waits for the answer.
    """
    if export.is_doubted_again:
        return export.moved_to(ExportState.FAILED, now), ()
    asked_for = now + timedelta(seconds=undecided.retry_after_seconds)
    soon = now + policy.probe_delay(max(export.probes - MAX_READS, 0), export.commitment_id)
    next_probe = max(soon if evidence else _next_probe(export, policy, now), asked_for)
    if export.state is not ExportState.IN_DOUBT:
        return export.moved_to(ExportState.PENDING, now, next_probe), ()
    is_over = undecided.needs_person and not evidence
    in_doubt = export.moved_to(ExportState.IN_DOUBT, now, None if is_over else next_probe)
    return in_doubt, (in_doubt_event(in_doubt, _asked(undecided, export.doubt), now, evidence),)


def _unconfirmed(export: Export, evidence: int, asked: str, now: datetime) -> tuple[Export, Events]:
    """The export waits for a second approver: nothing is written while somebody says that its document exists."""
    doubted = replace(export, doubt=export.doubt or Doubt(message=asked))
    waiting = doubted.moved_to(ExportState.IN_DOUBT, now, None)
    return waiting, (in_doubt_event(waiting, asked, now, evidence),)


def _asked(undecided: Undecided, doubt: Doubt | None) -> str:
    """What the ERP said to the question, and why there was one; once, where an outage is the reason of both."""
    if doubt is None or doubt.message in undecided.asked:
        return undecided.asked
    return f"{undecided.asked} It is in doubt because of this: {doubt.message}"


def _without_evidence(
    export: Export, evidence: int, why: str, policy: RetryPolicy, now: datetime
) -> tuple[Export, Events]:
    """The export is probed as if nobody had named a document; approval is told, so that somebody names another.

    So is one for which an approver has ordered another round since: that is the later word.
    """
    without = replace(export, refused_evidence=max(export.refused_evidence, evidence))
    if export.state is not ExportState.IN_DOUBT:
        return without.moved_to(ExportState.PENDING, now, due_at=now), ()
    in_doubt = without.moved_to(ExportState.IN_DOUBT, now, _next_probe(export, policy, now))
    return in_doubt, (in_doubt_event(in_doubt, why, now),)


def _next_probe(export: Export, policy: RetryPolicy, now: datetime) -> datetime:
    """Return when to probe next: after a growing delay, but in any case at `quiet_until` if that is sooner."""
    due_at = now + policy.probe_delay(export.probes, export.commitment_id)
    if export.quiet_until is not None and now < export.quiet_until:
        return min(due_at, export.quiet_until)
    return due_at
