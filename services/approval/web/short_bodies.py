"""Reads the beginning of a body before anything is done for its request, so that a slow client holds up only itself."""

from collections import deque

from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive

SHORT_BODY_BYTES = 65_536
"""As much is read of any body: a form of strangers as a whole, and no more than the server itself reads ahead."""


async def begun(receive: Receive) -> tuple[Receive, bool]:
    """Return what receives the request, of which SHORT_BODY_BYTES were read, and whether its body is longer than that.

    ClientDisconnect if the client goes away before.
    """
    read: deque[Message] = deque()
    read_bytes, has_more = 0, True
    while has_more and read_bytes <= SHORT_BODY_BYTES:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        read.append(message)
        read_bytes += len(message.get("body", b""))
        has_more = message.get("more_body", False)

    async def receive_again() -> Message:
        return read.popleft() if read else await receive()

    return receive_again, read_bytes > SHORT_BODY_BYTES
