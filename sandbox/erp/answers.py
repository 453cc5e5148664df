"""The answers of the ERP: to a call that went well, and to one that a fault hits."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable

from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response, StreamingResponse

from sandbox.erp.books import CallResult
from sandbox.erp.faults import ASKS_TO_WAIT, BAD_GATEWAY, CUT, INTERNAL_ERROR, Call, ErpFault, ErpFaultKind
from sandbox.erp.problem import MEDIA_TYPE, Problem

HUGE_BYTES = 50_000_000
_CHUNK = b" " * 50_000
_PAUSE_SECONDS = 0.05
_NOBODYS_DOCUMENT = {"id": "0", "number": "PO-0"}
_AFTER_STORING = {ErpFaultKind.ERROR_AFTER_STORING: INTERNAL_ERROR, ErpFaultKind.BAD_GATEWAY_AFTER: BAD_GATEWAY}


def problem_of(fault: ErpFault, call: Call) -> Problem | None:
    """Return what is answered without carrying out `call`; None if it is carried out."""
    if fault.kind != ErpFaultKind.CONTRADICT or call.is_search:
        return fault.problem
    if call.method == "PUT":
        return Problem(404, "not_found", "No such document", "The ERP was told to deny that it is there.")
    extra = {"document": _NOBODYS_DOCUMENT}
    return Problem(409, "duplicate_reference", "The reference is taken", "By a document that nobody has.", extra=extra)


def status_sent(result: CallResult, fault: ErpFault | None) -> int | None:
    """Return the status that the caller gets; None if the connection is cut."""
    if fault is None:
        return result.status
    if fault.kind in CUT:
        return None
    if fault.kind == ErpFaultKind.NOT_JSON:
        return 200
    problem = _AFTER_STORING.get(fault.kind)
    return problem.status if problem else result.status


def json_answer(result: CallResult) -> Response:
    """Return the result of a call as the API returns it."""
    media_type = MEDIA_TYPE if result.status >= 400 else "application/json"  # noqa: PLR2004 - the first error status
    return JSONResponse(result.body, status_code=result.status, media_type=media_type)


def faulty_answer(result: CallResult, fault: ErpFault) -> Response:
    """Return what the caller gets of a call that `fault` hits."""
    if problem := _AFTER_STORING.get(fault.kind):
        return json_answer(CallResult.of(problem))
    if make := _ODD.get(fault.kind):
        return make(result)
    answer = json_answer(_without_documents(result) if fault.kind == ErpFaultKind.CONTRADICT else result)
    if fault.kind in ASKS_TO_WAIT:
        answer.headers["retry-after"] = str(fault.retry_after_seconds)
    return answer


def _without_documents(result: CallResult) -> CallResult:
    """What a search answers that denies what is there."""
    is_search = "documents" in result.body
    return CallResult(result.did, result.status, {"documents": []}) if is_search else result


def _broken(result: CallResult) -> Response:
    content = json.dumps(result.body).encode()
    return Response(content[: len(content) // 2], result.status, media_type="application/json")


def _page(_result: CallResult) -> Response:
    return HTMLResponse("<!doctype html><title>ERP</title><p>Please sign in.</p>")


def _mislabelled(result: CallResult) -> Response:
    return Response(json.dumps(result.body), result.status, media_type="text/html")


def _huge(result: CallResult) -> Response:
    return StreamingResponse(_chunks(HUGE_BYTES // len(_CHUNK)), result.status, media_type="application/json")


def _endless(result: CallResult) -> Response:
    return StreamingResponse(_spaces(), result.status, media_type="application/json")


def _redirect(_result: CallResult) -> Response:
    return RedirectResponse("/sign-in", 302)


async def _chunks(number: int) -> AsyncIterator[bytes]:
    for _ in range(number):
        yield _CHUNK


async def _spaces() -> AsyncIterator[bytes]:
    """Yield a space now and then, until the caller has gone."""
    while True:
        yield b" "
        await asyncio.sleep(_PAUSE_SECONDS)


_ODD: dict[ErpFaultKind, Callable[[CallResult], Response]] = {
    ErpFaultKind.BROKEN_JSON: _broken,
    ErpFaultKind.NOT_JSON: _page,
    ErpFaultKind.WRONG_TYPE: _mislabelled,
    ErpFaultKind.HUGE_ANSWER: _huge,
    ErpFaultKind.ENDLESS_ANSWER: _endless,
    ErpFaultKind.REDIRECT: _redirect,
}
