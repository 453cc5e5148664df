"""The HTTP endpoints that every service has, metrics and health, and the server for them."""

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable, Iterator, Mapping
from types import MappingProxyType

import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.telemetry import TelemetryConfig
from prometheus_client import REGISTRY
from prometheus_client.exposition import choose_encoder
from starlette.types import Scope

from services.pipeline.body_limit import BodyLimit
from services.pipeline.counted_responses import CountedResponses
from services.pipeline.errors import PartEndedError, SettingsError
from services.pipeline.http_protocol import bounded_protocol
from services.pipeline.paced_probes import PacedProbes
from services.pipeline.periodic import is_set_within
from services.pipeline.safe_headers import SAFE_HEADERS, SafeHeaders, strict_transport
from services.pipeline.segments import Segments

GRACE_SECONDS = 2
ACCEPTED_AT_ONCE = 100
"""New connections that asyncio's own loop accepts in a row; uvloop accepts one at a time."""
WAITING_CONNECTIONS = 1_024
TICK_SECONDS = 1.0
"""How often the header Date changes."""


def _is_probe(scope: Scope) -> bool:
    return bool(scope["path"].startswith(("/metrics", "/health/")))


TELEMETRY: TelemetryConfig = {
    "metrics": False,
    "logs": False,
    "operation_spans": False,
    "auto_configure": False,
    "exclude": _is_probe,
}
"""While tracing is on, a span for each request that is neither for Prometheus nor a probe."""


def new_app(title: str, max_body_bytes: Mapping[str, int] = MappingProxyType({})) -> FastAPI:
    """Return an app without FastAPI's documentation pages, which load scripts from other hosts.

    `max_body_bytes` has the paths whose bodies may be larger, or must be smaller, than those of all others.
    """
    app = FastAPI(
        title=title, docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False, telemetry=TELEMETRY
    )
    app.add_middleware(BodyLimit, of_paths=max_body_bytes)
    app.add_middleware(SafeHeaders, headers=SAFE_HEADERS)
    app.add_middleware(Segments)
    return app


def operators_app(app: FastAPI, metrics_port: int | None) -> FastAPI:
    """Return the app of what only operators may see: `app` itself, or one of its own if it gets a port of its own."""
    return app if metrics_port is None else new_app(f"{app.title}, for operators")


def add_metrics_and_health(app: FastAPI, is_live: Callable[[], bool], is_ready: Callable[[], Awaitable[bool]]) -> None:
    """Add /metrics, /health/live and /health/ready to `app`, and count what all others answer."""
    add_health(app, is_live, is_ready)

    @app.get("/metrics", include_in_schema=False)
    async def show_metrics(request: Request) -> Response:
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        # in a thread, since a thousand ERP connections are half a second; not apart, where a scrape might wait too long
        content = await asyncio.to_thread(encode, REGISTRY)
        return Response(content, headers={"content-type": content_type})


def add_health(app: FastAPI, is_live: Callable[[], bool], is_ready: Callable[[], Awaitable[bool]]) -> None:
    """Add /health/live and /health/ready to `app`, and count what all others answer."""
    app.add_middleware(CountedResponses, is_probe=_is_probe)
    app.add_middleware(PacedProbes, is_probe=_is_probe)

    @app.get("/health/live", include_in_schema=False)
    async def live() -> Response:
        return _answer("live", is_so=is_live())

    @app.get("/health/ready", include_in_schema=False)
    async def ready() -> Response:
        return _answer("ready", is_so=await is_ready())


def _answer(word: str, *, is_so: bool) -> Response:
    return Response(f"{word}\n" if is_so else f"not {word}\n", 200 if is_so else 503, media_type="text/plain")


class Server(uvicorn.Server):
    """A uvicorn server that leaves signals to the runtime, and is told to end by `leave`."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._is_leaving = asyncio.Event()

    def leave(self) -> None:
        """Answer open calls and end."""
        self.should_exit = True
        self._is_leaving.set()

    async def main_loop(self) -> None:
        """Tick until the server is told to end; uvicorn's own loop wakes up ten times as often, for signals."""
        while not await self.on_tick(0):
            await is_set_within(self._is_leaving, TICK_SECONDS)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to accept connections; the kernel keeps more of them waiting than are accepted at a time."""
        try:
            await super().startup(sockets)
        except SystemExit as error:  # uvicorn's way to say that the application did not start
            raise PartEndedError("the HTTP server could not start") from error
        for each in sockets or ():
            each.listen(WAITING_CONNECTIONS)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture nothing: the runtime drains first and stops the server last."""
        yield


def listen(
    app: FastAPI,
    host: str,
    port: int,
    trusted_proxies: str | None = None,
    *,
    public_url: str | None = None,
    variable: str = "HTTP_PORT",
    **limits: float,
) -> tuple[Server, socket.socket]:
    """Return a server for `app` and its bound socket; SettingsError if the address cannot be used.

    The address of a client is the one that connects; only `trusted_proxies` may name another one. Browsers that come to
    `public_url` over TLS are told to stay there. The port was given in `variable`; `limits` replace
    those of the protocol.
    """
    config = uvicorn.Config(
        # around all of the app: the framework answers its defects outside of any middleware
        SafeHeaders(app, {**SAFE_HEADERS, **strict_transport(public_url)}),
        http=bounded_protocol(**limits),
        ws="none",
        log_config=None,
        access_log=False,
        backlog=ACCEPTED_AT_ONCE,
        proxy_headers=bool(trusted_proxies),
        forwarded_allow_ips=trusted_proxies or "",  # not None, which would read another variable
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.create_server((host, port), family=family)
    except OSError as error:
        raise SettingsError(f"Cannot listen on HTTP_HOST={host}, {variable}={port}: {error.strerror}") from error
    return Server(config), listening
