"""The page on which people read what they may do here, why, and what they lack, and stop or resume their summary."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from schemas.events import DirectoryPerson
from services.approval.identity.identity import Visitor
from services.approval.rules.accepting_rules import accepting_rules
from services.approval.rules.daily_summary import state_words
from services.approval.rules.rights import WHO_GIVES_RIGHTS, rights_of
from services.approval.web.dependencies import Dependencies
from services.approval.web.desk.forms import text_fields
from services.approval.web.desk.pages import Pages, see_other


def access_router(dependencies: Dependencies, pages: Pages) -> APIRouter:
    """Return the routes of a person's own rights and summary; whoever is signed in may read them, also without any."""
    router = APIRouter(include_in_schema=False)
    Listed = Annotated[DirectoryPerson, Depends(dependencies.identity.require_listed)]  # noqa: N806 - a type
    Signed = Annotated[Visitor, Depends(dependencies.identity.require_visitor)]  # noqa: N806 - a type

    @router.get("/access")
    async def show(who: Signed) -> Response:
        authority, is_wanted = None, True
        if who.person:
            async with dependencies.readers, dependencies.database.begin() as db:
                authority = await dependencies.decisions.authority(db, who.person)
            is_wanted = await dependencies.preferences.is_wanted(who.person_id)
        return await pages.render_apart(
            "access.html",
            visitor=who,
            accepting=accepting_rules(authority).words if authority else (),
            title="Your access",
            rights=rights_of(who.person),
            who_gives_rights=WHO_GIVES_RIGHTS,
            is_wanted=is_wanted,
            summary_words=state_words(who.person, is_wanted=is_wanted) if who.person else (),
        )

    @router.post("/access/daily-summary")
    async def prefer(request: Request, who: Listed) -> Response:
        is_wanted = (await text_fields(request)).get("wanted")
        if is_wanted in ("yes", "no"):
            await dependencies.preferences.prefer(who.company_id, who.person_id, subscribed=is_wanted == "yes")
        return see_other("/access#daily-summary")

    return router
