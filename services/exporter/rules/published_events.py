"""Builds the events that the exporter publishes about an export."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from schemas.commitment import ErpDocument
from schemas.envelope import Event, new_event
from schemas.events import EventData, ExportFailed, ExportInDoubt, ExportSucceeded, Failure
from services.exporter.rules.about import UNNAMED_ERP
from services.exporter.rules.export import Export

SOURCE = "countersign/exporter"

Events = tuple[Event[EventData], ...]


def named(export: Export, erp: str) -> Export:
    """Return `export` with what people call its ERP, for the events that follow."""
    if erp in (UNNAMED_ERP, export.summary.erp):
        return export
    return replace(export, summary=export.summary.model_copy(update={"erp": erp}))


def succeeded_event(export: Export, document: ErpDocument, now: datetime, shown: str | None = None) -> Event[EventData]:
    """Return the event that the revision is in the ERP as `document`; `shown` is what the ERP said of evidence."""
    data = ExportSucceeded(**_identity(export), erp_document=document, erp=export.summary.erp, shown=shown)
    return _event(export, data, now)


def failed_event(export: Export, failure: Failure, now: datetime) -> Event[EventData]:
    """Return the event that this round ended without a document being written."""
    data = ExportFailed(
        **_identity(export),
        failure=failure,
        attempts=export.attempts,
        decided_by=export.decided_by,
        summary=export.summary.model_copy(update={"connection": export.connection}),
    )
    return _event(export, data, now)


def in_doubt_event(export: Export, asked: str, now: datetime, checks_evidence: int = 0) -> Event[EventData]:
    """Return the event that the ERP's answer was lost; `asked` says what the ERP has been asked since.

    `checks_evidence` is the number of the evidence that it was asked about, if that stays open.
    """
    data = ExportInDoubt(
        **_identity(export),
        since=export.state_since,
        asked=asked,
        probes=export.probes,
        next_probe=export.due_at,
        connection=export.connection,
        erp=export.summary.erp,
        refused_evidence=export.refused_evidence,
        checks_evidence=checks_evidence,
    )
    return _event(export, data, now)


def _identity(export: Export) -> dict[str, Any]:
    return {
        "company_id": export.company_id,
        "project_id": export.project_id,
        "commitment_id": export.commitment_id,
        "revision": export.revision,
        "round": export.round,
        "reopened": export.reopened,
    }


def _event(export: Export, data: EventData, now: datetime) -> Event[EventData]:
    return new_event(data, source=SOURCE, time=now, traceparent=export.traceparent)
