"""The story of one commitment as a page: who acts, what does not fit, what comes next, and everything in its order."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Response
from starlette.exceptions import HTTPException

from schemas.events import DirectoryPerson
from services.approval.storage import queries
from services.approval.web.dependencies import Dependencies
from services.approval.web.desk.commitment_id import CommitmentId
from services.approval.web.desk.pages import Pages


def story_router(dependencies: Dependencies, pages: Pages) -> APIRouter:
    """Return the route of the story's page."""
    router = APIRouter(include_in_schema=False)
    Viewer = Annotated[DirectoryPerson, Depends(dependencies.identity.require_viewer)]  # noqa: N806 - a type

    @router.get("/commitments/{commitment_id}/story")
    async def show(who: Viewer, commitment_id: CommitmentId) -> Response:
        async with dependencies.database.begin() as db:
            stored = await queries.find(db, who.company_id, commitment_id)
        if stored is None:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        summary = stored.current.summary
        return await pages.render_apart(
            "story.html",
            person=who,
            status=HTTPStatus.OK,
            title=f"Story of {summary.number} {summary.title}",
            summary=summary,
            commitment_status=stored.current.status,
            story=await dependencies.stories.of(stored),
        )

    return router
