"""The route by which approvers ask the sender of a commitment that waits."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from schemas.events import DirectoryPerson
from services.approval.rules.answers import Ask
from services.approval.storage.kept_responses import KeptResponses
from services.approval.web.api import examples
from services.approval.web.api.answering import REFUSALS, Key, response_to
from services.approval.web.api.models import CommitmentState
from services.approval.web.api.once import once
from services.approval.web.api.senders import Senders
from services.approval.web.api.states import not_found
from services.approval.web.dependencies import Dependencies
from services.approval.web.tracing import traceparent_of
from services.pipeline.segments import Segment


def ask_router(dependencies: Dependencies, senders: Senders) -> APIRouter:
    """Return the route of questions."""
    router = APIRouter(tags=["answers"], responses=REFUSALS)
    kept = KeptResponses(dependencies.database)
    Approver = Annotated[DirectoryPerson, Depends(senders.approver)]  # noqa: N806 - a type

    @router.post("/commitments/{commitment_id}/ask", response_model=CommitmentState)
    async def ask(
        request: Request,
        commitment_id: Segment,
        who: Approver,
        question: Annotated[Ask, examples.body(examples.ASK)],
        key: Key = None,
    ) -> Response:
        """Ask the sender by mail about a revision, which goes on waiting; up to five times for each revision."""

        async def act() -> Response:
            asked = await dependencies.questions.ask(commitment_id, who, question, traceparent_of(request))
            if asked is None:
                raise not_found(commitment_id)
            return response_to(asked)

        return await once(kept, request, who, key, act)

    return router
