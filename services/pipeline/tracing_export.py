"""Sends the spans of this process to a collector (OTLP over HTTP), once an address is set.

All other settings are OpenTelemetry's own variables, which its library reads: OTEL_EXPORTER_OTLP_HEADERS,
OTEL_TRACES_SAMPLER, OTEL_RESOURCE_ATTRIBUTES and so on.
"""

from collections.abc import Callable
from importlib.metadata import version
from io import BytesIO
from threading import Thread
from typing import Any

import requests
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Span, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

FLUSH_SECONDS = 1.0
MAX_ANSWER_BYTES = 65_536
REDACTED = ("url.path", "url.query")


class Redaction(SpanProcessor):
    """Takes the path and the query out of a request's span: they contain links that sign in, searches and ids."""

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Overwrite what must not leave the process; the route is told by `http.route`."""
        del parent_context
        for name in REDACTED:
            if name in (span.attributes or {}):
                span.set_attribute(name, "REDACTED")


def start_tracing(service: str) -> Callable[[], None]:
    """Begin to send spans; return what sends the last ones, within FLUSH_SECONDS."""
    about = {"service.name": f"countersign-{service}", "service.version": version("countersign")}
    provider = TracerProvider(resource=Resource.create(about), shutdown_on_exit=False)
    provider.add_span_processor(Redaction())
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(session=bounded_session())))
    trace.set_tracer_provider(provider)

    def flush() -> None:
        # a collector that does not answer must not hold up the end
        closing = Thread(target=provider.shutdown, name="tracing", daemon=True)
        closing.start()
        closing.join(FLUSH_SECONDS)

    return flush


def bounded_session() -> requests.Session:
    """Return what calls the collector, and reads no more than the beginning of its answers, which nobody needs."""
    session = requests.Session()
    session.hooks["response"] = [_bound]
    return session


def _bound(response: requests.Response, **_how: Any) -> None:
    answer = response.raw
    response.raw = BytesIO(answer.read(MAX_ANSWER_BYTES, decode_content=False))
    if response.raw.getbuffer().nbytes == MAX_ANSWER_BYTES:
        answer.close()  # the rest of it would come before the next answer
