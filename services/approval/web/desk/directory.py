"""The page of the company's directory, and the link that stops a person's daily summary."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from starlette.exceptions import HTTPException

from schemas.events import DirectoryPerson
from schemas.links import Unsubscriber, read_unsubscribe
from services.approval.storage import directory
from services.approval.web.dependencies import Dependencies
from services.approval.web.desk.pages import Pages


def directory_router(dependencies: Dependencies, pages: Pages) -> APIRouter:
    """Return the routes of the directory and of the unsubscribe link."""
    router = APIRouter(include_in_schema=False)
    visitor = dependencies.identity.visitor
    Viewer = Annotated[DirectoryPerson, Depends(dependencies.identity.require_viewer)]  # noqa: N806 - a type

    @router.get("/directory")
    async def show_directory(who: Viewer) -> Response:
        async with dependencies.readers:
            async with dependencies.database.begin() as db:
                people = await directory.people_of_company(db, who.company_id)
            return await pages.render_apart("directory.html", person=who, title="Directory", people=people)

    @router.get("/u/{token:path}")
    async def confirm(request: Request, token: str) -> Response:
        # Mail software opens links to scan them, so opening one must not change anything.
        who = _unsubscriber(dependencies, token)
        is_wanted = await dependencies.preferences.is_wanted(who.person_id)
        return await show(request, token, who, is_stopped=not is_wanted)

    @router.post("/u/{token:path}")
    async def stop(request: Request, token: str) -> Response:
        # A one-click request of a mail client (RFC 8058) has no cookies; the signed link authenticates it. It can only
        # stop the summary, however old the mail is: whoever wants it back has to sign in.
        who = _unsubscriber(dependencies, token)
        await dependencies.preferences.prefer(who.company_id, who.person_id, subscribed=False)
        return await show(request, token, who, is_stopped=True)

    async def show(request: Request, token: str, who: Unsubscriber, *, is_stopped: bool) -> Response:
        reader = await visitor(request)
        return pages.render(
            "unsubscribe.html",
            title="The daily summary is stopped" if is_stopped else "Stop the daily summary?",
            token=token,
            is_stopped=is_stopped,
            is_own=reader is not None and reader.person_id == who.person_id,
            visitor=reader,
        )

    return router


def _unsubscriber(dependencies: Dependencies, token: str) -> Unsubscriber:
    found = read_unsubscribe(dependencies.settings.link_secret, token)
    if found is None:
        raise HTTPException(HTTPStatus.NOT_FOUND)
    return found
