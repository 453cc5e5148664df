"""What approvers' decisions do to a commitment's exports: joins only, so that order and repetition do not matter."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from schemas.commitment import summarise
from schemas.envelope import Event
from schemas.events import DecisionAccepted, DecisionResolved, EventData
from services.exporter.rules import events
from services.exporter.rules.export import ApprovedSnapshot, CommitmentExports, Export, ExportState
from services.exporter.rules.failures import failure_of, no_connection
from services.pipeline.fold import Decided, RefusedError

DecidedExports = Decided[CommitmentExports, ApprovedSnapshot]
Events = tuple[Event[EventData], ...]
Step = Callable[[CommitmentExports, Export, datetime], tuple[Export, Events]]


def accepted(
    exports: CommitmentExports, event: Event[DecisionAccepted], now: datetime, connection: str | None
) -> DecidedExports:
    """The order of this revision and round; a round that is not higher than the known one changes nothing.

    `connection` is where the company's orders go; without one the export fails at once, as a matter of set-up.
    """
    _check_company(exports, event.data.company_id)
    known = exports.by_revision.get(event.data.revision)
    if known and known.ordered_round >= event.data.round:
        return Decided(exports, is_changed=False)
    export = _ordered(event, now, connection) if known is None else _reordered(known, event, connection)
    decided = advance(exports.with_export(export), now)
    text = ApprovedSnapshot(
        event.data.commitment_id, event.data.company_id, export.revision, event.data.round, event.data.commitment.text
    )
    return replace(decided, rows=(text,), publish=(*_repeat_success(exports, known, now), *decided.publish))


def resolved(exports: CommitmentExports, event: Event[DecisionResolved], now: datetime) -> DecidedExports:
    """The approver's word that the revision is in the ERP, kept until the export can be settled with it.

    A word that names another document than the known one is told all the same, so that somebody sees both.
    """
    _check_company(exports, event.data.company_id)
    document, export = event.data.document, exports.by_revision.get(event.data.revision)
    vouched = replace(
        exports, company_id=event.data.company_id, resolved={event.data.revision: document, **exports.resolved}
    )
    if export and export.document and export.document.id != document.id:
        return Decided(vouched, (events.succeeded_event(export, document, now),), is_changed=vouched != exports)
    return replace(advance(vouched, now), is_changed=vouched != exports)


def advance(exports: CommitmentExports, now: datetime) -> DecidedExports:
    """Everything that follows for idle exports without asking the ERP, and the events that tell of it."""
    publish: Events = ()
    for step in _STEPS:
        for export in exports.idle:
            after, news = step(exports, export, now)
            exports, publish = exports.with_export(after), publish + news
    return Decided(exports, publish)


def _check_company(exports: CommitmentExports, company_id: str) -> None:
    if exports.company_id not in (None, company_id):
        raise RefusedError("other_company", f"The commitment {exports.commitment_id} belongs to another company.")


def _ordered(event: Event[DecisionAccepted], now: datetime, connection: str | None) -> Export:
    order = event.data
    return Export(
        commitment_id=order.commitment_id,
        company_id=order.company_id,
        project_id=order.project_id,
        revision=order.revision,
        round=order.round,
        ordered_round=order.round,
        content_hash=order.content_hash,
        decided_by=order.decided_by,
        summary=summarise(order.commitment.commitment, order.sent_by, connection),
        accepted_at=event.time,
        state_since=now,
        due_at=now,
        connection=connection,
        erp_code=order.erp_code,
        accounting_date=order.accounting_date,
        note=order.note,
        traceparent=event.traceparent,
    )


def _reordered(known: Export, event: Event[DecisionAccepted], connection: str | None) -> Export:
    """`known` under the terms of a higher round; its state follows once no worker holds it."""
    terms = _ordered(event, known.state_since, connection)
    return replace(
        known,
        ordered_round=terms.ordered_round,
        content_hash=terms.content_hash,
        decided_by=terms.decided_by,
        summary=terms.summary,
        accepted_at=terms.accepted_at,
        connection=connection if known.state is ExportState.FAILED else known.connection,
        erp_code=terms.erp_code,
        accounting_date=terms.accounting_date,
        note=terms.note,
        traceparent=terms.traceparent,
    )


def _repeat_success(exports: CommitmentExports, known: Export | None, now: datetime) -> Events:
    """Tell of the success again when a revision is ordered that has it already, lest somebody wait for ever."""
    success = exports.newest_success
    is_settled = known is not None and known.state in (ExportState.SUCCEEDED, ExportState.SUPERSEDED)
    return (
        (events.succeeded_event(success, success.document, now),) if is_settled and success and success.document else ()
    )


def _settle_with_evidence(exports: CommitmentExports, export: Export, now: datetime) -> tuple[Export, Events]:
    """An approver's evidence settles an export whatever round or state it is in.

    It never says to which ERP later revisions go: that could be another company's.
    """
    document, connection = exports.resolved.get(export.revision), exports.connection_for(export)
    if document is None or connection is None or export.state in (ExportState.SUCCEEDED, ExportState.SUPERSEDED):
        return export, ()
    document = document.model_copy(update={"connection": connection})
    settled = replace(
        export.moved_to(ExportState.SUCCEEDED, now), document=document, failure=None, round=export.ordered_round
    )
    return settled, (events.succeeded_event(settled, document, now),)


def _reopen(exports: CommitmentExports, export: Export, now: datetime) -> tuple[Export, Events]:
    """A higher round starts afresh, but what is not known of an earlier call stays unknown."""
    del exports
    if export.ordered_round == export.round or export.state in (ExportState.SUCCEEDED, ExportState.SUPERSEDED):
        return replace(export, round=export.ordered_round), ()
    reopened = export.moved_to(ExportState.PENDING, now, due_at=now)
    return replace(reopened, round=export.ordered_round, attempts=0, probes=0, failure=None), ()


def _supersede(exports: CommitmentExports, export: Export, now: datetime) -> tuple[Export, Events]:
    """An order below the highest success is not carried out, and answered with that success."""
    success = exports.newest_success
    is_settled = export.state in (ExportState.SUCCEEDED, ExportState.SUPERSEDED)
    if is_settled or success is None or success.document is None or export.revision > success.revision:
        return export, ()
    news = () if export.state is ExportState.FAILED else (events.succeeded_event(success, success.document, now),)
    return export.moved_to(ExportState.SUPERSEDED, now), news


def _fail_without_connection(exports: CommitmentExports, export: Export, now: datetime) -> tuple[Export, Events]:
    connection = exports.connection_for(export)
    if export.state is not ExportState.PENDING or connection is not None:
        return export, ()
    failure = failure_of(no_connection(export.company_id), is_in_erp=exports.document is not None)
    failed = replace(export.moved_to(ExportState.FAILED, now), failure=failure)
    return failed, (events.failed_event(failed, failure, now),)


_STEPS: tuple[Step, ...] = (_settle_with_evidence, _reopen, _supersede, _fail_without_connection)
