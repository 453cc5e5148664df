"""A tiny server that answers each request with the next line of a script, down to the raw bytes."""

import asyncio
import struct
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from socket import SO_LINGER, SOL_SOCKET

RESET = b"RESET"
HANG = b"HANG"
TRICKLE = b"TRICKLE"


@dataclass
class Scripted:
    """What is answered, in order, and what was received; the last answer stays."""

    answers: Sequence[bytes]
    received: list[bytes] = field(default_factory=list)
    url: str = ""
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer every request on one connection."""
        self.writers.append(writer)
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                self.received.append(head + await reader.readexactly(_length(head)))
                await self._answer(self.answers[min(len(self.received), len(self.answers)) - 1], writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        writer.close()

    async def _answer(self, answer: bytes, writer: asyncio.StreamWriter) -> None:
        if answer == HANG:
            await self.ended.wait()
        elif answer == RESET:
            writer.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
            raise ConnectionResetError
        elif answer == TRICKLE:
            writer.write(b"HTTP/1.1 201 Created\r\nContent-Length: 100000\r\n\r\n")
            while not self.ended.is_set():
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.05)
        else:
            writer.write(answer)
            await writer.drain()


def reply(status: int, body: bytes = b"", *headers: str) -> bytes:
    """An HTTP/1.1 response."""
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


@asynccontextmanager
async def scripted(*answers: bytes) -> AsyncIterator[Scripted]:
    """A server on the loopback that says `answers`."""
    script = Scripted(answers)
    serving: list[asyncio.Task[None]] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.append(asyncio.ensure_future(script.serve(reader, writer)))

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    script.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield script
    finally:
        script.ended.set()
        server.close()
        for writer in script.writers:  # a client under load may be slow to let go of a connection
            writer.close()
        await asyncio.wait_for(asyncio.gather(*serving), 5)


def _length(head: bytes) -> int:
    lines = head.decode().lower().split("\r\n")
    return next((int(line.removeprefix("content-length:")) for line in lines if line.startswith("content-length:")), 0)
