"""The table of events that the exporter handles, and all that it publishes."""

from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any

from schemas.envelope import Event
from schemas.events import (
    DecisionAccepted,
    DecisionDriftAccepted,
    DecisionRejected,
    DecisionResolved,
    ErpConnection,
    ErpReference,
    ExportDrifted,
    ExportFailed,
    ExportInDoubt,
    ExportSucceeded,
)
from services.exporter.rules import event_handlers
from services.exporter.rules.event_handlers import DecidedExports
from services.exporter.rules.export import CommitmentExports
from services.pipeline.fold import On

PUBLISHED = (ErpConnection, ErpReference, ExportDrifted, ExportFailed, ExportInDoubt, ExportSucceeded)

Route = Callable[[DecisionAccepted, Collection[str]], str | None]
"""Names the ERP connection that takes an order, given the names that the commitment's exports have used."""


def handlers(route: Route) -> tuple[On[Any, Any, Any], ...]:
    """Return the exporter's handlers; `route` names the ERP connection that takes an order."""

    def accepted(exports: CommitmentExports, event: Event[DecisionAccepted], now: datetime) -> DecidedExports:
        return event_handlers.accepted(exports, event, now, route(event.data, exports.used_connections))

    return (
        On(DecisionAccepted, accepted),
        On(DecisionRejected, event_handlers.rejected),
        On(DecisionResolved, event_handlers.resolved),
        On(DecisionDriftAccepted, event_handlers.drift_accepted),
    )
