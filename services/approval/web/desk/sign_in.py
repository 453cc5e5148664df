"""The routes of sign-in and sign-out."""

import structlog
from fastapi import APIRouter, Request, Response

from services.approval.identity.identity import SESSION, Identity, Visitor, attempt
from services.approval.identity.sign_in.errors import SignInFailedError
from services.approval.identity.sign_in.flow import own_path
from services.approval.metrics import SIGN_INS, SUCCEEDED
from services.approval.storage.sessions import short_name_of
from services.approval.web.dependencies import Dependencies
from services.approval.web.desk.forms import text_fields
from services.approval.web.desk.pages import Pages, see_other

_OURS_TO_MEND = frozenset({"invalid_request", "unauthorized_client", "unsupported_response_type", "invalid_scope"})
"""What a provider says of how we asked (RFC 6749, section 4.1.2.1); the person cannot do anything about these."""

_CLEARED = '"cache", "storage"'
"""What a browser forgets at sign-out. Not its cookies: it would drop those of all hosts of the company's domain."""

log = structlog.get_logger()


def sign_in_router(dependencies: Dependencies, pages: Pages) -> APIRouter:
    """Return the routes of sign-in and sign-out."""
    router = APIRouter(include_in_schema=False)
    identity = dependencies.identity

    @router.get("/sign-in")
    async def begin(request: Request, return_to: str = "/", choose: str = "") -> Response:
        session = await identity.session(request)
        if session and session.person_id:
            return see_other(own_path(return_to))
        await identity.limits.count_sign_in(request)
        begun = await identity.sign_in.begin(return_to, chooses_person=bool(choose))
        answer = see_other(begun.provider_url)
        identity.remember(answer, request, begun)
        return answer

    @router.get("/sign-in/callback")
    async def finish(request: Request, state: str = "", code: str = "", error: str = "") -> Response:
        await identity.limits.count_sign_in_end(request)
        if error:
            text = "The sign-in provider did not let you in. You can sign in again."
            raise SignInFailedError(text, cause=f"the provider says {error}" if error in _OURS_TO_MEND else "")
        return await _finished(identity, request, state, code)

    _add_sign_out(router, identity, pages)
    return router


def _add_sign_out(router: APIRouter, identity: Identity, pages: Pages) -> None:
    @router.post("/sign-out")
    async def sign_out(request: Request) -> Response:
        wants_other = (await text_fields(request)).get("then") == "sign-in"
        await identity.end_session(request)
        answer = see_other("/sign-in?choose=person" if wants_other else "/signed-out")
        identity.cookies.clear(answer, SESSION)
        answer.headers["clear-site-data"] = _CLEARED
        return answer

    @router.get("/signed-out")
    async def signed_out(request: Request) -> Response:
        return _signed_out(pages, await identity.visitor(request))


def _signed_out(pages: Pages, visitor: Visitor | None) -> Response:
    if visitor is not None:
        go_on = "Go on in the tab that you came from, or here."
        return pages.message("You are signed in", go_on, status=200, visitor=visitor)
    return pages.message("You are signed out", "You can close this page.", status=200, can_sign_in=True)


async def _finished(identity: Identity, request: Request, state: str, code: str) -> Response:
    """Finish the sign-in of this tab; whoever has no such one, but is signed in, gets to the front page."""
    pending, current = await identity.pending(request, state), await identity.session(request)
    if pending is None and current is not None:
        return see_other("/")
    signed_in = await identity.sign_in.finish(pending, state, code, current=current, browser=_browser(request))
    answer = see_other(signed_in.return_to)
    if signed_in.session_token is not None:
        SIGN_INS.labels(SUCCEEDED).inc()
        log.info("sign_in.succeeded", session=short_name_of(signed_in.session_token), person_id=signed_in.person_id)
        await identity.end_session(request, "signed_in_anew")
        identity.cookies.write(answer, SESSION, signed_in.session_token, identity.sign_in.session_life)
    identity.cookies.clear(answer, attempt(state))
    return answer


def _browser(request: Request) -> str:
    """What the sender's browser calls itself."""
    return request.headers.get("user-agent", "")
