"""Servers that answer without end, without a line's end, in bytes that unpack to gigabytes, or a byte at a time."""

import asyncio
import gzip
import zlib
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import orjson

PIECE = 65_536 * b"x"
UNPACKED_BYTES = 2_000_000_000
TRICKLE_SECONDS = 10.0
OK = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"

Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


async def without_end(writer: asyncio.StreamWriter) -> None:
    writer.write(OK + b"\r\n[")
    await endless(writer, PIECE)


async def without_end_of_head(writer: asyncio.StreamWriter) -> None:
    writer.write(OK)
    await endless(writer, b"x-more: " + PIECE[:2_000] + b"\r\n")


async def continues_without_end(writer: asyncio.StreamWriter) -> None:
    await endless(writer, b"HTTP/1.1 100 Continue\r\n\r\n" * 1_000)


async def bomb(writer: asyncio.StreamWriter) -> None:
    writer.write(OK + b"content-encoding: gzip\r\nconnection: close\r\n\r\n")
    packer = zlib.compressobj(wbits=31)
    for _ in range(UNPACKED_BYTES // 1_000_000):
        writer.write(packer.compress(bytes(1_000_000)))
        await writer.drain()
    writer.write(packer.flush())
    writer.close()


async def without_end_after_its_end(writer: asyncio.StreamWriter) -> None:
    writer.write(OK + b"content-encoding: gzip\r\n\r\n" + gzip.compress(b"{}"))
    await endless(writer, PIECE)


async def trickle(writer: asyncio.StreamWriter) -> None:
    writer.write(OK + b"content-length: 1000\r\n\r\n")
    while True:
        await asyncio.sleep(TRICKLE_SECONDS)
        writer.write(b" ")
        await writer.drain()


async def endless(writer: asyncio.StreamWriter, piece: bytes) -> None:
    """Write `piece` until the client has had enough."""
    while True:
        writer.write(piece)
        await writer.drain()


HTTP_ANSWERS: tuple[Answer, ...] = (
    without_end,
    bomb,
    without_end_after_its_end,
    without_end_of_head,
    continues_without_end,
    trickle,
)


@dataclass
class HostileServer:
    """A server on loopback; `given` counts the answers by their names."""

    port: int = 0
    given: Counter[str] = field(default_factory=Counter)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def next_of(self, answers: tuple[Answer, ...]) -> Answer:
        """Return the answers in turn."""
        chosen = answers[self.given.total() % len(answers)]
        self.given[chosen.__name__] += 1
        return chosen


@asynccontextmanager
async def hostile_http(known: dict[bytes, object] | None = None) -> AsyncIterator[HostileServer]:
    """Answer every request in another hostile way, but for the paths that are `known`, which have proper JSON."""
    server = HostileServer()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        proper = (known or {}).get(head.split(b" ")[1])
        if proper is not None:
            body = orjson.dumps(proper)
            writer.write(OK + b"connection: close\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
            writer.close()
        else:
            await server.next_of(HTTP_ANSWERS)(writer)

    async with _listening(server, serve):
        yield server


async def greeting_without_end(writer: asyncio.StreamWriter) -> None:
    await endless(writer, PIECE)


async def greeting_of_endless_lines(writer: asyncio.StreamWriter) -> None:
    await endless(writer, b"220-welcome\r\n" * 1_000)


async def greeting_in_a_trickle(writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"2")
        await writer.drain()
        await asyncio.sleep(TRICKLE_SECONDS)


async def answers_that_nobody_asked_for(writer: asyncio.StreamWriter) -> None:
    writer.write(b"220 welcome\r\n")
    await endless(writer, b"250 OK\r\n" * 1_000)


async def offers_without_end(writer: asyncio.StreamWriter) -> None:
    writer.write(b"220 welcome\r\n")
    await asyncio.sleep(0.2)
    await endless(writer, b"250-EXTENSION\r\n" * 1_000)


SMTP_ANSWERS: tuple[Answer, ...] = (
    greeting_without_end,
    greeting_of_endless_lines,
    answers_that_nobody_asked_for,
    offers_without_end,
    greeting_in_a_trickle,
)


@asynccontextmanager
async def hostile_smtp() -> AsyncIterator[HostileServer]:
    """Greet every client in another hostile way."""
    server = HostileServer()

    async def serve(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await server.next_of(SMTP_ANSWERS)(writer)

    async with _listening(server, serve):
        yield server


@asynccontextmanager
async def _listening(
    server: HostileServer, serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
) -> AsyncIterator[None]:
    serving: set[asyncio.Task[None]] = set()

    async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            await serve(reader, writer)
        writer.transport.abort()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(served(reader, writer))
        serving.add(task)
        task.add_done_callback(serving.discard)

    listener = await asyncio.start_server(accept, "127.0.0.1", 0)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield
    finally:
        listener.close()
        for each in serving:
            each.cancel()
        await asyncio.gather(*serving, return_exceptions=True)
