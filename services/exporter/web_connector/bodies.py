"""Reads the body of a request, and lets only a few large ones be in memory at the same time."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager

from starlette.requests import Request

from services.exporter.web_connector.envelope import SPEAKS_SOAP_11, Call, read_call
from services.exporter.web_connector.faults import Fault, NotSoap, TooMany
from services.pipeline.networks import network_of
from services.pipeline.places import NoPlaceError, Places

MAX_BODY_BYTES = 16 * 1_048_576
LARGE_BODY_BYTES = 1_048_576
LARGE_AT_ONCE = 2
SMALL_BODY_BYTES = 65_536
AT_ONCE = 32
OF_ONE_NETWORK = 8
"""Bodies of more than SMALL_BODY_BYTES, of which whoever connects from everywhere could fill our memory."""
STRANGERS_AT_ONCE = 8
LARGE_OF_STRANGERS_AT_ONCE = 1
"""Of requests that do not begin with the ticket of a conversation, as those of every Web Connector do. They have turns
of their own: whoever sends slowly keeps theirs for as long as a request may take."""
WAIT_SECONDS = 15.0

_Needed = list[tuple[int, AbstractAsyncContextManager[None]]]
_CHARSETS = ("", "utf-8", "utf8", "us-ascii")
_TICKET_WITHIN_BYTES = 8_192
_TICKET = re.compile(rb"<(?:[^<>:\s]{1,64}:)?ticket\b[^<>]{0,400}>\s*+([!-;=-~]{1,200})\s*+<")


class Bodies:
    """The calls that are being read; a large one waits for its turn before more of it is taken from the network.

    `is_open` says whether a ticket is that of a conversation under way.
    """

    def __init__(self, is_open: Callable[[str], Awaitable[bool]]) -> None:
        self._is_open = is_open
        self._clients = _Turns(AT_ONCE, LARGE_AT_ONCE)
        self._strangers = _Turns(STRANGERS_AT_ONCE, LARGE_OF_STRANGERS_AT_ONCE)

    @asynccontextmanager
    async def call_in(self, request: Request) -> AsyncIterator[Call]:
        """Lend the call in `request`; Refusal if it has none. A large one keeps its turn until it is answered."""
        _check_headers(request)
        async with AsyncExitStack() as turn:
            chunks = await self._read(request, turn)
            # in a thread, where the parser lets the event loop run
            yield await asyncio.to_thread(_call_of, chunks, request.headers.get("soapaction", ""))

    async def _read(self, request: Request, turn: AsyncExitStack) -> list[bytes]:
        """Read the body; one that is larger than BodyLimit allows ends here, as the HTTPException that it raises."""
        chunks: list[bytes] = []
        needed: _Needed | None = None
        read_bytes, stated_bytes = 0, _stated_bytes(request)
        async for chunk in request.stream():
            chunks.append(chunk)
            read_bytes += len(chunk)
            if read_bytes > SMALL_BODY_BYTES:
                needed = await self._needed(request, chunks) if needed is None else needed
                await _wait_for(needed, max(read_bytes, stated_bytes), turn)
        return chunks

    async def _needed(self, request: Request, chunks: list[bytes]) -> _Needed:
        """What a body that begins with `chunks` must wait for before more of it is read than so many bytes."""
        found = _TICKET.search(b"".join(chunks)[:_TICKET_WITHIN_BYTES])
        is_client = found is not None and await self._is_open(found[1].decode("ascii"))
        network = network_of(request.client.host if request.client else "")
        return (self._clients if is_client else self._strangers).needed(network)


class _Turns:
    """The turns of some senders: for bodies that are not small, and for large ones."""

    def __init__(self, at_once: int, large_at_once: int) -> None:
        self._of_network = Places(OF_ONE_NETWORK, WAIT_SECONDS)
        self._any = asyncio.Semaphore(at_once)
        self._large = asyncio.Semaphore(large_at_once)

    def needed(self, network: str) -> _Needed:
        return [
            (SMALL_BODY_BYTES, self._place(network)),
            (SMALL_BODY_BYTES, self._any),
            (LARGE_BODY_BYTES, self._large),
        ]

    @asynccontextmanager
    async def _place(self, network: str) -> AsyncIterator[None]:
        try:
            await self._of_network.take(network)
        except NoPlaceError:
            raise TooMany("too_many_at_once", "Too many long requests at a time. Try again later.") from None
        try:
            yield
        finally:
            self._of_network.give_back(network)


async def _wait_for(needed: _Needed, body_bytes: int, turn: AsyncExitStack) -> None:
    while needed and body_bytes > needed[0][0]:
        await turn.enter_async_context(needed.pop(0)[1])


def _call_of(chunks: list[bytes], action: str) -> Call:
    body = b"".join(chunks)
    chunks.clear()
    return read_call(body, action)


def _check_headers(request: Request) -> None:
    """Refusal for what is no SOAP 1.1 message, before anything of it is read."""
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        raise NotSoap("content_encoding", "The request is compressed. Send it without a Content-Encoding.")
    media_type, _, parameters = request.headers.get("content-type", "").lower().partition(";")
    if media_type.strip() == "application/soap+xml":
        raise Fault("soap_version", SPEAKS_SOAP_11, "VersionMismatch")
    if media_type.strip() not in ("text/xml", "application/xml"):
        raise NotSoap("content_type", "The request is no SOAP message. Send it as text/xml.")
    charset = parameters.partition("charset=")[2].partition(";")[0].strip("\"' ")
    if charset not in _CHARSETS:
        raise Fault("encoding", "The message is not in UTF-8. Send it in UTF-8.")


def _stated_bytes(request: Request) -> int:
    stated = request.headers.get("content-length", "")
    return int(stated) if stated.isascii() and stated.isdigit() else 0
