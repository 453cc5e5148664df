"""Takes back what an approver has accepted on the desk, while it is held."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from schemas.events import DirectoryPerson
from schemas.fields import Status
from services.approval.storage import marks, queries
from services.approval.storage.queries import StoredCommitment
from services.approval.web.dependencies import Dependencies
from services.approval.web.desk import forms
from services.approval.web.desk.addresses import ListQuery
from services.approval.web.desk.forms import Fields
from services.approval.web.desk.lists import show_results
from services.approval.web.desk.pages import Pages
from services.approval.web.desk.results import Result


def undo_router(dependencies: Dependencies, pages: Pages) -> APIRouter:
    """Return the route that undoes."""
    del pages
    router = APIRouter(include_in_schema=False)
    Approver = Annotated[DirectoryPerson, Depends(dependencies.identity.require_approver)]  # noqa: N806 - a type

    @router.post("/undo")
    async def undo(request: Request, who: Approver) -> Response:
        fields = await forms.text_fields(request)
        query, which = ListQuery.read(fields.get("list", "")), fields.get("undo", "")
        async with dependencies.database.begin() as db:
            undone = await marks.release(db, who, None if "undo_all" in fields else [which])
            stored = None if undone or not which else await queries.find(db, who.company_id, which)
        results = [Result(each.commitment_id, each.number, is_done=True, text=_words(each.number)) for each in undone]
        return await show_results(dependencies, request, query, results or [_too_late(which, stored, fields)])

    return router


def _words(number: str) -> str:
    return f"Undone. {number} waits as before, and stays marked as accepted; nothing was exported."


def _too_late(which: str, stored: StoredCommitment | None, fields: Fields) -> Result:
    number = fields.get(f"number-{which}", "") or "It"
    text = f"{number} could not be undone: it is not held any more."
    if stored and stored.current.status is Status.EXPORTING:
        text = f"Too late: {number} is being exported already."
    return Result(which, number, is_done=False, text=text)
