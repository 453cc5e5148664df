"""The endpoint at which operators ask a service what it knows of one commitment."""

import asyncio
import hmac
from http import HTTPStatus

import structlog
from fastapi import FastAPI, Request, Response
from limits import RateLimitItemPerMinute
from limits.aio.strategies import FixedWindowRateLimiter
from pydantic import SecretStr
from starlette.responses import JSONResponse

from schemas.story import PATH
from services.pipeline.broker import Tails
from services.pipeline.database import DATABASE_ERRORS, Database
from services.pipeline.explaining import Explain, TailsOf
from services.pipeline.minute_counts import MinuteCounts
from services.pipeline.networks import network_of
from services.pipeline.segments import Segment
from services.pipeline.seldom import Seldom
from services.pipeline.settings import ServiceSettings

AT_ONCE = 4
ANSWER_SECONDS = 4.0
TAILS_SECONDS = 0.3
"""For each question to the brokers where a partition ends: whoever asks about a commitment wants an answer at once."""
ASKED_PER_MINUTE = 600
WRONG_PER_MINUTE = 30
"""Requests without the right token, from one network; the right one is let through from there as well."""
MAX_ASKED_CHARACTERS = 400

log = structlog.get_logger()


def with_operations(
    app: FastAPI, settings: ServiceSettings, database: Database, explain: Explain, group: str | None = None
) -> FastAPI:
    """Return `app` with the endpoint; without OPERATIONS_TOKEN there is none, and the path answers 404 as any other.

    `group` is the consumer group of a service that keeps its offsets in Kafka alone.
    """
    if settings.operations_token is not None:
        tails = Tails(settings, TAILS_SECONDS, group)
        endpoint = OperationsEndpoint(database, settings.operations_token, explain, tails.of)

        @app.get(f"{PATH}/{{asked}}", include_in_schema=False)
        async def tell(request: Request, asked: Segment) -> Response:
            return await endpoint.answer(request, asked)

    return app


class OperationsEndpoint:
    """Answers whoever has the token, a few at a time and for a few seconds each."""

    def __init__(self, database: Database, token: SecretStr, explain: Explain, tails: TailsOf) -> None:
        self._database = database
        self._token = token
        self._explain = explain
        self._tails = tails
        self._free = asyncio.Semaphore(AT_ONCE)
        self._limiter = FixedWindowRateLimiter(MinuteCounts())
        self._asked = RateLimitItemPerMinute(ASKED_PER_MINUTE, namespace="operations")
        self._wrong = RateLimitItemPerMinute(WRONG_PER_MINUTE, namespace="wrong-token")
        self._seldom = Seldom()

    async def answer(self, request: Request, asked: str) -> Response:
        """Return the part of the story that this service tells, or the refusal with its reason."""
        if not self._is_right(request.headers.get("authorization", "")):
            return await self._refused(request.client.host if request.client else "")
        if len(asked) > MAX_ASKED_CHARACTERS or "\x00" in asked:
            return _problem(HTTPStatus.BAD_REQUEST, "No commitment has such an id or number.")
        if not await self._limiter.hit(self._asked):
            return _problem(HTTPStatus.TOO_MANY_REQUESTS, f"More than {ASKED_PER_MINUTE} questions in a minute.")
        return await self._told(asked)

    def _is_right(self, authorization: str) -> bool:
        scheme, _, given = authorization.partition(" ")
        token = self._token.get_secret_value().encode()
        return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), token) and scheme.lower() == "bearer"

    async def _refused(self, address: str) -> Response:
        if (repeats := self._seldom.left_out("operations.refused")) is not None:
            log.warning("operations.refused", repeats=repeats)
        if not await self._limiter.hit(self._wrong, network_of(address)):
            return _problem(HTTPStatus.TOO_MANY_REQUESTS, "Too many requests without the right token.")
        refusal = _problem(HTTPStatus.UNAUTHORIZED, "Send `Authorization: Bearer` with the value of OPERATIONS_TOKEN.")
        refusal.headers["www-authenticate"] = "Bearer"
        return refusal

    async def _told(self, asked: str) -> Response:
        try:
            async with asyncio.timeout(ANSWER_SECONDS), self._free:
                told = await self._explain(self._database, asked, self._tails)
        except DATABASE_ERRORS as error:
            if self._seldom.left_out("operations.failed") is not None:
                log.warning("operations.failed", cause=type(error).__name__)
            return _problem(HTTPStatus.SERVICE_UNAVAILABLE, "Its database refuses, or does not answer in time.")
        return Response(told.model_dump_json(), media_type="application/json", headers={"cache-control": "no-store"})


def _problem(status: HTTPStatus, detail: str) -> Response:
    return JSONResponse({"detail": detail}, status, headers={"cache-control": "no-store"})
