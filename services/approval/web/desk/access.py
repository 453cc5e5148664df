"""The page on which people read what they may do here, why, and what they lack for the rest."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from services.approval.identity.identity import Visitor
from services.approval.rules.accepting_rules import accepting_rules
from services.approval.rules.rights import WHO_GIVES_RIGHTS, rights_of
from services.approval.web.dependencies import Dependencies
from services.approval.web.desk.pages import Pages


def access_router(dependencies: Dependencies, pages: Pages) -> APIRouter:
    """Return the route of a person's own rights; whoever is signed in may read them, also without any."""
    router = APIRouter(include_in_schema=False)
    Signed = Annotated[Visitor, Depends(dependencies.identity.require_visitor)]  # noqa: N806 - a type

    @router.get("/access")
    async def show(who: Signed) -> Response:
        authority = None
        if who.person:
            async with dependencies.readers, dependencies.database.begin() as db:
                authority = await dependencies.decisions.authority(db, who.person)
        return await pages.render_apart(
            "access.html",
            visitor=who,
            accepting=accepting_rules(authority).words if authority else (),
            title="Your access",
            rights=rights_of(who.person),
            who_gives_rights=WHO_GIVES_RIGHTS,
        )

    return router
