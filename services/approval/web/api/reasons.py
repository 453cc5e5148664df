"""The part of the API that keeps a company's reasons for rejecting."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response

from schemas.events import DirectoryPerson
from schemas.fields import TEXT_PATTERN
from services.approval.rules.reason_templates import TOO_MANY, ReasonTemplate, ReasonText
from services.approval.storage import reason_templates
from services.approval.storage.kept_responses import KeptResponses
from services.approval.web.api import examples
from services.approval.web.api.answering import Key
from services.approval.web.api.models import ReasonTemplateState
from services.approval.web.api.once import once
from services.approval.web.api.problems import ProblemError, documented
from services.approval.web.api.senders import Senders
from services.approval.web.dependencies import Dependencies
from services.pipeline.clock import utc_now

_UNKNOWN = "Your company keeps no such reason."
_REFUSALS = documented(400, 409, 413)
Entered = Annotated[ReasonText, examples.body(examples.REASON)]
ReasonId = Annotated[str, Path(max_length=64, pattern=TEXT_PATTERN)]


def reasons_router(dependencies: Dependencies, senders: Senders) -> APIRouter:
    """Return the routes under /reasons; all are for approvers only."""
    router = APIRouter(tags=["reasons"])
    Approver = Annotated[DirectoryPerson, Depends(senders.approver)]  # noqa: N806 - a type
    database = dependencies.database

    @router.get("/reasons")
    async def list_reasons(who: Approver) -> list[ReasonTemplateState]:
        """List the reasons for rejecting that the company keeps, by title."""
        async with database.begin() as db:
            found = await reason_templates.of_company(db, who.company_id)
        return [ReasonTemplateState.model_validate(each) for each in found]

    _add_changes(router, dependencies, senders)
    _add_removal(router, dependencies, senders)
    return router


def _add_changes(router: APIRouter, dependencies: Dependencies, senders: Senders) -> None:
    Approver = Annotated[DirectoryPerson, Depends(senders.approver)]  # noqa: N806 - a type
    database, kept = dependencies.database, KeptResponses(dependencies.database)

    @router.post("/reasons", status_code=201, response_model=ReasonTemplateState, responses=_REFUSALS)
    async def add_reason(request: Request, who: Approver, entered: Entered, key: Key = None) -> Response:
        """Add a reason; a company keeps at most 50."""

        async def act() -> Response:
            async with database.begin() as db:
                added = await reason_templates.add(db, who.company_id, entered, who.as_person, utc_now())
            if added is None:
                raise ProblemError(409, TOO_MANY)
            return _told(added, HTTPStatus.CREATED)

        return await once(kept, request, who, key, act)

    @router.put("/reasons/{reason_id}", response_model=ReasonTemplateState, responses=_REFUSALS | documented(404))
    async def change_reason(
        request: Request,
        who: Approver,
        reason_id: ReasonId,
        entered: Annotated[ReasonText, examples.body(examples.REASON)],
        key: Key = None,
    ) -> Response:
        """Change a reason; what was rejected with it before keeps its words."""

        async def act() -> Response:
            async with database.begin() as db:
                by, now = who.as_person, utc_now()
                changed = await reason_templates.change(db, who.company_id, reason_id, entered, by, now)
            if changed is None:
                raise ProblemError(404, _UNKNOWN)
            return _told(changed, HTTPStatus.OK)

        return await once(kept, request, who, key, act)


def _add_removal(router: APIRouter, dependencies: Dependencies, senders: Senders) -> None:
    Approver = Annotated[DirectoryPerson, Depends(senders.approver)]  # noqa: N806 - a type
    database, kept = dependencies.database, KeptResponses(dependencies.database)

    @router.delete("/reasons/{reason_id}", status_code=204, responses=documented(404, 409))
    async def delete_reason(request: Request, who: Approver, reason_id: ReasonId, key: Key = None) -> Response:
        """Delete a reason."""

        async def act() -> Response:
            async with database.begin() as db:
                is_removed = await reason_templates.remove(db, who.company_id, reason_id)
            if not is_removed:
                raise ProblemError(404, _UNKNOWN)
            return Response(status_code=HTTPStatus.NO_CONTENT)

        return await once(kept, request, who, key, act)


def _told(template: ReasonTemplate, status: HTTPStatus) -> Response:
    document = ReasonTemplateState.model_validate(template).model_dump_json()
    return Response(document, status, media_type="application/json")
