"""The company's directory as approval knows it, and the link by which somebody stops the daily summary."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Response
from starlette.exceptions import HTTPException

from schemas.envelope import new_event
from schemas.events import DigestPreference, DirectoryPerson
from schemas.links import Unsubscriber, read_unsubscribe
from services.approval.rules.status import SOURCE
from services.approval.storage import queries
from services.approval.web.desk.pages import Pages
from services.approval.web.desk.parts import Parts


def people_router(parts: Parts, pages: Pages) -> APIRouter:
    """Return the routes about people."""
    router = APIRouter(include_in_schema=False)
    Viewer = Annotated[DirectoryPerson, Depends(parts.identity.require_viewer)]  # noqa: N806 - a type

    @router.get("/directory")
    async def directory(who: Viewer) -> Response:
        async with parts.database.begin() as db:
            people = await queries.approvers(db, who.company_id)
        return pages.render("directory.html", person=who, title="Directory", people=people)

    @router.get("/u/{token:path}")
    async def ask(token: str) -> Response:
        # Mail software opens links to look at them, so opening one changes nothing.
        _unsubscriber(parts, token)
        return pages.render("unsubscribe.html", title="Stop the daily summary?", token=token)

    @router.post("/u/{token:path}")
    async def stop(token: str) -> Response:
        # One click in a mail program (RFC 8058) comes without cookies; the signed link is the proof.
        await _unsubscribe(parts, _unsubscriber(parts, token))
        return pages.message(
            "The daily summary is stopped",
            "You will not get 'ERP Integrations Daily Summary' any more. Mails about single commitments still come.",
            status=200,
        )

    return router


def _unsubscriber(parts: Parts, token: str) -> Unsubscriber:
    found = read_unsubscribe(parts.settings.link_secret, token)
    if found is None:
        raise HTTPException(404)
    return found


async def _unsubscribe(parts: Parts, who: Unsubscriber) -> None:
    now = datetime.now(UTC)
    preference = DigestPreference(
        company_id=who.company_id, person_id=who.person_id, version=int(now.timestamp() * 1000), subscribed=False
    )
    async with parts.database.begin() as db:
        await parts.outbox.add(db, [new_event(preference, source=SOURCE, time=now)])
    parts.outbox.wake()
