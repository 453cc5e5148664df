"""The headers that keep what a service answers out of frames, caches and foreign pages."""

from collections.abc import Mapping
from types import MappingProxyType

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SAFE_HEADERS: Mapping[str, str] = MappingProxyType(
    {
        "content-security-policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "cache-control": "no-store",
    }
)
"""For answers that load nothing; who answers with pages sets headers of its own."""

_STRICT_TRANSPORT = MappingProxyType({"strict-transport-security": "max-age=31536000; includeSubDomains"})


def strict_transport(public_url: str | None) -> Mapping[str, str]:
    """Return the header with which browsers never again use plain HTTP for `public_url`; none if that is its scheme."""
    return _STRICT_TRANSPORT if public_url and public_url.startswith("https:") else MappingProxyType({})


class SafeHeaders:
    """Sets `headers` on every response of an app, except where it has set them itself."""

    def __init__(self, app: ASGIApp, headers: Mapping[str, str]) -> None:
        self._app = app
        self._headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the app and add the headers that it did not set."""

        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_safely if scope["type"] == "http" else send)
