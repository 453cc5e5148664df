"""One span for each event of a batch, which everything that follows from the event continues."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from opentelemetry.trace import Span, SpanKind

from schemas.envelope import Event
from schemas.events import EventData
from services.pipeline import tracing
from services.pipeline.decoding import DecodedBatch
from services.pipeline.fold import Folded
from services.pipeline.records import Record


class TracedBatch:
    """A decoded batch; while tracing is on, `decoded` has events that name their spans instead of their senders'."""

    def __init__(self, service: str, decoded: DecodedBatch) -> None:
        self.decoded = decoded
        self._spans: dict[int, Span] = {}
        if tracing.is_on():
            events = [(record, self._begun(service, record, event)) for record, event in decoded.events]
            self.decoded = replace(decoded, events=events)

    def _begun(self, service: str, record: Record, event: Event[EventData]) -> Event[EventData]:
        topic, partition = record.partition
        attributes: tracing.Attributes = {
            "messaging.system": "kafka",
            "messaging.operation.type": "process",
            "messaging.operation.name": "process",
            "messaging.destination.name": topic,
            "messaging.destination.partition.id": str(partition),
            "messaging.kafka.offset": record.offset,
            "messaging.message.id": str(event.id),
            "messaging.consumer.group.name": f"countersign.{service}",
            "countersign.subject": event.subject,
        }
        span = tracing.begin(f"process {topic}", event.traceparent, attributes, kind=SpanKind.CONSUMER)
        traced = replace(event, traceparent=tracing.traceparent_of(span))
        self._spans[id(traced)] = span
        return traced

    def end(self, folded: Sequence[Folded[Any, Any]]) -> None:
        """End the spans once everything is committed, with what became of each event."""
        for event, is_changed in (outcome for each in folded for outcome in each.outcomes) if self._spans else ():
            self._spans[id(event)].set_attribute("countersign.outcome", "applied" if is_changed else "unchanged")
        for event, error in (refused for each in folded for refused in each.refused) if self._spans else ():
            self._spans[id(event)].set_attribute("countersign.outcome", "dead_lettered")
            tracing.fail(self._spans[id(event)], type(error).__name__)
        for span in self._spans.values():
            span.end()
