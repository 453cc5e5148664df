"""Logs why people or programs cannot sign in, where whoever runs us can mend it."""

import structlog
from fastapi import Request, Response

from services.approval.identity.sign_in.errors import SignInError
from services.approval.web.desk.errors import ErrorHandler
from services.pipeline.seldom import Seldom

log = structlog.get_logger()


class SignInTroubles:
    """Says each cause at most once a minute, however many requests come."""

    def __init__(self) -> None:
        self._seldom = Seldom()

    def told(self, handler: ErrorHandler) -> ErrorHandler:
        """Return `handler` of sign-in errors, which are also logged if they have a cause."""

        async def handle(request: Request, error: Exception) -> Response:
            self._say(error)
            return await handler(request, error)

        return handle

    def _say(self, error: Exception) -> None:
        if not isinstance(error, SignInError) or not error.cause:
            return
        if (repeats := self._seldom.left_out(error.cause)) is not None:
            log.warning("sign_in.failed", cause=error.cause, status=error.status, repeats=repeats)
