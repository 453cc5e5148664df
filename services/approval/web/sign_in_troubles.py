"""Logs and counts why people or programs are not let in, do not get what they ask for, or cannot sign in."""

import structlog
from fastapi import Request, Response

from services.approval.identity.sign_in.errors import (
    CrossSiteRequestError,
    NotAllowedError,
    NotSignedInError,
    ProviderUnavailableError,
    SignInError,
    SignInFailedError,
    TooManyRequestsError,
)
from services.approval.metrics import FAILED, SIGN_INS
from services.approval.web.desk.errors import ErrorHandler
from services.pipeline.seldom import Seldom

_OF_PEOPLE = "/sign-in"
"""Where sign-ins at the desk begin and end: a program with a wrong token must not count as people, nor what anybody can
make up as an answer of the provider."""

_API = "/api/v1"
"""Its routes have paths without this prefix."""

log = structlog.get_logger()


class SignInTroubles:
    """Says each cause, and each refusal of a person at a route, at most once a minute, however many requests come."""

    def __init__(self) -> None:
        self._seldom = Seldom()

    def told(self, handler: ErrorHandler) -> ErrorHandler:
        """Return `handler` of sign-in errors, which are also logged, and of people counted, if they have a cause."""

        async def handle(request: Request, error: Exception) -> Response:
            if isinstance(error, SignInError):
                self._tell(request, error)
            return await handler(request, error)

        return handle

    def _tell(self, request: Request, error: SignInError) -> None:
        if error.cause:
            if isinstance(error, ProviderUnavailableError) and request.url.path.startswith(_OF_PEOPLE):
                SIGN_INS.labels(FAILED).inc()
            self._say_cause(error)
        elif refused := _refused(request, error):
            self._say_refused(request, refused)

    def _say_cause(self, error: SignInError) -> None:
        if (repeats := self._seldom.left_out(error.cause)) is not None:
            log.warning("sign_in.failed", cause=error.cause, status=error.status, repeats=repeats)

    def _say_refused(self, request: Request, why: str) -> None:
        person_id, route = _person_id(request), f"{request.method} {_route(request)}"
        if (repeats := self._seldom.left_out((why, person_id, route))) is not None:
            log.warning("request.refused", why=why, person_id=person_id, route=route, repeats=repeats)


def _refused(request: Request, error: SignInError) -> str | None:
    """Return what to call the refusal; None for the first step of every sign-in, a request without one."""
    match error:
        case CrossSiteRequestError():
            return "from_another_site"
        case NotAllowedError():
            return "right_missing"
        case TooManyRequestsError():
            return "too_many_requests"
        case SignInFailedError():
            return "sign_in_not_confirmed"
        case NotSignedInError() if "authorization" in request.headers:
            return "token_not_valid"
        case _:
            return None


def _person_id(request: Request) -> str | None:
    visitor = getattr(request.state, "visitor", None)
    return visitor.person_id if visitor else None


def _route(request: Request) -> str:
    """Return the path with the names of its parts, since some paths hold secrets."""
    path = str(getattr(request.scope.get("route"), "path", ""))
    return f"{_API}{path}" if request.url.path.startswith(f"{_API}/") else path
