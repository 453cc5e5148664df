"""The history of a commitment as a page to print or to keep as PDF, and as a file that can be checked offline."""

from functools import partial
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Response

from schemas.events import DirectoryPerson, MailSettled
from services.approval.web.audit_trail import load_trail, trail_json
from services.approval.web.dependencies import Dependencies
from services.approval.web.desk.commitment_id import CommitmentId
from services.approval.web.desk.pages import Pages
from services.pipeline.apart import apart


def history_router(dependencies: Dependencies, pages: Pages) -> APIRouter:
    """Return the routes of the history: its page, and its export."""
    router = APIRouter(include_in_schema=False, prefix="/commitments/{commitment_id}")
    Viewer = Annotated[DirectoryPerson, Depends(dependencies.identity.require_viewer)]  # noqa: N806 - a type

    @router.get("/history")
    async def show(who: Viewer, commitment_id: CommitmentId) -> Response:
        trail = await load_trail(dependencies, who, commitment_id)
        return await pages.render_apart(
            "history_print.html",
            person=who,
            status=HTTPStatus.OK,
            title=f"History of {trail.summary.number} {trail.summary.title}",
            trail=trail,
            decisions=[line for line in trail.history if line.kind.startswith("decision.")],
            mails=[line for line in trail.history if line.kind == MailSettled.topic],
        )

    @router.get("/history.json")
    async def export(who: Viewer, commitment_id: CommitmentId) -> Response:
        trail = await load_trail(dependencies, who, commitment_id)
        name = "".join(each if each.isascii() and each.isalnum() else "-" for each in trail.summary.number)
        headers = {"content-disposition": f'attachment; filename="history-{name}.json"'}
        content = await apart(partial(trail_json, trail, indent=1))
        return Response(content, media_type="application/json", headers=headers)

    return router
