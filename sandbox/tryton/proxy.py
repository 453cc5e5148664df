"""A reverse proxy before Tryton that can delay calls, lose them or their answers, and answer in Tryton's place."""

import asyncio
import json
from typing import Any

import httpx2
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response

from sandbox.faults import FaultInjector
from sandbox.serving import cut
from sandbox.tryton.faults import BEFORE_TRYTON, CUT, STATUSES, RpcCall, TrytonFault, TrytonFaultKind

_FORWARDED = ("authorization", "content-type", "accept", "accept-encoding")
_RETURNED = ("content-type", "content-encoding", "www-authenticate")


def add_proxy(app: FastAPI, upstream: httpx2.AsyncClient, injector: FaultInjector[TrytonFault]) -> None:
    """Add Tryton's JSON-RPC to `app`: calls are forwarded to `upstream`, unless a fault is switched on."""

    @app.post("/{database}/rpc/")
    async def rpc(request: Request, database: str) -> Response:
        body = await request.body()
        fault = injector.take(lambda each: each.matches(call_in(body)))
        if fault is None:
            return await _forwarded(upstream, request, database, body)
        return await _hit(fault, upstream, request, database, body)


def call_in(body: bytes) -> RpcCall:
    """Return what a request calls; a reference is found in what is written, or in what is searched."""
    try:
        content = json.loads(body)
        method, parameters = str(content["method"]), content["params"]
    except (ValueError, TypeError, KeyError):
        return RpcCall("", None)
    return RpcCall(method, _reference_in(parameters))


def _reference_in(value: Any) -> str | None:
    """Return the first reference in the parameters: a member of what is written, or a clause of a search."""
    if isinstance(value, dict):
        reference = value.get("reference")
        return reference if isinstance(reference, str) else None
    if not isinstance(value, list):
        return None
    if value[:1] == ["reference"] and isinstance(value[-1], str):
        return value[-1]
    return next((found for each in value if (found := _reference_in(each))), None)


async def _hit(
    fault: TrytonFault, upstream: httpx2.AsyncClient, request: Request, database: str, body: bytes
) -> Response:
    """Return the answer of a call that `fault` hits; what Tryton has carried out stays, even if nobody hears of it."""
    is_late = fault.kind is TrytonFaultKind.LATE_ANSWER
    await asyncio.sleep(0 if is_late else fault.seconds)
    answer = Response()
    if fault.kind not in BEFORE_TRYTON:
        answer = await _forwarded(upstream, request, database, body)
    await asyncio.sleep(fault.seconds if is_late else 0)
    if fault.kind in CUT:
        cut(request)
    if fault.kind is TrytonFaultKind.REFUSE:
        return JSONResponse({"id": 1, "error": ["UserError", [fault.message, "", None]]})
    if status := STATUSES.get(fault.kind):
        return JSONResponse({"message": "The proxy before Tryton says so."}, status, _headers(fault))
    return answer


def _headers(fault: TrytonFault) -> dict[str, str]:
    asks_to_wait = fault.kind in (TrytonFaultKind.UNAVAILABLE, TrytonFaultKind.TOO_MANY)
    return {"retry-after": str(fault.retry_after_seconds)} if asks_to_wait else {}


async def _forwarded(upstream: httpx2.AsyncClient, request: Request, database: str, body: bytes) -> Response:
    """Return Tryton's own answer, byte by byte, compressed or not."""
    headers = {name: request.headers[name] for name in _FORWARDED if name in request.headers}
    try:
        async with upstream.stream("POST", f"/{database}/rpc/", content=body, headers=headers) as answer:
            content = b"".join([chunk async for chunk in answer.aiter_raw()])
    except httpx2.HTTPError as error:
        return JSONResponse({"message": f"Tryton did not answer ({type(error).__name__})."}, 502)
    returned = {name: answer.headers[name] for name in _RETURNED if name in answer.headers}
    return Response(content, answer.status_code, returned)
