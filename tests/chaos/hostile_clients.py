"""Clients that send half of what they should, read nothing, or read as slowly as they can; an attack has one host."""

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

ATTACKER = "127.0.0.2"
"""Another network than that of the person, whose connections come from 127.0.0.1."""
OPENED_AT_ONCE = 50
SMALL_BUFFER_BYTES = 4_096
SIP_SECONDS = 0.5
RETRY_SECONDS = 30.0
"""Soon enough that all places are always wanted; sooner, the requests themselves would keep the machine busy."""
BODY_BYTES = 1_000_000

HEAD = b"GET %s HTTP/1.1\r\nhost: desk.example\r\n"
HALF = HEAD % b"/"


def half_body(path: bytes) -> bytes:
    """A request of which the last byte of a large body is missing."""
    head = b"POST " + path + b" HTTP/1.1\r\nhost: desk.example\r\ncontent-type: application/json\r\n"
    return head + b"content-length: %d\r\n\r\n" % BODY_BYTES + (BODY_BYTES - 1) * b" "


def half_form(path: bytes) -> bytes:
    """A request of which the last byte of a short form is missing."""
    head = b"POST " + path + b" HTTP/1.1\r\nhost: desk.example\r\ncontent-type: application/x-www-form-urlencoded\r\n"
    return head + b"content-length: 8\r\n\r\nanswer="


def many_requests(path: bytes, count: int, headers: bytes = b"") -> bytes:
    """As many requests in a row, whose answers together are larger than what a kernel keeps for a slow reader."""
    return count * (HEAD % path + headers + b"\r\n")


class Attack:
    """Keeps `count` connections to a port open, and opens another one for each that is cut off."""

    def __init__(
        self, port: int, requests: Sequence[bytes], count: int, *, sips: bool = False, address: str = ATTACKER
    ) -> None:
        self._port = port
        self._address = address
        self._requests = requests
        self._sips = sips
        self._count = count
        self._gate = asyncio.Semaphore(OPENED_AT_ONCE)
        self.opened = 0
        self.open_now = 0

    async def hold(self, place: int) -> None:
        """Open one connection after the other, each until it is cut off."""
        request = self._requests[place % len(self._requests)]
        while True:
            with suppress(OSError):
                await self._hold_once(request)
            await asyncio.sleep(RETRY_SECONDS)

    async def _hold_once(self, request: bytes) -> None:
        loop = asyncio.get_running_loop()
        with socket.socket() as connection:
            connection.settimeout(0)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER_BYTES)
            connection.bind((self._address, 0))
            async with self._gate:
                await loop.sock_connect(connection, ("127.0.0.1", self._port))
            self.opened += 1
            self.open_now += 1
            try:
                await self._misbehave(loop, connection, request)
            finally:
                self.open_now -= 1

    async def _misbehave(self, loop: asyncio.AbstractEventLoop, connection: socket.socket, request: bytes) -> None:
        await loop.sock_sendall(connection, request)
        while True:
            await asyncio.sleep(SIP_SECONDS)
            if self._sips:
                if not await loop.sock_recv(connection, 1):
                    return
            else:
                error = connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                if error or _is_closed(connection):
                    return

    @asynccontextmanager
    async def under_way(self) -> AsyncIterator[None]:
        """Attack while the block runs, which begins once everything was tried once."""
        holding = [asyncio.create_task(self.hold(place)) for place in range(self._count)]
        try:
            while self.opened < self._count:  # noqa: ASYNC110 - counted by many tasks
                await asyncio.sleep(SIP_SECONDS)
            yield
        finally:
            for each in holding:
                each.cancel()
            await asyncio.wait(holding)


def _is_closed(connection: socket.socket) -> bool:
    """Whether the other side has ended the connection, without reading anything of what it sent before."""
    try:
        return connection.recv(1, socket.MSG_PEEK) == b""
    except BlockingIOError:
        return False
