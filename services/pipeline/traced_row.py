"""A span for each event that was published: from when it was committed here until Kafka acknowledged it."""

import orjson
from opentelemetry.trace import SpanKind

from services.pipeline import tracing
from services.pipeline.send_queue import OutboxRow


def trace_published(row: OutboxRow) -> None:
    """Tell that Kafka has acknowledged `row`; a tombstone has no trace."""
    if not (tracing.is_on() and row.value):
        return
    envelope = orjson.loads(row.value)
    attributes = {
        "messaging.system": "kafka",
        "messaging.operation.type": "send",
        "messaging.operation.name": "publish",
        "messaging.destination.name": row.topic,
        "messaging.message.id": envelope["id"],
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
