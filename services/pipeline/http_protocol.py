"""HTTP/1.1 with deadlines and limits: a client that sends or reads too slowly, or holds too much, is cut off."""

import asyncio
import resource
from collections.abc import Hashable
from http import HTTPStatus
from typing import Any

import h11
import structlog
from uvicorn.protocols.http.h11_impl import H11Protocol

from services.pipeline.making_room import Room, Waits
from services.pipeline.networks import is_within, network_of
from services.pipeline.request_head import SmallHeads
from services.pipeline.safe_headers import SAFE_HEADERS
from services.pipeline.seldom import Seldom
from services.pipeline.sweeping import Sweeping

REQUEST_SECONDS = 20.0
"""From the first byte of a request, or from the connection, to the last byte of its body."""
READ_SECONDS = 60.0
"""How long a client may leave what we send unread."""
READ_BYTES_PER_SECOND = 8_192
"""Whoever reads so fast may take longer for an answer that is sent in parts."""
LINGER_SECONDS = 2.0
"""How long a client that is refused may go on sending."""
MAX_CONNECTIONS = 400
OTHER_FILES = 150
"""Of the files that a process may open, so many are for database, Kafka, ERPs and the like."""
FILES_OF_A_CONNECTION = 2
"""Itself, and the asset that is sent on it."""
FEWEST_CONNECTIONS = 16
MAX_KEPT_BYTES = 67_108_864
"""What all connections of a process together may have sent of unfinished requests, and have left unread of answers."""
MAX_SMALL_PIECES = 1_000
SMALL_BYTES = 64
"""A body in more than MAX_SMALL_PIECES chunks of fewer bytes on average is refused: each costs us as much as a long
one, and a few hundred kilobytes of them would hold up everybody for a second."""
_MAY_STILL_ANSWER = (h11.IDLE, h11.SEND_RESPONSE)

log = structlog.get_logger()
_seldom = Seldom()


