"""Everything that can go wrong between an ERP and a connector, from a lost answer to one that never ends."""

import asyncio
import zlib
from functools import cache

from services.exporter.connector_tests.dialect import HttpDialect, Reply
from services.exporter.connector_tests.faulty_server import Exchange, Fault

CHUNK = b" " * 65_536
LARGE_BYTES = 50_000_000
DRIP_SECONDS = 0.05


async def hang(exchange: Exchange) -> None:
    """Send nothing, and keep the connection open."""
    del exchange
    await asyncio.Event().wait()


async def hang_after_storing(exchange: Exchange) -> None:
    """Store the document, then send nothing."""
    exchange.carry_out()
    await hang(exchange)


async def reset_before_storing(exchange: Exchange) -> None:
    """Take the request, then reset the connection."""
    exchange.reset()


async def cut_before_storing(exchange: Exchange) -> None:
    """Take the request, then close the connection in good order."""
    exchange.cut()


async def reset_after_storing(exchange: Exchange) -> None:
    """Store the document, then reset the connection."""
    exchange.carry_out()
    exchange.reset()


async def cut_after_storing(exchange: Exchange) -> None:
    """Store the document, then close the connection in good order."""
    exchange.carry_out()
    exchange.cut()


async def cut_within_the_answer(exchange: Exchange) -> None:
    """Store the document, and close the connection after half of the answer's body."""
    await _send_half(exchange)
    exchange.cut()


async def reset_within_the_answer(exchange: Exchange) -> None:
    """Store the document, and reset the connection after half of the answer's body."""
    await _send_half(exchange)
    await asyncio.sleep(DRIP_SECONDS)  # a reset would discard what has not left yet
    exchange.reset()


async def stall_within_the_answer(exchange: Exchange) -> None:
    """Store the document, send half of the answer's body, and nothing more."""
    await _send_half(exchange)
    await hang(exchange)


async def drip(exchange: Exchange) -> None:
    """Store the document, and send the answer so slowly that each byte is in time and the whole is not."""
    for byte in exchange.dialect.encode(exchange.carry_out()):
        await exchange.send(bytes([byte]))
        await asyncio.sleep(DRIP_SECONDS)


def late(seconds: float) -> Fault:
    """Store the document, and send the answer after `seconds`."""

    async def fault(exchange: Exchange) -> None:
        reply = exchange.carry_out()
        await asyncio.sleep(seconds)
        await exchange.send(reply)

    return fault


def replying(reply: Reply) -> Fault:
    """Send `reply`, and store nothing."""

    async def fault(exchange: Exchange) -> None:
        await exchange.send(reply)

    return fault


async def large_answer(exchange: Exchange) -> None:
    """Begin with the right answer, and follow it with spaces, 50 MB in all."""
    await _send_large(exchange, {"content-length": str(LARGE_BYTES)})
    exchange.cut()


async def endless_answer(exchange: Exchange) -> None:
    """Begin with the right answer, which has no length, then send spaces for as long as anybody reads them."""
    await _send_large(exchange, {"connection": "close"})
    await hang(exchange)


@cache
def compressed_spaces(name: str) -> bytes:
    """Return 50 MB of spaces in the coding `name`, gzip or deflate; it is a thousandth of that."""
    packing = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16 if name == "gzip" else zlib.MAX_WBITS)
    return b"".join([*(packing.compress(CHUNK) for _ in range(LARGE_BYTES // len(CHUNK))), packing.flush()])


def bomb(coding: str) -> Fault:
    """Send a small answer that unpacks to 50 MB."""
    headers = {"content-type": "application/json", "content-encoding": coding}
    return replying(Reply(compressed_spaces(coding), headers=headers))


async def _send_half(exchange: Exchange) -> None:
    reply = exchange.carry_out()
    encoded = exchange.dialect.encode(reply)
    await exchange.send(encoded[: len(encoded) - len(reply.body) // 2])


async def _send_large(exchange: Exchange, length: dict[str, str]) -> None:
    """Send the answer with spaces behind it; only HTTP has a head that says how much there is to come."""
    reply, dialect = exchange.carry_out(), exchange.dialect
    await exchange.send(dialect.head(reply, length) + reply.body if isinstance(dialect, HttpDialect) else reply)
    left = LARGE_BYTES - len(reply.body)
    while left > 0:
        await exchange.send(CHUNK[:left])
        left -= len(CHUNK)
