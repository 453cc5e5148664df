"""How approvers' decisions change a commitment's exports; decisions may arrive in any order and more than once."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from schemas.commitment import ErpDocument, summarise
from schemas.envelope import Event
from schemas.events import DecisionAccepted, DecisionDriftAccepted, DecisionRejected, DecisionResolved
from services.exporter.rules.approvers_words import AcceptedDrift, Evidence, Replaced
from services.exporter.rules.drift import told
from services.exporter.rules.export import ApprovedSnapshot, CommitmentExports, Export, ExportState
from services.exporter.rules.failures import failure_of, no_connection
from services.exporter.rules.outcome import Failed
from services.exporter.rules.published_events import Events, failed_event, succeeded_event
from services.pipeline.fold import Decided, RefusedError

DecidedExports = Decided[CommitmentExports, ApprovedSnapshot]
Step = Callable[[CommitmentExports, Export, datetime], tuple[Export, Events]]


def accepted(
    exports: CommitmentExports, event: Event[DecisionAccepted], now: datetime, connection: str | None
) -> DecidedExports:
    """Order the export of a revision and round; a round that is not higher than the known one changes nothing.

    `connection` is the company's ERP connection. A company without one fails at once, as a matter of set-up. That a
    document no longer exists is kept whatever the round.
    """
    _check_company(exports, event.data.company_id)
    before, exports = exports, _without_earlier(_without(exports, event.data.replaces, event.data), event.data)
    known = exports.by_revision.get(event.data.revision)
    if known and known.ordered_round >= event.data.round:
        return Decided(exports, is_changed=exports != before)
    export = _ordered(event, now, connection) if known is None else _reordered(known, event, connection)
    decided = advance(exports.with_export(export), now)
    data, place = event.data, event.place or (None, None)
    snapshot = ApprovedSnapshot(
        data.commitment_id, data.company_id, export.revision, data.round, data.commitment.text, *place
    )
    is_answered = known is not None and known.is_done and not export.is_reopening
    repeated = _success_event(exports, now) if is_answered else ()
    return replace(decided, rows=(snapshot,), publish=(*repeated, *decided.publish))


def resolved(exports: CommitmentExports, event: Event[DecisionResolved], now: datetime) -> DecidedExports:
    """Keep an approver's evidence that the revision is in the ERP; a worker asks the ERP before it counts.

    So with a second approver's word on it: it counts where the ERP cannot be asked. What is withdrawn is no evidence.
    Evidence that names another document than the known one is published all the same, so that somebody sees both.
    """
    _check_company(exports, event.data.company_id)
    data, export = event.data, exports.by_revision.get(event.data.revision)
    evidence, known = _evidence(data), exports.resolved.get(data.revision)
    if known and known.precedence >= evidence.precedence:
        return Decided(exports, is_changed=False)
    exports = replace(exports, company_id=data.company_id, resolved={**exports.resolved, data.revision: evidence})
    if evidence.is_withdrawn:
        exports = _withdrawn(exports, export, evidence)
        return advance(_asked_about(exports, exports.by_revision.get(data.revision), now), now)
    if export and export.state is ExportState.SUCCEEDED and export.document and export.reopened == data.reopened:
        is_other = not _is_same(export.document, data.document)
        return Decided(exports, (succeeded_event(export, data.document, now),) if is_other else ())
    return advance(_asked_about(exports, export, now), now)


def rejected(exports: CommitmentExports, event: Event[DecisionRejected], now: datetime) -> DecidedExports:
    """Keep an approver's rejection: no order for this revision and round, or an earlier one, is carried out any more.

    It may arrive before its order does, for the two have no common sequence.
    """
    _check_company(exports, event.data.company_id)
    before, exports = exports, _without(exports, event.data.unlinks, event.data)
    latest = max(exports.rejected or (0, 0), (event.data.revision, event.data.round))
    if latest == exports.rejected:
        return Decided(exports, is_changed=exports != before)
    return advance(replace(exports, company_id=event.data.company_id, rejected=latest), now)


def drift_accepted(exports: CommitmentExports, event: Event[DecisionDriftAccepted], now: datetime) -> DecidedExports:
    """Keep which differences of the ERP's document an approver has accepted; nothing is exported."""
    del now
    _check_company(exports, event.data.company_id)
    data, known = event.data, exports.accepted_drift
    if known and known.version >= data.version:
        return Decided(exports, is_changed=False)
    found = told(is_missing=data.is_missing, changes=data.differences)
    accepted_drift = AcceptedDrift(data.version, data.revision, data.reopened, found)
    return Decided(replace(exports, company_id=data.company_id, accepted_drift=accepted_drift))


