"""A collector of traces (OTLP over HTTP) that keeps what it is sent."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

KINDS = {1: "internal", 2: "server", 3: "client", 4: "producer", 5: "consumer"}


@dataclass(frozen=True, slots=True)
class Told:
    """A span as the collector was told of it; `parent` is empty for the first one of a trace."""

    service: str
    name: str
    kind: str
    trace: str
    id: str
    parent: str
    attributes: Mapping[str, Any]
    is_failed: bool
    linked: tuple[str, ...]
    """The traces that it is linked to."""

    @property
    def title(self) -> str:
        """Who did what."""
        return f"{self.service}: {self.name}"


@dataclass(slots=True)
class Collector:
    """What was told so far, at `url`."""

    url: str = ""
    spans: list[Told] = field(default_factory=list)

    def of(self, trace: str) -> list[Told]:
        """Return the spans of a trace."""
        return [span for span in self.spans if span.trace == trace]


@contextmanager
def collecting() -> Iterator[Collector]:
    """Run a collector while the block runs."""
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            collector.spans += _spans(ExportTraceServiceRequest.FromString(body))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing of each request."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    serving = Thread(target=server.serve_forever, daemon=True)
    serving.start()
    collector.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield collector
    finally:
        server.shutdown()
        server.server_close()


def _spans(request: ExportTraceServiceRequest) -> Iterator[Told]:
    for of_process in request.resource_spans:
        about = _values(of_process.resource.attributes)
        for span in (each for scope in of_process.scope_spans for each in scope.spans):
            yield Told(
                service=about["service.name"].removeprefix("countersign-"),
                name=span.name,
                kind=KINDS[span.kind],
                trace=span.trace_id.hex(),
                id=span.span_id.hex(),
                parent=span.parent_span_id.hex(),
                attributes=_values(span.attributes),
                is_failed=span.status.code == 2,
                linked=tuple(link.trace_id.hex() for link in span.links),
            )


def _values(attributes: Any) -> dict[str, Any]:
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in attributes}
