"""The routes about the sender: who they are, where they are signed in, their daily summary, their colleagues."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import BaseModel, Field, TypeAdapter

from schemas.events import DirectoryPerson
from schemas.fields import ToolLevel
from services.approval.storage import directory
from services.approval.storage.kept_responses import KeptResponses
from services.approval.web.api import examples
from services.approval.web.api.answering import Key
from services.approval.web.api.models import Me
from services.approval.web.api.once import once
from services.approval.web.api.people import me_of
from services.approval.web.api.problems import documented
from services.approval.web.api.senders import Senders
from services.approval.web.dependencies import Dependencies
from services.pipeline.apart import apart

SESSION_NAME = r"^[0-9a-f]{64}$"


class SessionState(BaseModel):
    """A browser in which the sender is signed in."""

    model_config = examples.shown(examples.SESSION)

    name: str = Field(description="Names it when it is to be ended; nobody can sign in with it.")
    browser: str = Field(description="What the browser calls itself.")
    used_at: datetime | None
    expires_at: datetime
    is_current: bool = Field(description="Whether this request was sent in it.")


class Colleague(BaseModel):
    """A person of the sender's company."""

    model_config = examples.shown(examples.COLLEAGUE)

    id: str
    name: str
    email: str
    erp_tool: ToolLevel = Field(description="The level on the ERP Integrations tool.")
    is_accounting_approver: bool


_COLLEAGUES = TypeAdapter(list[Colleague])


class SummaryPreference(BaseModel):
    """Whether the sender wants the daily summary, and may get it."""

    model_config = examples.shown(examples.SUMMARY)

    subscribed: bool = Field(description="The sender's own wish; true for whoever has not said otherwise.")
    directory_subscribed: bool = Field(description="What the directory says. Where it says false, no summary is sent.")
    is_accounting_approver: bool = Field(description="Nobody else gets the summary.")


def personal_router(dependencies: Dependencies, senders: Senders) -> APIRouter:
    """Return the routes about the sender."""
    router = APIRouter(tags=["you"])
    _add_people(router, dependencies, senders)
    _add_sessions(router, dependencies, senders)
    _add_summary(router, dependencies, senders)
    return router


def _add_people(router: APIRouter, dependencies: Dependencies, senders: Senders) -> None:
    Viewer = Annotated[DirectoryPerson, Depends(senders.viewer)]  # noqa: N806 - a type
    Listed = Annotated[DirectoryPerson, Depends(senders.listed)]  # noqa: N806 - a type

    @router.get("/me")
    async def me(who: Listed) -> Me:
        """Read who sent the request and what they may do; also for people who may not view commitments."""
        async with dependencies.readers, dependencies.database.begin() as db:
            authority = await dependencies.decisions.authority(db, who)
        return me_of(who, authority)

    @router.get("/people", response_model=list[Colleague])
    async def people(who: Viewer) -> Response:
        """List the people of your company who are in the directory, by name."""
        async with dependencies.readers, dependencies.database.begin() as db:
            found = await directory.people_of_company(db, who.company_id)
        return Response(await apart(partial(_colleagues, found)), media_type="application/json")


def _colleagues(people: Sequence[DirectoryPerson]) -> bytes:
    return _COLLEAGUES.dump_json(
        [
            Colleague(
                id=each.person_id,
                name=each.name,
                email=each.email,
                erp_tool=each.erp_tool,
                is_accounting_approver=each.is_approver,
            )
            for each in people
        ]
    )


def _add_sessions(router: APIRouter, dependencies: Dependencies, senders: Senders) -> None:
    Viewer = Annotated[DirectoryPerson, Depends(senders.viewer)]  # noqa: N806 - a type
    identity, kept = dependencies.identity, KeptResponses(dependencies.database)

    @router.get("/sessions")
    async def sessions(request: Request, who: Viewer) -> list[SessionState]:
        """List the browsers in which you are signed in, the last used first."""
        current = await identity.session(request)
        return [
            SessionState(
                name=each.name,
                browser=each.browser,
                used_at=each.used_at,
                expires_at=each.expires_at,
                is_current=current is not None and current.name == each.name,
            )
            for each in await identity.sessions.of_person(who.person_id)
        ]

    @router.post("/sessions/{name}/end", status_code=HTTPStatus.NO_CONTENT, responses=documented(409))
    async def end_session(
        request: Request, who: Viewer, name: Annotated[str, Path(pattern=SESSION_NAME)], key: Key = None
    ) -> Response:
        """End one of your sessions; one that has ended already, or is not yours, is left as it is."""

        async def act() -> Response:
            await identity.end_named(who.person_id, name)
            return Response(status_code=HTTPStatus.NO_CONTENT)

        return await once(kept, request, who, key, act)


def _add_summary(router: APIRouter, dependencies: Dependencies, senders: Senders) -> None:
    Viewer = Annotated[DirectoryPerson, Depends(senders.viewer)]  # noqa: N806 - a type
    preferences, kept = dependencies.preferences, KeptResponses(dependencies.database)

    @router.get("/daily-summary")
    async def daily_summary(who: Viewer) -> SummaryPreference:
        """Read whether you get your mail 'ERP Integrations Daily Summary', and if not, who has stopped it."""
        return _preference(who, is_wanted=await preferences.is_wanted(who.person_id))

    async def prefer(request: Request, who: DirectoryPerson, key: str | None, *, subscribed: bool) -> Response:
        async def act() -> Response:
            await preferences.prefer(who.company_id, who.person_id, subscribed=subscribed)
            told = _preference(who, is_wanted=subscribed).model_dump_json()
            return Response(told, media_type="application/json")

        return await once(kept, request, who, key, act)

    @router.post("/daily-summary/unsubscribe", response_model=SummaryPreference, responses=documented(409))
    async def unsubscribe(request: Request, who: Viewer, key: Key = None) -> Response:
        """Stop your mail 'ERP Integrations Daily Summary', as the link in it does; if it is stopped, it stays so."""
        return await prefer(request, who, key, subscribed=False)

    @router.post("/daily-summary/subscribe", response_model=SummaryPreference, responses=documented(409))
    async def subscribe(request: Request, who: Viewer, key: Key = None) -> Response:
        """Get your mail 'ERP Integrations Daily Summary' again, if you are an accounting approver.

        Your company's directory can still say that you do not get it.
        """
        return await prefer(request, who, key, subscribed=True)


def _preference(who: DirectoryPerson, *, is_wanted: bool) -> SummaryPreference:
    return SummaryPreference(
        subscribed=is_wanted,
        directory_subscribed=who.digest_subscribed,
        is_accounting_approver=who.is_approver,
    )