def advance(exports: CommitmentExports, now: datetime) -> DecidedExports:
    """Change unleased exports as far as possible without calling the ERP, with the events that follow."""
    publish: Events = ()
    for step in _STEPS:
        for export in exports.unleased:
            after, new_events = step(exports, export, now)
            exports, publish = exports.with_export(after), publish + new_events
    return Decided(exports, publish)


def fail(exports: CommitmentExports, export: Export, outcome: Failed, now: datetime) -> tuple[Export, Events]:
    """Return `export` with its round failed by `outcome`, and the event that says so."""
    failure = failure_of(outcome, is_in_erp=exports.document is not None)
    failed = replace(export.moved_to(ExportState.FAILED, now), failure=failure)
    return failed, (failed_event(failed, failure, now),)


def _check_company(exports: CommitmentExports, company_id: str) -> None:
    if exports.company_id not in (None, company_id):
        raise RefusedError("other_company", f"The commitment {exports.commitment_id} belongs to another company.")


def _without(
    exports: CommitmentExports, document: ErpDocument | None, decision: DecisionAccepted | DecisionRejected
) -> CommitmentExports:
    """Return the exports with `document` as one that is no longer the commitment's."""
    if document is None:
        return exports
    is_left = isinstance(decision, DecisionAccepted) and decision.moves
    replaced = Replaced(decision.revision, document, decision.reopened, is_left)
    return replace(exports, replaced=exports.replaced | {replaced})


def _without_earlier(exports: CommitmentExports, order: DecisionAccepted) -> CommitmentExports:
    """Return the exports without what was unlinked before `order`, which may be read before those decisions."""
    unlinked = {Replaced(each.revision, each.document, each.reopened) for each in order.unlinked}
    return replace(exports, replaced=exports.replaced | unlinked) if unlinked else exports


def _asked_about(exports: CommitmentExports, export: Export | None, now: datetime) -> CommitmentExports:
    """Return the exports with the ERP to be asked at once about the evidence for `export`, if that is in doubt.

    In any other state its next attempt asks. The connection stays the export's own: the one in the evidence could
    belong to another company.
    """
    is_leased = exports.lease is not None and export is not None and exports.lease.revision == export.revision
    if export is None or is_leased or export.state is not ExportState.IN_DOUBT:
        return exports
    return exports.with_export(export.moved_to(ExportState.IN_DOUBT, now, due_at=now))


def _evidence(data: DecisionResolved) -> Evidence:
    """The evidence; nobody confirms their own."""
    is_confirmed = data.confirmed_by is not None and data.confirmed_by.id != data.decided_by.id
    is_withdrawn = data.withdrawn_by is not None
    return Evidence(data.document, data.evidence, data.reopened, is_confirmed, is_withdrawn, data.round)


def _withdrawn(exports: CommitmentExports, export: Export | None, evidence: Evidence) -> CommitmentExports:
    """Return the exports with `evidence` counted as refused, so that the next one has a number of its own."""
    if export is None or export.is_done or export.reopened != evidence.reopened:
        return exports
    return exports.with_export(replace(export, refused_evidence=max(export.refused_evidence, evidence.number)))


def _is_same(known: ErpDocument, evidence: ErpDocument) -> bool:
    return known.id == evidence.id or known.is_same_as(evidence)


