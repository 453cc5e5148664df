"""Counts what the HTTP server answers, so that somebody hears of pages that only fail."""

from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.pipeline import metrics

CLASSES = ("2xx", "3xx", "4xx", "429", "5xx")
"""What is refused as too much is counted apart: a flood would hide the errors that people get."""
_NOTHING_ANSWERED = 500
_TOO_MUCH = 429


class CountedResponses:
    """Counts answers by the class of their status; an error of ours before there is an answer is a 5xx.

    What `is_probe` says to be one is not counted: Prometheus and probes would hide what people get.
    """

    def __init__(self, app: ASGIApp, is_probe: Callable[[Scope], bool]) -> None:
        self._app = app
        self._is_probe = is_probe
        for each in CLASSES:  # Prometheus sees no increase in a series that begins at 1
            metrics.HTTP_RESPONSES.labels(each)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the app, and count its answer."""
        if scope["type"] != "http" or self._is_probe(scope):
            await self._app(scope, receive, send)
            return
        status = _NOTHING_ANSWERED

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noted)
        finally:
            metrics.HTTP_RESPONSES.labels(_class_of(status)).inc()


def _class_of(status: int) -> str:
    return str(status) if status == _TOO_MUCH else f"{status // 100}xx"
