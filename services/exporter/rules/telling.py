"""What the exporter tells of one commitment, made of what it has stored."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from schemas.events import DecisionAccepted
from schemas.story import Place, ToldConnection, ToldExport, ToldOrder
from services.exporter.rules.circuit import Circuit
from services.exporter.rules.export import Export


def told_export(export: Export) -> ToldExport:
    """The export of one revision."""
    return ToldExport(
        revision=export.revision,
        round=export.round,
        ordered_round=export.ordered_round,
        state=export.state.value,
        state_since=export.state_since,
        accepted_at=export.accepted_at,
        due_at=export.due_at,
        connection=export.connection,
        attempts=export.attempts,
        probes=export.probes,
        marker=export.marker,
        document=export.document,
        failure=export.failure and export.failure.message,
        doubt=export.doubt and export.doubt.message,
        is_closed=export.is_closed,
    )


def told_order(revision: int, round: int, partition: int, offset: int) -> ToldOrder:  # noqa: A002 - the contract's word
    """Where an order was read."""
    place = Place(topic=DecisionAccepted.topic, partition=partition, offset=offset)
    return ToldOrder(revision=revision, round=round, read_at=place)


def told_connection(
    name: str,
    told: str | None,
    circuit: Circuit,
    poller: Mapping[str, Any],
    *,
    is_configured: bool,
    now: datetime,
) -> ToldConnection:
    """A connection; `told` is its last announcement: its title, what waits for it, and whether the ERP polls."""
    announced = json.loads(told) if told else {}
    is_paused = circuit.paused_until is not None and circuit.paused_until > now
    return ToldConnection(
        name=name,
        title=announced.get("title") or name,
        is_configured=is_configured,
        open_since=circuit.open_since,
        try_at=circuit.try_at if circuit.open_since else None,
        paused_until=circuit.paused_until if is_paused else None,
        reason=circuit.reason if circuit.is_held_back(now) else None,
        last_contact=circuit.last_contact,
        queue_length=announced.get("queue_length"),
        is_polled=bool(announced.get("poller")),
        last_asked=poller.get("last_asked"),
        trouble=poller.get("trouble"),
    )
