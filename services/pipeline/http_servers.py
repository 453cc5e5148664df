"""The HTTP servers of one service: that of its app, and one for operators if they get a port of their own."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence

import structlog
from fastapi import FastAPI

from services.pipeline.http import Server, add_health, add_metrics_and_health, listen
from services.pipeline.periodic import Loop
from services.pipeline.settings import ServiceSettings

OPERATORS_CONNECTIONS = 50
"""At a port of their own, so that both servers together leave enough files for the rest."""

log = structlog.get_logger()


class HttpServers:
    """Serves `app`, with /health; and /metrics with it, or with `operators` if that is another app."""

    def __init__(
        self, app: FastAPI, operators: FastAPI, is_live: Callable[[], bool], is_ready: Callable[[], Awaitable[bool]]
    ) -> None:
        self._app = app
        self._operators = operators
        self._servers: list[Server] = []
        add_metrics_and_health(operators, is_live, is_ready)
        if operators is not app:
            add_health(app, is_live, is_ready)

    def listen(self, settings: ServiceSettings, public_url: str | None = None) -> Sequence[Loop]:
        """Bind the ports and return what serves them; SettingsError if an address cannot be used.

        Browsers and programs outside reach the app at `public_url`, if they do.
        """
        host, proxies = settings.http_host, settings.http_trusted_proxies
        bound = [listen(self._app, host, settings.http_port, proxies, public_url=public_url)]
        if self._operators is not self._app and settings.metrics_port is not None:
            bound.append(
                listen(
                    self._operators,
                    host,
                    settings.metrics_port,
                    variable="METRICS_PORT",
                    max_connections=OPERATORS_CONNECTIONS,
                )
            )
        self._servers = [server for server, _ in bound]
        ports = [listening.getsockname()[1] for _, listening in bound]
        log.info("service.listening", port=ports[0], metrics_port=ports[-1])
        return [_serving(*each) for each in bound]

    def leave(self) -> None:
        """Answer open calls and end."""
        for server in self._servers:
            server.leave()


def _serving(server: Server, listening: socket.socket) -> Loop:
    async def serve(_: asyncio.Event) -> None:
        await server.serve(sockets=[listening])

    return serve
