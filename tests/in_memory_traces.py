"""Turns tracing on inside a test, with OpenTelemetry's exporter that keeps spans in memory."""

from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from services.pipeline.tracing_export import Redaction


@contextmanager
def kept_in_memory() -> Iterator[InMemorySpanExporter]:
    """Make spans while the block runs; they are kept when they end.

    OpenTelemetry sets its provider once for a process, so it is put in and taken out where it is kept.
    """
    exporter, provider = InMemorySpanExporter(), TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(Redaction())
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace._TRACER_PROVIDER = provider
    try:
        yield exporter
    finally:
        trace._TRACER_PROVIDER = None
        provider.shutdown()
