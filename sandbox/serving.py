"""Serves a sandbox application over real HTTP, in the current event loop."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from fastapi import FastAPI, Request
from uvicorn.protocols.http.h11_impl import H11Protocol

LOOPBACK = "127.0.0.1"
_BACKLOG = 1024
_SHUTDOWN_SECONDS = 1
_REQUEST_LINE_BYTES = 4096
_NO_LINGER = struct.pack("ii", 1, 0)
"""A socket that is closed so sends a reset."""


def listen(port: int = 0) -> socket.socket:
    """Listen on the loopback `port`, 0 for any free one. Raises OSError if the port is taken."""
    return socket.create_server((LOOPBACK, port), backlog=_BACKLOG)


def port_of(listener: socket.socket) -> int:
    """The port that `listener` listens on."""
    return int(listener.getsockname()[1])


def url_of(listener: socket.socket) -> str:
    """The HTTP address of `listener`."""
    return f"http://{LOOPBACK}:{port_of(listener)}"


@asynccontextmanager
async def served(
    app: FastAPI, listener: socket.socket | None = None, resets: Callable[[str], bool] = lambda _target: False
) -> AsyncIterator[str]:
    """Serve `app` while the block runs and yield its address; at the end, open calls get a second to finish.

    A new connection is reset before its first request is read if `resets` says so of the request's target.
    """
    listener = listener or listen()
    server = _Server(
        uvicorn.Config(
            app,
            http=type("Protocol", (_CuttableProtocol,), {"resets": staticmethod(resets)}),
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
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
    """Abort the connection of `request`; the response that the application returns for it is never sent."""
    request.state.transport.abort()


class _Server(uvicorn.Server):
    """Uvicorn inside our event loop: it signals when it is up, and leaves signal handlers to us."""

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
    """HTTP/1.1 that passes its connection to the application, which can then cut it instead of answering."""

    resets: Callable[[str], bool]
    _is_new = True

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}

    def data_received(self, data: bytes) -> None:
        is_first, self._is_new = self._is_new, False
        if is_first and self.resets(_target(data)):
            self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
            self.transport.abort()
        else:
            super().data_received(data)


def _target(data: bytes) -> str:
    """The target of the request that `data` begins; empty if it is no request."""
    parts = data[:_REQUEST_LINE_BYTES].split(b" ", 2)
    return parts[1].decode("latin-1") if len(parts) > 2 else ""  # noqa: PLR2004 - method, target, version
