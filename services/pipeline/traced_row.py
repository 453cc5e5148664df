"""A span for each event that was published: from when it was committed here until Kafka acknowledged it."""

from typing import Any

import orjson
from opentelemetry.trace import SpanKind

from services.pipeline import tracing
from services.pipeline.send_queue import OutboxRow


def trace_published(row: OutboxRow) -> None:
    """Tell that Kafka has acknowledged `row`; a tombstone has no trace."""
    if not (tracing.is_on() and row.value):
        return
    envelope = _envelope(row.value)
    if envelope is None:
        return
    attributes = {
        "messaging.system": "kafka",
        "messaging.operation.type": "send",
        "messaging.operation.name": "publish",
        "messaging.destination.name": row.topic,
        "messaging.message.id": str(envelope.get("id")),
        "countersign.subject": row.key,
    }
    span = tracing.begin(
        f"publish {row.topic}",
        envelope.get("traceparent"),
        attributes,
        kind=SpanKind.PRODUCER,
        began_at=tracing.nanoseconds(row.created_at),
    )
    span.end()


def _envelope(value: bytes) -> dict[str, Any] | None:
    """Return the members of an event; None of what is none, which Kafka takes all the same."""
    try:
        envelope = orjson.loads(value)
    except orjson.JSONDecodeError:
        return None
    return envelope if isinstance(envelope, dict) else None
