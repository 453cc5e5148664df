"""The routes of sign-in and sign-out."""

from fastapi import APIRouter, Request, Response

from services.approval.identity.identity import PENDING, SESSION
from services.approval.identity.sign_in.errors import SignInFailedError
from services.approval.identity.sign_in.flow import PENDING_LIFE, own_path
from services.approval.web.dependencies import Dependencies
from services.approval.web.desk.pages import Pages, see_other


def sign_in_router(dependencies: Dependencies, pages: Pages) -> APIRouter:
    """Return the routes of sign-in and sign-out."""
    router = APIRouter(include_in_schema=False)
    identity = dependencies.identity

    @router.get("/sign-in")
    async def begin(request: Request, return_to: str = "/") -> Response:
        session = await identity.session(request)
        if session and session.person_id:
            return see_other(own_path(return_to))
        await identity.limits.count_sign_in(request)
        pending = await identity.sign_in.begin(return_to)
        answer = see_other(pending.provider_url)
        identity.cookies.write(answer, PENDING, pending.token, PENDING_LIFE)
        return answer

    @router.get("/sign-in/callback")
    async def finish(request: Request, state: str = "", code: str = "", error: str = "") -> Response:
        await identity.limits.count_sign_in(request)
        if error:
            raise SignInFailedError("The sign-in provider did not let you in. You can sign in again.")
        signed_in = await identity.sign_in.finish(await identity.pending(request), state, code, _browser(request))
        await identity.end_session(request)
        answer = see_other(signed_in.return_to)
        identity.cookies.write(answer, SESSION, signed_in.session_token, identity.sign_in.session_life)
        identity.cookies.clear(answer, PENDING)
        return answer

    @router.post("/sign-out")
    async def sign_out(request: Request) -> Response:
        await identity.end_session(request)
        answer = see_other("/signed-out")
        identity.cookies.clear(answer, SESSION)
        return answer

    @router.get("/signed-out")
    async def signed_out() -> Response:
        return pages.message("You are signed out", "You can close this page.", status=200, can_sign_in=True)

    return router


def _browser(request: Request) -> str:
    """What the sender's browser calls itself."""
    return request.headers.get("user-agent", "")
