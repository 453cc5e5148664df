"""Refuses request bodies that are too large, before they are read as far as their sender says so."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from types import MappingProxyType

import structlog
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.pipeline.seldom import Seldom

MAX_BODY_BYTES = 1_048_576

log = structlog.get_logger()


class BodyLimit:
    """Answers 413 to a body of more than MAX_BODY_BYTES; one without a stated length fails where it is read.

    `of_paths` has paths with a limit of their own, in bytes, which is also that of what is below them, unless a longer
    path has another; `refusal` makes the response from path and sentence.
    """

    def __init__(
        self,
        app: ASGIApp,
        of_paths: Mapping[str, int] = MappingProxyType({}),
        refusal: Callable[[str, str], Response] | None = None,
    ) -> None:
        self._app = app
        self._refusal = refusal or plain_refusal
        self._of_paths = sorted(of_paths.items(), key=lambda path_and_limit: len(path_and_limit[0]), reverse=True)
        self._seldom = Seldom()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the app unless the stated length is too large."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path, max_bytes = self._limit_of(scope["path"])
        if _stated_bytes(scope) > max_bytes:
            # The connection ends, because the rest of the body would come first on it.
            refusal = self._refusal(scope["path"], self._refuse(path, max_bytes))
            refusal.headers["connection"] = "close"
            await refusal(scope, receive, send)
        else:
            await self._app(scope, self._counted(receive, path, max_bytes), send)

    def _limit_of(self, path: str) -> tuple[str, int]:
        """Return the path whose limit is that of `path`, empty for the limit of all, and the limit."""
        for beginning, max_bytes in self._of_paths:
            if path == beginning or path.startswith(f"{beginning.rstrip('/')}/"):
                return beginning, max_bytes
        return "", MAX_BODY_BYTES

    def _counted(self, receive: Receive, path: str, max_bytes: int) -> Receive:
        received_bytes = 0

        async def receive_some() -> Message:
            nonlocal received_bytes
            message = await receive()
            received_bytes += len(message.get("body", b""))
            if received_bytes > max_bytes:
                sentence = self._refuse(path, max_bytes)
                raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, sentence, {"connection": "close"})
            return message

        return receive_some

    def _refuse(self, path: str, max_bytes: int) -> str:
        """Say so in the log, at most once a minute; return the sentence for the sender."""
        if (repeats := self._seldom.left_out(path)) is not None:
            log.warning("http.body_refused", path=path, max_bytes=max_bytes, repeats=repeats)
        return f"The request is larger than {max_bytes:,} bytes. Nothing of it was used."


def plain_refusal(path: str, sentence: str) -> Response:
    """Return the response to a body that is too large, as text."""
    del path
    return PlainTextResponse(f"{sentence}\n", HTTPStatus.REQUEST_ENTITY_TOO_LARGE)


def _stated_bytes(scope: Scope) -> int:
    stated = Headers(scope=scope).get("content-length", "")
    return int(stated) if stated.isascii() and stated.isdigit() else 0
