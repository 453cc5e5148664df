"""The routes of marks: answers that an approver has chosen, on the desk or here, and not given yet."""

from datetime import date, datetime
from decimal import Decimal
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from schemas.events import DirectoryPerson
from schemas.fields import Id
from services.approval.decisions import Decisions
from services.approval.judging import Asked
from services.approval.rules.answers import Accept, AlreadyGranted, Reject
from services.approval.rules.marks import Mark, Verb, mark_of
from services.approval.storage import marks, queries
from services.approval.storage.kept_responses import KeptResponses
from services.approval.web.api import examples
from services.approval.web.api.answering import Key
from services.approval.web.api.bulk import GivenAccept, GivenReject
from services.approval.web.api.once import once
from services.approval.web.api.problems import ProblemError, documented
from services.approval.web.api.senders import Senders
from services.approval.web.api.states import after_answer, not_found
from services.approval.web.dependencies import Dependencies
from services.pipeline.clock import utc_now
from services.pipeline.database import Transaction
from services.pipeline.segments import Segment

_REFUSALS = documented(404, 409)
Given = Annotated[GivenAccept | GivenReject, Field(discriminator="verb")]


class MarkState(BaseModel):
    """An answer that is chosen and not given yet; `POST /answers` gives it."""

    model_config = ConfigDict(frozen=True, from_attributes=True) | examples.shown(examples.MARKED)

    commitment_id: Id
    verb: Verb
    revision: int = Field(description="The revision that was read.")
    content_hash: str
    reason: str | None
    erp_code: str | None
    accounting_date: date | None
    note: str | None
    number: str = Field(description="As it was marked, like `currency` and `total`.")
    currency: str
    total: Decimal
    at: datetime


def marks_router(dependencies: Dependencies, senders: Senders) -> APIRouter:
    """Return the routes of marks."""
    router = APIRouter(tags=["marks"])
    Approver = Annotated[DirectoryPerson, Depends(senders.approver)]  # noqa: N806 - a type
    database, kept = dependencies.database, KeptResponses(dependencies.database)

    @router.get("/marks")
    async def list_marks(who: Approver) -> list[MarkState]:
        """List what you have marked, in the order in which you did."""
        async with database.begin() as db:
            return [MarkState.model_validate(mark) for mark in await marks.of_person(db, who)]

    @router.post("/marks", response_model=MarkState, responses=_REFUSALS)
    async def mark(
        request: Request, who: Approver, given: Annotated[Given, examples.body(examples.MARK)], key: Key = None
    ) -> Response:
        """Mark an answer that could be given now; it takes the place of an earlier mark of the commitment."""

        async def act() -> Response:
            async with database.begin() as db:
                marked = await _marked(dependencies.decisions, db, who, given)
                try:
                    await marks.save(db, who, [marked])
                except (marks.TooManyMarksError, marks.HeldMarkError) as error:
                    raise ProblemError(409, str(error)) from error
            return Response(MarkState.model_validate(marked).model_dump_json(), media_type="application/json")

        return await once(kept, request, who, key, act)

    @router.delete("/marks/{commitment_id}", status_code=HTTPStatus.NO_CONTENT)
    async def take_back(who: Approver, commitment_id: Segment) -> Response:
        """Take a mark back; without one, nothing happens."""
        async with database.begin() as db:
            await marks.clear(db, who, [commitment_id])
        return Response(status_code=HTTPStatus.NO_CONTENT)

    return router


async def _marked(
    decisions: Decisions, db: Transaction, who: DirectoryPerson, given: GivenAccept | GivenReject
) -> Mark:
    """Return the mark; ProblemError if the answer could not be given now."""
    answer: Accept | Reject = given.answer
    stored = await queries.find(db, who.company_id, given.commitment_id)
    if stored is None:
        raise not_found(given.commitment_id)
    (answered,) = await decisions.check(db, who, Asked(stored.facts, answer))
    after_answer(answered)
    if isinstance(answered.result, AlreadyGranted):
        raise ProblemError(409, f"You have given this answer to {stored.current.summary.number} before.")
    return mark_of(given.commitment_id, answer, stored.current.summary, utc_now())
