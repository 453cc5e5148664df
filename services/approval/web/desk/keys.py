"""Whether somebody uses the desk's single keys, which can be switched off (WCAG 2.1.4)."""

from contextvars import ContextVar
from datetime import timedelta

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from services.approval.identity.sign_in.cookies import Cookies

ON, OFF = "on", "off"
_COOKIE = "keys"
_LIFE = timedelta(days=365)
_CHOSEN: ContextVar[str] = ContextVar("keys", default=ON)


class KnowsKeys:
    """Reads the choice of each request's browser, so that every page, also an error, can tell it to its script."""

    def __init__(self, app: ASGIApp, cookies: Cookies) -> None:
        self._app = app
        self._cookies = cookies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the app with the choice set."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        token = _CHOSEN.set(OFF if self._cookies.read(Request(scope), _COOKIE) == OFF else ON)
        try:
            await self._app(scope, receive, send)
        finally:
            _CHOSEN.reset(token)


def chosen_keys() -> str:
    """Return ON or OFF, as the browser of the present request has it."""
    return _CHOSEN.get()


def choose_keys(cookies: Cookies, answer: Response, choice: str) -> None:
    """Let the browser keep the choice; anything but OFF is ON."""
    if choice == OFF:
        cookies.write(answer, _COOKIE, OFF, _LIFE)
    else:
        cookies.clear(answer, _COOKIE)
