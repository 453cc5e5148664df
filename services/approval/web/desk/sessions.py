"""The page on which people see where they are signed in, and end sessions that they do not know."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from services.approval.identity.identity import Visitor
from services.approval.identity.sign_in.errors import NotSignedInError
from services.approval.storage.sessions import Session
from services.approval.web.dependencies import Dependencies
from services.approval.web.desk.forms import text_fields
from services.approval.web.desk.pages import Pages, see_other


def session_router(dependencies: Dependencies, pages: Pages) -> APIRouter:
    """Return the routes of a person's own sessions."""
    router = APIRouter(include_in_schema=False)
    identity = dependencies.identity
    Signed = Annotated[Visitor, Depends(identity.require_visitor)]  # noqa: N806 - a type

    async def own_session(request: Request) -> Session:
        session = await identity.session(request)
        if session is None or session.person_id is None:
            raise NotSignedInError("Sign in first.")
        return session

    Own = Annotated[Session, Depends(own_session)]  # noqa: N806 - a type

    @router.get("/sessions")
    async def show(who: Signed, session: Own) -> Response:
        found = await identity.sessions.of_person(who.person_id)
        return pages.render(
            "sessions.html", visitor=who, title="Where you are signed in", sessions=found, current=session.name
        )

    @router.post("/sessions/end")
    async def end(request: Request, session: Own) -> Response:
        fields = await text_fields(request)
        await identity.end_named(str(session.person_id), fields.get("name", "").replace("\x00", ""))
        return see_other("/sessions")

    return router
