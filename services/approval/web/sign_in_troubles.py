"""Logs and counts why people or programs cannot sign in, where whoever runs us can mend it."""

import structlog
from fastapi import Request, Response

from services.approval.identity.sign_in.errors import ProviderUnavailableError, SignInError
from services.approval.metrics import FAILED, SIGN_INS
from services.approval.web.desk.errors import ErrorHandler
from services.pipeline.seldom import Seldom

_OF_PEOPLE = "/sign-in"
"""Where sign-ins at the desk begin and end: a program with a wrong token must not count as people, nor what anybody can
make up as an answer of the provider."""

log = structlog.get_logger()


class SignInTroubles:
    """Says each cause at most once a minute, however many requests come."""

    def __init__(self) -> None:
        self._seldom = Seldom()

    def told(self, handler: ErrorHandler) -> ErrorHandler:
        """Return `handler` of sign-in errors, which are also logged, and of people counted, if they have a cause."""

        async def handle(request: Request, error: Exception) -> Response:
            if isinstance(error, SignInError) and error.cause:
                if isinstance(error, ProviderUnavailableError) and request.url.path.startswith(_OF_PEOPLE):
                    SIGN_INS.labels(FAILED).inc()
                self._say(error)
            return await handler(request, error)

        return handle

    def _say(self, error: SignInError) -> None:
        if (repeats := self._seldom.left_out(error.cause)) is not None:
            log.warning("sign_in.failed", cause=error.cause, status=error.status, repeats=repeats)
