"""Carries out a request with an Idempotency-Key once: its repetition gets the first response again."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

from schemas.events import DirectoryPerson
from services.approval.storage.kept_responses import KeptResponse, KeptResponses, OtherRequest, RequestKey, UnderWay
from services.approval.web.api.problems import RETRY_AFTER_SECONDS, ProblemError, problem

_KEPT_HEADERS = ("content-type", "etag")
Act = Callable[[], Awaitable[Response]]


async def once(kept: KeptResponses, request: Request, who: DirectoryPerson, key: str | None, act: Act) -> Response:
    """Return the response of `act`, or the first one if `who` has sent the same request with this `key` before.

    Refusals are kept as well; what fails without a response can be sent again. Without a key, `act` runs each time.
    """
    if key is None:
        return await act()
    condition = request.headers.get("if-match", "")
    asked = RequestKey.of(who.person_id, key, request.method, request.url.path, await request.body(), condition)
    match await kept.claim(asked):
        case KeptResponse(status, headers, body):
            return Response(body, status, headers={**headers, "idempotency-replayed": "true"})
        case OtherRequest():
            raise ProblemError(422, "Idempotency-Key: you sent it with another request in the last 24 hours.")
        case UnderWay():
            refusal = problem(409, "The same request is being carried out. Send it again in a moment.")
            refusal.headers["retry-after"] = str(RETRY_AFTER_SECONDS)
            return refusal
    response: Response | None = None
    try:
        response = await _refused_or(act)
    finally:
        await (kept.keep(asked, _kept(response)) if response else kept.forget(asked))
    return response


async def _refused_or(act: Act) -> Response:
    try:
        return await act()
    except ProblemError as error:
        return problem(error.status, str(error), **error.members)


def _kept(response: Response) -> KeptResponse:
    headers = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
    return KeptResponse(response.status_code, headers, bytes(response.body))
