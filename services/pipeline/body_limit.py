"""Refuses request bodies that are too large, before they are read as far as their sender says so."""

from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BODY_BYTES = 1_048_576
_SENTENCE = f"The request is larger than {MAX_BODY_BYTES:,} bytes. Nothing of it was used."


class BodyLimit:
    """Answers 413 to a body of more than MAX_BODY_BYTES; one without a stated length fails where it is read."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the app unless the stated length is too large."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif _stated_bytes(scope) > MAX_BODY_BYTES:
            # The connection ends, because the rest of the body would come first on it.
            refusal = PlainTextResponse(f"{_SENTENCE}\n", 413, headers={"connection": "close"})
            await refusal(scope, receive, send)
        else:
            await self._app(scope, _counted(receive), send)


def _stated_bytes(scope: Scope) -> int:
    stated = Headers(scope=scope).get("content-length", "")
    return int(stated) if stated.isascii() and stated.isdigit() else 0


def _counted(receive: Receive) -> Receive:
    received_bytes = 0

    async def receive_some() -> Message:
        nonlocal received_bytes
        message = await receive()
        received_bytes += len(message.get("body", b""))
        if received_bytes > MAX_BODY_BYTES:
            raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, _SENTENCE, {"connection": "close"})
        return message

    return receive_some
