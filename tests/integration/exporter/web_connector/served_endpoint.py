"""The endpoint on a real HTTP server, with one connection whose client signs in as USER with PASSWORD."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx2
from pydantic import SecretStr

from services.exporter.connections import Connection, Connections
from services.exporter.connectors.client_password import hashed
from services.exporter.connectors.protocol import Connector
from services.exporter.connectors.pull import PullSettings
from services.exporter.web_connector.app import build_app
from services.pipeline.http import listen
from tests.integration.exporter.web_connector.scripted_conversing import ScriptedConversing

USER, PASSWORD = "countersign-main", "the password of the client"
HASH = hashed(PASSWORD)


class Unused:
    """A connector that nobody calls."""

    enforces_reference = False

    async def close(self) -> None:
        pass


def connections(connector: Connector | None = None) -> Connections:
    settings = PullSettings(name="main", kind="pulled", title="Main books", companies=("co-1",), user=USER)
    return Connections({"main": Connection(settings, connector or Unused(), SecretStr(HASH))})  # type: ignore[arg-type]


@dataclass
class Served:
    """What a test needs of a running endpoint."""

    port: int
    conversing: ScriptedConversing
    connections: Connections
    client: httpx2.AsyncClient = field(repr=False)

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}/quickbooks"

    async def post(self, body: bytes, **headers: str) -> httpx2.Response:
        given = {"content-type": "text/xml; charset=utf-8"} | {
            name.replace("_", "-"): text for name, text in headers.items()
        }
        return await self.client.post(self.url, content=body, headers=given)


@asynccontextmanager
async def served_endpoint(
    *requests: str, url: str | None = None, trusted_proxies: str | None = None, wait_seconds: int | None = None
) -> AsyncIterator[Served]:
    """Serve the endpoint with a conversation that has `requests` to send."""
    conversing, known = ScriptedConversing(list(requests), wait_seconds), connections()
    server, listening = listen(build_app(known, conversing, url), "127.0.0.1", 0, trusted_proxies)
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        async with httpx2.AsyncClient(timeout=60) as client:
            yield Served(listening.getsockname()[1], conversing, known, client)
    finally:
        server.leave()
        await serving