def _ordered(event: Event[DecisionAccepted], now: datetime, connection: str | None) -> Export:
    data = event.data
    return Export(
        commitment_id=data.commitment_id,
        company_id=data.company_id,
        project_id=data.project_id,
        revision=data.revision,
        round=data.round,
        ordered_round=data.round,
        content_hash=data.content_hash,
        decided_by=data.decided_by,
        summary=summarise(data.commitment.commitment, data.sent_by, connection),
        accepted_at=event.time,
        state_since=now,
        due_at=min(now, event.time),  # at once, whichever of the two clocks is ahead of the database's
        connection=connection,
        erp_code=data.erp_code,
        accounting_date=data.accounting_date,
        note=data.note,
        document=data.updates,
        traceparent=event.traceparent,
        reopened=data.reopened,
        ordered_reopened=data.reopened,
    )


def _reordered(known: Export, event: Event[DecisionAccepted], connection: str | None) -> Export:
    """Return `known` with the terms of a higher round; `_reopen` changes its state once no worker has leased it."""
    terms = _ordered(event, known.state_since, connection)
    is_free = known.state is ExportState.FAILED or (event.data.moves and known.state is ExportState.PENDING)
    return replace(
        known,
        ordered_round=terms.ordered_round,
        content_hash=terms.content_hash,
        decided_by=terms.decided_by,
        summary=terms.summary,
        accepted_at=terms.accepted_at,
        connection=connection if is_free else known.connection,
        erp_code=terms.erp_code,
        accounting_date=terms.accounting_date,
        note=terms.note,
        document=terms.document or known.document,
        traceparent=terms.traceparent,
        ordered_reopened=max(known.ordered_reopened, terms.reopened),
    )


def _success_event(exports: CommitmentExports, now: datetime) -> Events:
    """Return the success that answers an order for a revision that is done, so that nobody waits for an outcome."""
    success = exports.newest_success
    return (succeeded_event(success, success.document, now),) if success and success.document else ()


def _start_next_round(_exports: CommitmentExports, export: Export, now: datetime) -> tuple[Export, Events]:
    """A higher round starts again from the beginning, but keeps `quiet_until`: an earlier call may still land."""
    if export.ordered_round == export.round or (export.is_done and not export.is_reopening):
        return replace(export, round=export.ordered_round), ()
    pending = export.moved_to(ExportState.PENDING, now, due_at=min(now, export.accepted_at))
    refused_evidence = 0 if export.is_reopening else export.refused_evidence
    return replace(
        pending,
        round=export.ordered_round,
        reopened=export.ordered_reopened,
        refused_evidence=refused_evidence,
        attempts=0,
        probes=0,
        doubt=None,
        failure=None,
    ), ()


def _supersede(exports: CommitmentExports, export: Export, now: datetime) -> tuple[Export, Events]:
    """A revision below the highest success is not exported; that success answers it."""
    success = exports.newest_success
    if export.is_done or success is None or export.revision > success.revision:
        return export, ()
    new_events = () if export.state is ExportState.FAILED else _success_event(exports, now)
    return export.moved_to(ExportState.SUPERSEDED, now), new_events


def _close(exports: CommitmentExports, export: Export, now: datetime) -> tuple[Export, Events]:
    """An overruled order fails silently, for approval knows; a failure is closed once nobody has to act on it.

    What is in doubt stays so: it may be in the ERP already.
    """
    is_overruled = exports.is_overruled(export)
    if is_overruled and export.state is ExportState.PENDING:
        export = export.moved_to(ExportState.FAILED, now)
    is_followed = max(exports.by_revision) > export.revision
    return replace(export, is_closed=export.state is ExportState.FAILED and (is_overruled or is_followed)), ()


def _fail_without_connection(exports: CommitmentExports, export: Export, now: datetime) -> tuple[Export, Events]:
    if export.state is not ExportState.PENDING or exports.connection_for(export) is not None:
        return export, ()
    return fail(exports, export, no_connection(export.company_id, export.summary), now)


_STEPS: tuple[Step, ...] = (_start_next_round, _supersede, _close, _fail_without_connection)
