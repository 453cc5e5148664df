"""Spans continue the trace of a traceparent; while tracing is off, everything is passed on as it came."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from time import time_ns

import pytest
from fastapi import APIRouter
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode
from starlette.testclient import TestClient

from schemas.envelope import encode, new_event
from schemas.events import CommitmentSent
from schemas.examples.cast import CONCRETE_1
from schemas.examples.example import submitted
from services.pipeline import tracing
from services.pipeline.decoding import DecodedBatch
from services.pipeline.fold import Folded
from services.pipeline.http import new_app
from services.pipeline.records import Partition, Record
from services.pipeline.send_queue import OutboxRow
from services.pipeline.traced_batch import TracedBatch
from services.pipeline.traced_row import trace_published
from tests.in_memory_traces import kept_in_memory

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
SENT = f"00-{TRACE}-{PARENT}-01"
UNSAMPLED = f"00-{TRACE}-{PARENT}-00"
NOW = datetime(2026, 11, 29, 6, tzinfo=UTC)
EVENT = new_event(CommitmentSent(**submitted(CONCRETE_1, 1)), source="upstream", time=NOW, traceparent=SENT)
RECORD = Record(Partition("commitment.sent", 3), 1207, EVENT.subject.encode(), encode(EVENT), [], NOW)
DECODED = DecodedBatch([(RECORD, EVENT)], [])


@pytest.fixture
def kept() -> Iterator[InMemorySpanExporter]:
    with kept_in_memory() as exporter:
        yield exporter


def test_nothing_changes_while_tracing_is_off() -> None:
    traced = TracedBatch("approval", DECODED)
    traced.end([])
    trace_published(OutboxRow(1, NOW, "commitment.sent", EVENT.subject, encode(EVENT)))
    with tracing.continued("decide accept", SENT, {}) as traceparent:
        assert traceparent == SENT

    assert traced.decoded is DECODED
    assert not tracing.is_on()
    assert tracing.exemplar(SENT) is None
    assert tracing.current() is None


def test_what_follows_from_an_event_continues_its_span(kept: InMemorySpanExporter) -> None:
    traced = TracedBatch("approval", DECODED)
    ((record, event),) = traced.decoded.events
    traced.end([Folded([], [], [], [(event, True)])])
    (span,) = kept.get_finished_spans()

    assert record is RECORD
    assert event.traceparent == f"00-{TRACE}-{span.context.span_id:016x}-01"
    assert (span.name, span.kind) == ("process commitment.sent", SpanKind.CONSUMER)
    assert span.parent is not None
    assert f"{span.parent.span_id:016x}" == PARENT
    assert dict(span.attributes or {}) == {
        "messaging.system": "kafka",
        "messaging.operation.type": "process",
        "messaging.operation.name": "process",
        "messaging.destination.name": "commitment.sent",
        "messaging.destination.partition.id": "3",
        "messaging.kafka.offset": 1207,
        "messaging.message.id": str(EVENT.id),
        "messaging.consumer.group.name": "countersign.approval",
        "countersign.subject": EVENT.subject,
        "countersign.outcome": "applied",
    }


def test_an_event_that_is_refused_is_a_failed_span_without_its_words(kept: InMemorySpanExporter) -> None:
    traced = TracedBatch("approval", DECODED)
    ((_, event),) = traced.decoded.events
    traced.end([Folded([], [], [(event, ValueError("Concrete works"))], [])])
    (span,) = kept.get_finished_spans()

    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, "ValueError")
    assert (span.attributes or {})["countersign.outcome"] == "dead_lettered"


def test_a_batch_that_was_undone_leaves_no_span(kept: InMemorySpanExporter) -> None:
    TracedBatch("approval", DECODED)

    assert kept.get_finished_spans() == ()


def test_a_published_row_tells_how_long_it_waited(kept: InMemorySpanExporter) -> None:
    written = datetime.now(UTC) - timedelta(seconds=2)
    trace_published(OutboxRow(1, written, "commitment.sent", EVENT.subject, encode(EVENT)))
    trace_published(OutboxRow(2, written, "directory.person", "person-1", b""))
    (span,) = kept.get_finished_spans()

    assert (span.name, span.kind) == ("publish commitment.sent", SpanKind.PRODUCER)
    assert f"{span.context.trace_id:032x}" == TRACE
    assert span.start_time is not None
    assert span.end_time is not None
    assert 2e9 <= span.end_time - span.start_time < 60e9


def test_a_row_of_a_clock_that_is_ahead_ends_no_earlier_than_it_begins(kept: InMemorySpanExporter) -> None:
    ahead = datetime.now(UTC) + timedelta(days=365)
    trace_published(OutboxRow(1, ahead, "commitment.sent", EVENT.subject, encode(EVENT)))
    (span,) = kept.get_finished_spans()

    assert span.start_time is not None
    assert span.end_time is not None
    assert span.start_time <= span.end_time <= time_ns()


def test_a_call_that_has_ended_took_its_seconds(kept: InMemorySpanExporter) -> None:
    tracing.record("call ERP", SENT, {"countersign.answer": "unknown"}, 1.5, kind=SpanKind.CLIENT, failed="unknown")
    (span,) = kept.get_finished_spans()

    assert span.start_time is not None
    assert span.end_time is not None
    assert 1.5e9 <= span.end_time - span.start_time < 20e9
    assert span.status.status_code is StatusCode.ERROR


def test_a_block_that_raises_is_a_failed_span_without_its_words(kept: InMemorySpanExporter) -> None:
    with pytest.raises(LookupError), tracing.continued("decide accept", SENT, {}, links=[SENT, None]):
        raise LookupError("Concrete works")
    (span,) = kept.get_finished_spans()

    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, "LookupError")
    assert span.events == ()
    assert [f"{link.context.trace_id:032x}" for link in span.links] == [TRACE]


@pytest.mark.parametrize("malformed", ["", "00-zz-zz-01", "00-" + "0" * 32 + "-" + "0" * 16 + "-01", None])
def test_without_a_sound_traceparent_a_new_trace_begins(kept: InMemorySpanExporter, malformed: str | None) -> None:
    with tracing.continued("ask", malformed, {}, links=[malformed]) as traceparent:
        assert traceparent is not None
    (span,) = kept.get_finished_spans()

    assert span.parent is None
    assert span.links == ()


def test_a_trace_that_nobody_keeps_is_passed_on_and_not_made(kept: InMemorySpanExporter) -> None:
    with tracing.continued("ask", UNSAMPLED, {}) as traceparent:
        assert traceparent is not None
        assert traceparent.startswith(f"00-{TRACE}-")
        assert traceparent.endswith("-00")

    assert kept.get_finished_spans() == ()
    assert tracing.exemplar(UNSAMPLED) is None


def test_an_exemplar_names_the_trace(kept: InMemorySpanExporter) -> None:
    assert tracing.exemplar(SENT) == {"trace_id": TRACE}
    assert tracing.exemplar(None) is None
    assert kept.get_finished_spans() == ()


def test_a_request_is_a_span_named_by_its_route_without_its_path_and_query(kept: InMemorySpanExporter) -> None:
    app, router, seen = new_app("test"), APIRouter(prefix="/u"), list[str | None]()

    @router.get("/{token}")
    async def show(token: str) -> str:
        seen.append(tracing.current())
        return token

    app.include_router(router)
    with TestClient(app) as client:
        client.get("/u/secret-token?q=secret-search", headers={"traceparent": SENT})
        client.get("/health/live")
    (span,) = kept.get_finished_spans()

    assert span.name == "GET /u/{token}"
    assert "secret" not in span.to_json()
    assert seen == [f"00-{TRACE}-{span.context.span_id:016x}-01"]
