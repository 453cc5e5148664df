"""HTTP/1.1 with deadlines: a client that sends or reads too slowly, or holds connections, is cut off."""

import asyncio
from collections.abc import Iterable
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from services.pipeline.request_head import SmallHeads

REQUEST_SECONDS = 20.0
"""From the first byte of a request, or from the connection, to the last byte of its body."""
READ_SECONDS = 60.0
"""How long a client may leave what we send unread."""
MAX_CONNECTIONS = 400
"""Well below 1,024 open files, so that database and Kafka always get theirs."""
ACCEPTED_AT_ONCE = 100
"""New connections that the event loop accepts in a row; all have a file open before the first can be cut off."""


class BoundedProtocol(H11Protocol):
    """One connection. If there are too many, the one that has waited longest for a complete request makes room."""

    request_seconds = REQUEST_SECONDS
    read_seconds = READ_SECONDS
    max_connections = MAX_CONNECTIONS
    _incomplete: asyncio.TimerHandle | None = None
    _unread: asyncio.TimerHandle | None = None

    @property
    def may_end(self) -> tuple[bool, float] | None:
        """What sorts first is ended first: half a request, the oldest, before idling; None while we owe an answer."""
        timer = self._incomplete or self.timeout_keep_alive_task
        return None if timer is None else (self._incomplete is None, timer.when())

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.conn = SmallHeads(h11.SERVER)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the deadline of the first request."""
        super().connection_made(transport)
        self._incomplete = self.loop.call_later(self.request_seconds, self._cut_off)
        if len(self.connections) > self.max_connections:
            _longest_waiting(self.connections, or_else=self).transport.abort()

    def data_received(self, data: bytes) -> None:
        """Start the deadline with the first byte of a request, and stop it with the last one."""
        super().data_received(data)
        is_complete = self.conn.their_state not in (h11.IDLE, h11.SEND_BODY)
        if is_complete:
            self._is_complete()
        elif self._incomplete is None:
            self._incomplete = self.loop.call_later(self.request_seconds, self._cut_off)

    def pause_writing(self) -> None:
        """Start the deadline for reading what we sent."""
        super().pause_writing()
        self._unread = self._unread or self.loop.call_later(self.read_seconds, self._cut_off)

    def resume_writing(self) -> None:
        """Stop that deadline."""
        super().resume_writing()
        self._is_read()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop all deadlines."""
        self._is_complete()
        self._is_read()
        super().connection_lost(exc)
        self._unset_keepalive_if_required()

    def _is_complete(self) -> None:
        if self._incomplete is not None:
            self._incomplete.cancel()
            self._incomplete = None

    def _is_read(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def _cut_off(self) -> None:
        # Not close(), which would wait until the client has read everything.
        self.transport.abort()


def _longest_waiting(connections: Iterable[object], *, or_else: BoundedProtocol) -> BoundedProtocol:
    """Return the connection to end first; `or_else` if we owe an answer on every other one."""
    others = [each for each in connections if isinstance(each, BoundedProtocol) and each is not or_else]
    waiting = [(each.may_end, each) for each in others if each.may_end is not None]
    return min(waiting, key=lambda pair: pair[0], default=(None, or_else))[1]
