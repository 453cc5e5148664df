"""The HTTP endpoint at which Intuit's Web Connector polls."""

from typing import Any

import structlog
from fastapi import FastAPI, Request, Response
from limits import RateLimitItemPerMinute
from limits.aio.strategies import FixedWindowRateLimiter
from starlette.requests import ClientDisconnect
from starlette.responses import PlainTextResponse

from services.exporter.connections import Connections
from services.exporter.web_connector import pages
from services.exporter.web_connector.bodies import MAX_BODY_BYTES, Bodies
from services.exporter.web_connector.calls import Calls
from services.exporter.web_connector.conversing import Conversing
from services.exporter.web_connector.endpoint_url import PATH, SUPPORT_PATH, endpoint_url
from services.exporter.web_connector.envelope import write_answer, write_fault
from services.exporter.web_connector.faults import Fault, Refusal, TooMany
from services.exporter.web_connector.sign_in import SignIns
from services.exporter.web_connector.wsdl import wsdl
from services.pipeline.http import new_app
from services.pipeline.minute_counts import MinuteCounts
from services.pipeline.networks import network_of
from services.pipeline.seldom import Seldom

log = structlog.get_logger()
REQUESTS_OF_ONE_NETWORK = 3_000
"""In a minute: many times what a Web Connector sends that is never idle."""
_CLOSE = {"connection": "close"}


def build_app(connections: Connections, conversing: Conversing, url: str | None) -> FastAPI:
    """Return the exporter's app with the endpoint; `url` is its address for clients, None if nobody has given it.

    SettingsError if the Web Connector would refuse the address.
    """
    app = new_app("Countersign exporter", {PATH: MAX_BODY_BYTES})
    add_web_connector(app, connections, conversing, url)
    return app


def add_web_connector(app: FastAPI, connections: Connections, conversing: Conversing, url: str | None) -> None:
    """Add the endpoint to `app`, which must take bodies of MAX_BODY_BYTES at PATH."""
    endpoint = _Endpoint(Calls(conversing, SignIns(connections, conversing.refused)), Bodies(conversing.is_open))
    address = endpoint_url(url) if url else None

    @app.post(PATH, include_in_schema=False)
    async def call(request: Request) -> Response:
        return await endpoint.answer(request)

    @app.api_route(PATH, methods=["GET", "HEAD"], include_in_schema=False)
    async def describe(request: Request) -> Response:
        if "wsdl" not in (name.lower() for name in request.query_params):
            return pages.what_this_is()
        return _xml(wsdl(address or str(request.url.replace(query=""))))

    @app.api_route(SUPPORT_PATH, methods=["GET", "HEAD"], include_in_schema=False)
    async def support() -> Response:
        return pages.support()


class _Endpoint:
    """Answers SOAP calls; what is none is refused with a line in the log, each kind at most once a minute."""

    def __init__(self, calls: Calls, bodies: Bodies) -> None:
        self._calls = calls
        self._bodies = bodies
        self._limiter = FixedWindowRateLimiter(MinuteCounts())
        self._requests = RateLimitItemPerMinute(REQUESTS_OF_ONE_NETWORK, namespace="requests")
        self._seldom = Seldom()

    async def answer(self, request: Request) -> Response:
        """Return the answer to the call in `request`, or the fault that says why there is none."""
        address = request.client.host if request.client else ""
        try:
            if not await self._limiter.hit(self._requests, network_of(address)):
                raise TooMany("too_many", "Too many requests. Try again in a minute.")
            async with self._bodies.call_in(request) as call:
                return _xml(write_answer(call.method, await self._calls.answer(call, address)))
        except Refusal as refusal:
            return self._refused(refusal)
        except ClientDisconnect:
            return Response(status_code=400)  # nobody reads it

    def _refused(self, refusal: Refusal) -> Response:
        if (repeats := self._seldom.left_out(refusal.reason)) is not None:
            log.warning("web_connector.request_refused", reason=refusal.reason, repeats=repeats)
        if isinstance(refusal, Fault):
            return _xml(write_fault(refusal), status_code=500, headers=_CLOSE)
        if isinstance(refusal, TooMany):
            return PlainTextResponse(f"{refusal.sentence}\n", 429, headers=_CLOSE | {"retry-after": "60"})
        return PlainTextResponse(f"{refusal.sentence}\n", 415, headers=_CLOSE)


def _xml(content: bytes, **more: Any) -> Response:
    return Response(content, media_type="text/xml; charset=utf-8", **more)