class BoundedProtocol(H11Protocol):
    """One connection, which may end to make room for others; `bounded_protocol` makes one class for each server."""

    room: "Room[BoundedProtocol]" = Room()
    sweeping = Sweeping()
    request_seconds = REQUEST_SECONDS
    read_seconds = READ_SECONDS
    max_connections = MAX_CONNECTIONS
    max_kept_bytes = MAX_KEPT_BYTES
    _by: Hashable = None
    _incomplete: asyncio.TimerHandle | None = None
    _unread: asyncio.TimerHandle | None = None
    _unread_bytes = 0
    _sent_bytes = 0
    _is_refused = False

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.conn = _FewPieces(h11.SERVER)
        self._reading_seconds = self.read_seconds

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the deadline of the first request."""
        super().connection_made(transport)
        transport.set_write_buffer_limits(high=0)  # so that we are told of anything unread, also of a short answer
        self._by = self._holder()
        self._begins()
        self._note()
        if len(self.connections) > self.max_connections:
            self._end(self.room.to_let_in(self), "connections")

    def data_received(self, data: bytes) -> None:
        """Count what is sent of a request that is not complete."""
        if self._is_refused:
            return
        self._sent_bytes += len(data)
        self.sweeping.received(len(data))
        super().data_received(data)
        self._note()

    def handle_events(self) -> None:
        """Start the deadline of a request that has begun, and stop it with the last byte.

        Also of one that came before the answer to the request before it, and is handled after that.
        """
        super().handle_events()
        if self.conn.their_state not in (h11.IDLE, h11.SEND_BODY):
            self._is_complete()
        elif self.timeout_keep_alive_task is None:
            self._begins()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP, which no app sees, or end the connection if there is an answer already."""
        if self.conn.our_state not in _MAY_STILL_ANSWER:
            self._cut_off()
            return
        safe = [(name.encode(), value.encode()) for name, value in SAFE_HEADERS.items()]
        headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close"), *safe]
        answer = h11.Response(status_code=HTTPStatus.BAD_REQUEST, headers=headers, reason=b"Bad Request")
        for event in (answer, h11.Data(data=msg.encode("ascii")), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        self._linger()

    def pause_writing(self) -> None:
        """Start the deadline for reading what we sent."""
        super().pause_writing()
        self._unread_bytes = self.transport.get_write_buffer_size()
        self._unread = self._unread or self.loop.call_later(self._reading_seconds, self._cut_off)
        self._note()

    def resume_writing(self) -> None:
        """Stop that deadline; what comes next of the same answer has the rest of it, and more for what was read."""
        super().resume_writing()
        if self._unread is not None:
            rest = self._unread.when() - self.loop.time() + self._unread_bytes / READ_BYTES_PER_SECOND
            self._reading_seconds = min(rest, self.read_seconds)
        self._is_read()
        self._note()

    def on_response_complete(self) -> None:
        """Give the next answer its own deadline."""
        self._reading_seconds = self.read_seconds
        super().on_response_complete()
        self._note()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop all deadlines."""
        self._is_complete()
        self._is_read()
        self.room.remove(self)
        super().connection_lost(exc)
        self._unset_keepalive_if_required()

    def _linger(self) -> None:
        """End our side, and drop what still comes: a connection that is closed before it has come loses the answer."""
        self._is_refused = True
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.loop.call_later(LINGER_SECONDS, self._cut_off)

    def _holder(self) -> Hashable:
        """Who is counted: the client's network; each connection of a proxy on its own, for it is somebody else's."""
        address = self.client[0] if self.client else ""
        trusted = self.config.forwarded_allow_ips if self.config.proxy_headers else None
        return self if is_within(address, str(trusted or "")) else network_of(address)

    def _waits_for(self) -> Waits:
        if self._incomplete is not None:
            return Waits.REQUEST
        if self._unread is not None:
            return Waits.READER
        return Waits.ANSWER if self.timeout_keep_alive_task is None else Waits.NEXT_REQUEST

    def _note(self) -> None:
        """Tell the room how this connection is now, and end one if all of them make us keep too much."""
        if self not in self.connections:
            return
        self.room.put(self, self._by, self._waits_for())
        self.room.keep(self, (self._sent_bytes if self._incomplete else 0) + self._unread_bytes)
        if self.room.kept_bytes > self.max_kept_bytes:
            connection = self.room.to_free_memory()
            if connection is not None:
                self._end(connection, "memory")

    def _begins(self) -> None:
        self._incomplete = self._incomplete or self.loop.call_later(self.request_seconds, self._cut_off)

    def _is_complete(self) -> None:
        if self._incomplete is not None:
            self._incomplete.cancel()
            self._incomplete = None
        self._sent_bytes = 0

    def _is_read(self) -> None:
        self._unread_bytes = 0
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def _end(self, connection: "BoundedProtocol", reason: str) -> None:
        if (repeats := _seldom.left_out(("http.connection_ended", reason))) is not None:
            waits_for = self.room.waits_for(connection)
            waits = None if waits_for is None else waits_for.name.lower()
            log.warning("http.connection_ended", reason=reason, waits_for=waits, repeats=repeats)
        connection._cut_off()  # noqa: SLF001 - of the same class

    def _cut_off(self) -> None:
        # Not close(), which would wait until the client has read everything.
        self.connections.discard(self)
        self.room.remove(self)
        self.transport.abort()


def bounded_protocol(**limits: float) -> type[BoundedProtocol]:
    """Return the protocol of one server; `limits` replace its own.

    Where the process may open few files, it takes fewer connections than usual.
    """
    members: dict[str, Any] = {"room": Room(), "sweeping": Sweeping()}
    open_files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = (open_files - OTHER_FILES) // FILES_OF_A_CONNECTION
    if open_files != resource.RLIM_INFINITY and allowed < MAX_CONNECTIONS:
        members["max_connections"] = max(allowed, FEWEST_CONNECTIONS)
        log.warning("http.few_files", open_files=open_files, connections=members["max_connections"])
    return type("BoundedHere", (BoundedProtocol,), members | limits)


class _FewPieces(SmallHeads):
    """Refuses a body in very many very small chunks."""

    _pieces = 0
    _bytes = 0

    def next_event(self) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        event = super().next_event()
        if isinstance(event, h11.Request):
            self._pieces = self._bytes = 0
        elif isinstance(event, h11.Data):
            self._pieces += 1
            self._bytes += len(event.data)
            if self._pieces > MAX_SMALL_PIECES and self._bytes < self._pieces * SMALL_BYTES:
                raise h11.RemoteProtocolError("a body in too many small pieces")
        return event
