"""The part of the API by which approvers hand their amount limit to others."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response

from schemas.events import DirectoryPerson
from schemas.fields import TEXT_PATTERN
from services.approval.rules.delegations import Delegation, NewDelegation
from services.approval.storage import delegations
from services.approval.storage.kept_responses import KeptResponses
from services.approval.web.api import examples
from services.approval.web.api.answering import Key
from services.approval.web.api.models import DelegationState
from services.approval.web.api.once import once
from services.approval.web.api.problems import InvalidMember, ProblemError, documented
from services.approval.web.api.senders import Senders
from services.approval.web.delegated import ShownDelegation, delegate, shown_delegations
from services.approval.web.dependencies import Dependencies
from services.pipeline.clock import utc_now

Wanted = Annotated[NewDelegation, examples.body(examples.DELEGATE)]
DelegationId = Annotated[str, Path(max_length=64, pattern=TEXT_PATTERN)]


def delegations_router(dependencies: Dependencies, senders: Senders) -> APIRouter:
    """Return the routes under /delegations; all are for approvers only."""
    router = APIRouter(tags=["delegations"])
    Approver = Annotated[DirectoryPerson, Depends(senders.approver)]  # noqa: N806 - a type
    database = dependencies.database

    @router.get("/delegations")
    async def list_delegations(who: Approver) -> list[DelegationState]:
        """List the delegations that you have given or got and that are not over, by their first day."""
        async with database.begin() as db:
            found = await shown_delegations(db, who, utc_now())
        return list(map(_state, found))

    _add_changes(router, dependencies, senders)
    return router


def _add_changes(router: APIRouter, dependencies: Dependencies, senders: Senders) -> None:
    Approver = Annotated[DirectoryPerson, Depends(senders.approver)]  # noqa: N806 - a type
    database, kept = dependencies.database, KeptResponses(dependencies.database)

    @router.post("/delegations", status_code=201, response_model=DelegationState, responses=documented(400, 409, 413))
    async def add_delegation(request: Request, who: Approver, wanted: Wanted, key: Key = None) -> Response:
        """Hand your amount limit to another approver; you have at most 20 delegations that are not over."""

        async def act() -> Response:
            now = utc_now()
            async with database.begin() as db:
                added = await delegate(db, who, wanted, now)
                shown = await shown_delegations(db, who, now)
            if not isinstance(added, Delegation):
                errors = [InvalidMember(member=each.member, message=each.text) for each in added]
                raise ProblemError(422, f"{'; '.join(each.text for each in added)}.", errors=errors)
            [state] = [_state(each) for each in shown if each.given == added]
            return Response(state.model_dump_json(), HTTPStatus.CREATED, media_type="application/json")

        return await once(kept, request, who, key, act)

    @router.delete("/delegations/{delegation_id}", status_code=204, responses=documented(404, 409))
    async def end_delegation(request: Request, who: Approver, delegation_id: DelegationId, key: Key = None) -> Response:
        """End a delegation that you have given, at once."""

        async def act() -> Response:
            async with database.begin() as db:
                is_ended = await delegations.end(db, who, delegation_id)
            if not is_ended:
                raise ProblemError(404, "You have given no such delegation, or have ended it.")
            return Response(status_code=HTTPStatus.NO_CONTENT)

        return await once(kept, request, who, key, act)


def _state(each: ShownDelegation) -> DelegationState:
    return DelegationState(
        id=each.given.id,
        owner=each.owner,
        to=each.to,
        first_day=each.given.first_day,
        last_day=each.given.last_day,
        is_in_force=each.is_in_force,
    )
