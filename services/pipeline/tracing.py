"""Spans of the trace that a sender's `traceparent` begins (OpenTelemetry); nothing is made while tracing is off.

A trace crosses Kafka and the database as the `traceparent` of events and rows. Attributes are ids and names of kinds,
never contents or addresses.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from importlib import import_module
from time import time_ns

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, ProxyTracerProvider, Span, SpanContext, SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_FORMAT = TraceContextTextMapPropagator()

Attributes = Mapping[str, str | int]


def is_on() -> bool:
    """Whether this process makes spans."""
    return not isinstance(trace.get_tracer_provider(), ProxyTracerProvider)


@contextmanager
def sending(service: str, endpoint: str | None) -> Iterator[None]:
    """Send the spans of this process while the block runs; nothing without the `endpoint` of a collector."""
    if not endpoint:  # Compose passes on an empty one
        yield
        return
    # only here: most processes send none, and it takes memory
    flush = import_module("services.pipeline.tracing_export").start_tracing(service)
    try:
        yield
    finally:
        flush()


def begin(
    name: str,
    after: str | None,
    attributes: Attributes,
    *,
    kind: SpanKind = SpanKind.INTERNAL,
    links: Sequence[str | None] = (),
    began_at: int | None = None,
) -> Span:
    """Begin a span below the traceparent `after`, of a new trace without one; `began_at` is in ns since 1970.

    A span that is never ended is never exported: so nothing is told of a transaction that was undone.
    """
    linked = [Link(context) for context in map(_context, links) if context]
    return trace.get_tracer("countersign").start_span(name, _parent(after), kind, attributes, linked, began_at)


def traceparent_of(span: Span) -> str | None:
    """Return what continues `span` elsewhere (W3C Trace Context)."""
    carrier: dict[str, str] = {}
    _FORMAT.inject(carrier, trace.set_span_in_context(span, Context()))
    return carrier.get("traceparent")


def current() -> str | None:
    """Return the traceparent of the span around this code, such as a request's; None without one."""
    return traceparent_of(trace.get_current_span())


@contextmanager
def continued(
    name: str,
    after: str | None,
    attributes: Attributes,
    *,
    kind: SpanKind = SpanKind.INTERNAL,
    links: Sequence[str | None] = (),
) -> Iterator[str | None]:
    """Make a span of the block, and provide the traceparent to hand on; that is `after` while tracing is off."""
    if not is_on():
        yield after
        return
    span = begin(name, after, attributes, kind=kind, links=links)
    try:
        yield traceparent_of(span)
    except BaseException as error:
        fail(span, type(error).__name__)
        raise
    finally:
        span.end()


def record(
    name: str, after: str | None, attributes: Attributes, seconds: float, *, kind: SpanKind, failed: str | None = None
) -> None:
    """Make a span of something that has just ended and took so many seconds; `failed` says in a word how it failed."""
    if not is_on():
        return
    span = begin(name, after, attributes, kind=kind, began_at=time_ns() - int(seconds * 1_000_000_000))
    if failed:
        fail(span, failed)
    span.end()


def fail(span: Span, why: str) -> None:
    """Mark `span` as failed; `why` is the kind of failure, without contents."""
    span.set_status(StatusCode.ERROR, why)


def exemplar(traceparent: str | None) -> dict[str, str] | None:
    """Return the exemplar by which a measurement leads to its trace; None if nobody keeps that trace."""
    context = _context(traceparent) if is_on() else None
    if context is None or not context.trace_flags.sampled:
        return None
    return {"trace_id": trace.format_trace_id(context.trace_id)}


def nanoseconds(moment: datetime) -> int:
    """Return `moment` in ns since 1970, as spans are timed, but none that is to come."""
    return min(int(moment.timestamp() * 1_000_000) * 1_000, time_ns())


def _parent(traceparent: str | None) -> Context:
    """Return the context that a traceparent names; an empty one without, so that nothing around is the parent."""
    return _FORMAT.extract({"traceparent": traceparent}, Context()) if traceparent else Context()


def _context(traceparent: str | None) -> SpanContext | None:
    context = trace.get_current_span(_parent(traceparent)).get_span_context()
    return context if context.is_valid else None
