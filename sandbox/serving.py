"""Serves a sandbox application over real HTTP, inside the event loop of whoever asks for it."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from fastapi import FastAPI, Request
from uvicorn.protocols.http.h11_impl import H11Protocol

LOOPBACK = "127.0.0.1"
_BACKLOG = 1024
_LAST_ANSWERS_SECONDS = 1


def listen(port: int = 0) -> socket.socket:
    """A socket that listens on the loopback `port`, 0 for any; OSError where the port is taken."""
    return socket.create_server((LOOPBACK, port), backlog=_BACKLOG)


def port_of(listener: socket.socket) -> int:
    """The port that was given to `listener`."""
    return int(listener.getsockname()[1])


def url_of(listener: socket.socket) -> str:
    """The address under which whatever is served on `listener` is found."""
    return f"http://{LOOPBACK}:{port_of(listener)}"


@asynccontextmanager
async def served(app: FastAPI, listener: socket.socket | None = None) -> AsyncIterator[str]:
    """Serves `app` while the block runs and gives its address; calls still open at the end get a second to finish."""
    listener = listener or listen()
    server = _Server(
        uvicorn.Config(
            app,
            http=_CuttableProtocol,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=_LAST_ANSWERS_SECONDS,
        )
    )
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    await server.is_up.wait()
    try:
        yield url_of(listener)
    finally:
        server.should_exit = True
        await serving


def cut(request: Request) -> None:
    """Drops the connection of `request` at once; what the application returns for it afterwards is never sent."""
    request.state.transport.abort()


class _Server(uvicorn.Server):
    """Uvicorn as a guest: it says when it is up, and leaves the signals to its host."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.is_up = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.is_up.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class _CuttableProtocol(H11Protocol):
    """HTTP/1.1 that hands its connection to the application, so that it can be cut instead of answered."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}
