"""Refuses requests to the API with very many members or items, before each of them is checked and reported."""

from http import HTTPStatus

import orjson
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_ITEMS = 2_000
"""The largest request of ours, of 50 answers, has some 600."""

_SMALL_BYTES = 16_384
"""A smaller body cannot have so many that checking them takes long."""


class ItemLimit:
    """Answers 422 to a body of the API with more than MAX_ITEMS items, and 400 to a large one that is no JSON."""

    def __init__(self, app: ASGIApp, prefix: str) -> None:
        self._app = app
        self._prefix = prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the app with a body that is checked once it is complete."""
        is_limited = scope["type"] == "http" and scope["path"].startswith(self._prefix)
        await self._app(scope, _checked(receive) if is_limited else receive, send)


def _checked(receive: Receive) -> Receive:
    received = bytearray()

    async def receive_some() -> Message:
        message = await receive()
        received.extend(message.get("body", b""))
        if message["type"] == "http.request" and not message.get("more_body") and len(received) > _SMALL_BYTES:
            _check(received)
        return message

    return receive_some


def _check(body: bytearray) -> None:
    try:
        # several times as fast as what reads the body afterwards
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise HTTPException(HTTPStatus.BAD_REQUEST, "The body is not JSON.") from error
    if count_items(value, MAX_ITEMS) > MAX_ITEMS:
        raise HTTPException(HTTPStatus.UNPROCESSABLE_ENTITY, f"The body has more than {MAX_ITEMS:,} members and items.")


def count_items(value: object, most: int) -> int:
    """Return how many members and items `value` has at all depths; some number above `most` if there are more."""
    count, unread = 0, [value]
    while unread and count <= most:
        each = unread.pop()
        members = each.values() if isinstance(each, dict) else each if isinstance(each, list) else ()
        count += len(members)
        if count <= most:
            unread.extend(members)
    return count
