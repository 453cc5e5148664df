"""An HTTP server that sends prepared bytes, so that a test can break a response at any point."""

import asyncio
import struct
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from socket import SO_LINGER, SOL_SOCKET
from ssl import SSLContext

RESET = b"RESET"
"""Instead of a response: reset the network connection."""

HANG = b"HANG"
"""Instead of a response: send nothing and keep the network connection open."""

TRICKLE = b"TRICKLE"
"""Send a response that never ends, one byte at a time."""


@dataclass
class ScriptedServer:
    """Sends one of `responses` for each request, in order, then repeats the last one; keeps what it received."""

    responses: Sequence[bytes]
    received: list[bytes] = field(default_factory=list)
    url: str = ""
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one network connection until the client closes it."""
        self.writers.append(writer)
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                self.received.append(head + await reader.readexactly(_length(head)))
                await self._respond(self.responses[min(len(self.received), len(self.responses)) - 1], writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        writer.close()

    async def _respond(self, response: bytes, writer: asyncio.StreamWriter) -> None:
        if response == HANG:
            await self.ended.wait()
        elif response == RESET:
            writer.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
            raise ConnectionResetError
        elif response == TRICKLE:
            writer.write(b"HTTP/1.1 201 Created\r\nContent-Length: 100000\r\n\r\n")
            while not self.ended.is_set():
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.05)
        else:
            writer.write(response)
            await writer.drain()


def response_bytes(status: int, body: bytes = b"", *headers: str) -> bytes:
    """Return a complete HTTP/1.1 response."""
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


@asynccontextmanager
async def scripted_server(*responses: bytes, tls: SSLContext | None = None) -> AsyncIterator[ScriptedServer]:
    """Run a ScriptedServer on a free port of the loopback interface, over TLS if `tls` is given."""
    script = ScriptedServer(responses)
    serving: list[asyncio.Task[None]] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.append(asyncio.ensure_future(script.serve(reader, writer)))

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    script.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield script
    finally:
        script.ended.set()
        server.close()
        for writer in script.writers:  # under load, a client may be slow to close its connections
            writer.close()
        await asyncio.wait_for(asyncio.gather(*serving), 60)


def _length(head: bytes) -> int:
    lines = head.decode().lower().split("\r\n")
    return next((int(line.removeprefix("content-length:")) for line in lines if line.startswith("content-length:")), 0)
