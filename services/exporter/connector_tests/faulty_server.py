"""A real server on the loopback interface that plays an ERP in its dialect, and breaks an exchange where told to."""

import asyncio
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from socket import SO_LINGER, SOL_SOCKET
from ssl import SSLContext

from services.exporter.connector_tests.books import Books
from services.exporter.connector_tests.dialect import Call, Dialect, Reply, Request

HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and the way back to its sender; what a fault works with."""

    dialect: Dialect
    request: Request
    writer: asyncio.StreamWriter
    carry_out: Callable[[], Reply]
    """Does what the ERP would do, and returns its answer without sending it."""

    async def send(self, content: bytes | Reply) -> None:
        """Send bytes or a whole answer; ConnectionError if the caller has gone."""
        self.writer.write(content if isinstance(content, bytes) else self.dialect.encode(content))
        await self.writer.drain()

    def reset(self) -> None:
        """Reset the connection: the caller sees an error at once."""
        self.writer.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    def cut(self) -> None:
        """Close the connection after what was sent so far."""
        self.writer.close()


Fault = Callable[[Exchange], Awaitable[None]]
"""What happens to a request instead of a sound answer."""


@dataclass
class FaultyServer:
    """Plays the ERP of `dialect`; `faults` hit every request about their call."""

    dialect: Dialect
    books: Books = field(default_factory=Books)
    faults: dict[Call, Fault] = field(default_factory=dict)
    received: list[tuple[Call, Request]] = field(default_factory=list)
    on_accept: Fault | None = None
    """What happens to every connection before a request is read."""

    url: str = ""
    open_connections: int = 0
    defects: list[Exception] = field(default_factory=list)
    """What the dialect itself raised."""

    def hit(self, fault: Fault, *calls: Call) -> None:
        """Break all exchanges about `calls` from now on."""
        self.faults.update(dict.fromkeys(calls, fault))

    def heal(self) -> None:
        """Break nothing any more."""
        self.faults.clear()

    def count(self, *calls: Call) -> int:
        """Return how many requests about `calls` have arrived."""
        return sum(call in calls for call, _ in self.received)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection until it ends."""
        self.open_connections += 1
        try:
            await self._serve(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        except Exception as error:  # noqa: BLE001 - the dialect is somebody else's code, and the test reports it
            self.defects.append(error)
        finally:
            self.open_connections -= 1
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.on_accept:
            await self.on_accept(Exchange(self.dialect, Request(b""), writer, Reply))
        while not writer.is_closing():
            request = await self.dialect.receive(reader)
            call = self.dialect.call_of(request)
            self.received.append((call, request))
            await self._exchange(call, request, writer)

    async def _exchange(self, call: Call, request: Request, writer: asyncio.StreamWriter) -> None:
        exchange = Exchange(self.dialect, request, writer, lambda: self.dialect.answer(request, self.books))
        if fault := self.faults.get(call):
            await fault(exchange)
        else:
            await exchange.send(exchange.carry_out())


@asynccontextmanager
async def faulty_server(dialect: Dialect, tls: SSLContext | None = None) -> AsyncIterator[FaultyServer]:
    """Run a FaultyServer on a free port, over TLS if `tls` is given; whatever it still does ends with the block."""
    played = FaultyServer(dialect, dialect.books())
    serving: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.add(asyncio.ensure_future(played.serve(reader, writer)))

    server = await asyncio.start_server(accept, HOST, 0, ssl=tls)
    scheme = dialect.tls_scheme if tls else dialect.scheme
    played.url = f"{scheme}://{HOST}:{server.sockets[0].getsockname()[1]}"
    try:
        yield played
    finally:
        server.close()
        for each in serving:
            each.cancel()
        await asyncio.gather(*serving, return_exceptions=True)
