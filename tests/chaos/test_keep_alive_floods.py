"""One network floods approval on open connections, each with the next request as soon as it is answered."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from sandbox.world import WorldOptions, running_world
from tests.chaos.hostile_clients import HEAD
from tests.chaos.sign_ins import longest_sign_in

CONNECTIONS = 100
PATHS = (b"/health/ready", b"/commitments", b"/api/v1/me", b"/assets/desk.css")
MORE_SECONDS = 1.0
BURST_SECONDS = 6.0
"""What a network may ask at once is answered by then."""


SHORT, LONG = 5, 40
"""How many sign-ins are measured under each attack."""


@pytest.mark.alone
async def test_a_flood_on_open_connections_keeps_nobody_waiting(
    tmp_path: Path, size: int, report: Callable[[str], None]
) -> None:
    slowest: dict[bytes, float] = {}
    options = WorldOptions(services=("approval",), variables={"STRANGER_REQUESTS_PER_MINUTE": "400"})
    async with running_world(tmp_path, options) as world:
        quiet = await longest_sign_in(world, rounds=size)
        for path in PATHS:
            async with flood(world.services["approval"].port, path):
                await asyncio.sleep(BURST_SECONDS)
                slowest[path] = await longest_sign_in(world, rounds=size)
            report(f"flood of {path.decode()}: {slowest[path]:.2f} s for the slowest sign-in, {quiet:.2f} s before")
    assert not {path: seconds for path, seconds in slowest.items() if seconds > quiet + MORE_SECONDS}


@asynccontextmanager
async def flood(port: int, path: bytes) -> AsyncIterator[None]:
    asking = [asyncio.create_task(ask(port, HEAD % path + b"\r\n")) for _ in range(CONNECTIONS)]
    try:
        yield
    finally:
        for each in asking:
            each.cancel()
        await asyncio.wait(asking)


async def ask(port: int, request: bytes) -> None:
    """Ask on one connection without end, and open another one if it is cut off."""
    while True:
        with suppress(OSError, asyncio.IncompleteReadError):
            reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=("127.0.8.1", 0))
            try:
                while True:
                    writer.write(request)
                    head = await reader.readuntil(b"\r\n\r\n")
                    length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
                    await reader.readexactly(int(length or 0))
            finally:
                writer.close()
