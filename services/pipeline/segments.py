"""Ids as single segments of an address's path, whatever they contain: `a%2Fb` is one segment and the id `a/b`."""

from typing import Annotated
from urllib.parse import unquote

from pydantic import BeforeValidator
from starlette.types import ASGIApp, Receive, Scope, Send


def routed(raw_path: bytes) -> str:
    """Return the path by which to find a route: decoded, but for the slashes and per cent signs inside its segments."""
    return "/".join(map(_kept_apart, raw_path.decode("latin-1").split("/")))


def text_in(segment: str) -> str:
    """Return what a segment of a routed path says."""
    return segment.replace("%2F", "/").replace("%25", "%")


def _kept_apart(segment: str) -> str:
    return unquote(segment).replace("%", "%25").replace("/", "%2F")


Segment = Annotated[str, BeforeValidator(text_in)]
"""The type of every parameter of a path that may contain anything."""


class Segments:
    """Lets the app find routes by the path as it was sent: the server has decoded it, by which ids fall apart."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the app with the routed path."""
        if scope["type"] == "http" and (raw_path := scope.get("raw_path")):
            scope["path"] = routed(raw_path)
        await self._app(scope, receive, send)
