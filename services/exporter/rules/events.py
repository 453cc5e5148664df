"""The events by which the exporter tells what became of an export."""

from datetime import datetime

from schemas.commitment import ErpDocument
from schemas.envelope import Event, new_event
from schemas.events import EventData, ExportFailed, ExportInDoubt, ExportSucceeded, Failure
from services.exporter.rules.export import Export

SOURCE = "countersign/exporter"


def succeeded_event(export: Export, document: ErpDocument, now: datetime) -> Event[EventData]:
    """Tell that the revision is in the ERP as `document`."""
    told = ExportSucceeded(
        company_id=export.company_id,
        project_id=export.project_id,
        commitment_id=export.commitment_id,
        revision=export.revision,
        round=export.round,
        erp_document=document,
    )
    return new_event(told, source=SOURCE, time=now, traceparent=export.traceparent)


def failed_event(export: Export, failure: Failure, now: datetime) -> Event[EventData]:
    """Tell that this round ended without a document being written."""
    told = ExportFailed(
        company_id=export.company_id,
        project_id=export.project_id,
        commitment_id=export.commitment_id,
        revision=export.revision,
        round=export.round,
        failure=failure,
        attempts=export.attempts,
        decided_by=export.decided_by,
        summary=export.summary.model_copy(update={"connection": export.connection}),
    )
    return new_event(told, source=SOURCE, time=now, traceparent=export.traceparent)


def in_doubt_event(export: Export, asked: str, now: datetime) -> Event[EventData]:
    """Tell that the ERP's answer is lost, what was asked since, and when it is asked again."""
    told = ExportInDoubt(
        company_id=export.company_id,
        project_id=export.project_id,
        commitment_id=export.commitment_id,
        revision=export.revision,
        round=export.round,
        since=export.state_since,
        asked=asked,
        probes=export.probes,
        next_probe=export.due_at,
        connection=export.connection,
    )
    return new_event(told, source=SOURCE, time=now, traceparent=export.traceparent)
