"""The help page, with the switch for single keys."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from schemas.fields import Status
from services.approval.identity.identity import Visitor
from services.approval.web.dependencies import Dependencies
from services.approval.web.desk.forms import text_fields
from services.approval.web.desk.keys import choose_keys
from services.approval.web.desk.pages import Pages, see_other

RIBBON_WORDS = {
    Status.READY: "Blue in the project. It waits for an approver, and cannot be edited.",
    Status.DISPUTED: "Blue in the project. Two contents came as one revision; it can only be rejected or retrieved.",
    Status.EXPORTING: "Blue in the project. It is on its way to the ERP. A newer revision waits until then.",
    Status.IN_DOUBT: "Blue in the project. The ERP did not confirm it. The ERP is asked, or an approver settles it.",
    Status.FAILED: "Blue, with the error. The ERP did not take it: retry or reject it.",
    Status.REJECTED: "Yellow in the project. It can be edited there and re-sent.",
    Status.RETRIEVED: "Yellow in the project. It was taken back before an answer.",
    Status.SYNCED: "Green in the project. It is in the ERP; number, vendor, title and status are locked.",
}
"""For each status what its ribbon means; a new status needs one."""


def help_router(dependencies: Dependencies, pages: Pages) -> APIRouter:
    """Return the routes of the help page; whoever is signed in may read it."""
    router = APIRouter(include_in_schema=False)
    identity = dependencies.identity
    Signed = Annotated[Visitor, Depends(identity.require_visitor)]  # noqa: N806 - a type

    @router.get("/help")
    async def show(who: Signed) -> Response:
        return pages.render("help.html", visitor=who, title="Help", ribbon_words=RIBBON_WORDS)

    @router.post("/help/keys")
    async def switch(request: Request, who: Signed) -> Response:
        del who
        await identity.session(request)  # only from one of our pages
        answer = see_other("/help#keys")
        choose_keys(identity.cookies, answer, (await text_fields(request)).get("keys", ""))
        return answer

    return router
