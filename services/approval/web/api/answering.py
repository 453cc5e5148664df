"""The routes by which approvers answer commitments: one by one, or up to 50 in one request."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Request, Response

from schemas.events import DirectoryPerson
from services.approval.decisions import OutdatedError
from services.approval.judging import Answered
from services.approval.rules.answers import Accept, AcceptDrift, Answer, Confirm, ExportAgain, Reject, Retry, Settle
from services.approval.rules.commitment import current_status
from services.approval.storage.kept_responses import KeptResponses
from services.approval.web.api import examples
from services.approval.web.api.bulk import MAX_IF_MATCH_CHARACTERS, AnswerResult, Answers, AnswersResult, GivenAnswer
from services.approval.web.api.models import CommitmentState
from services.approval.web.api.once import once
from services.approval.web.api.problems import UNREADABLE, ProblemError, documented, problem_document
from services.approval.web.api.senders import Senders
from services.approval.web.api.states import after_answer, etag_of, not_found, state_of
from services.approval.web.dependencies import Dependencies
from services.approval.web.tracing import traceparent_of
from services.pipeline.errors import UnreadableRowError
from services.pipeline.segments import Segment

_ETAG = re.compile(r'"([0-9]{1,19})"')
REFUSALS = documented(400, 404, 409, 412, 413)
Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern=r"^[\x21-\x7e]+$",
        description="Any text of yours: if you send the same request with it again within 24 hours, nothing is done "
        "twice, and you get the first response.",
    ),
]
IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match",
        max_length=MAX_IF_MATCH_CHARACTERS,
        description="An `ETag` that you read: the answer is refused (412) if that has changed.",
    ),
]


@dataclass(frozen=True, slots=True)
class Conditions:
    """What the headers of an answer ask: which state it is bound to, and how its repetition is known."""

    if_match: str | None
    key: str | None


def _conditions(if_match: IfMatch = None, key: Key = None) -> Conditions:
    return Conditions(if_match, key)


Condition = Annotated[Conditions, Depends(_conditions)]


class Answering:
    """Carries out answers."""

    def __init__(self, dependencies: Dependencies, senders: Senders) -> None:
        self._decisions = dependencies.decisions
        self._limits = dependencies.identity.limits
        self._kept = KeptResponses(dependencies.database)
        self.approver = senders.approver

    async def one(
        self, request: Request, who: DirectoryPerson, commitment_id: str, answer: Answer, on: Conditions
    ) -> Response:
        """Return the state after the answer, with its ETag."""

        async def act() -> Response:
            return response_to(await self._answered(request, who, commitment_id, answer, on.if_match))

        return await once(self._kept, request, who, on.key, act)

    async def several(self, request: Request, who: DirectoryPerson, answers: Answers, key: Key) -> Response:
        """Return the result of each of the answers, which are carried out one after the other."""
        if len(answers.answers) > 1:  # the first was counted with the request
            await self._limits.count_command(request, who.person_id, len(answers.answers) - 1)

        async def act() -> Response:
            results = [await self._result(request, who, each) for each in answers.answers]
            told = AnswersResult(results=tuple(results)).model_dump_json()
            return Response(told, media_type="application/json")

        return await once(self._kept, request, who, key, act)

    async def _result(self, request: Request, who: DirectoryPerson, given: GivenAnswer) -> AnswerResult:
        id_ = given.commitment_id
        try:
            answered = await self._answered(request, who, id_, given.answer, given.if_match)
            state = after_answer(answered)
        except ProblemError as error:
            told = problem_document(error.status, str(error), **error.members)
            return AnswerResult(commitment_id=id_, status=error.status, problem=told)
        except UnreadableRowError:
            told = problem_document(HTTPStatus.INTERNAL_SERVER_ERROR, UNREADABLE)
            return AnswerResult(commitment_id=id_, status=told.status, problem=told)
        return AnswerResult(commitment_id=id_, status=HTTPStatus.OK, etag=etag_of(answered.facts), commitment=state)

    async def _answered(
        self, request: Request, who: DirectoryPerson, commitment_id: str, answer: Answer, if_match: str | None
    ) -> Answered:
        """Return the result of the answer; ProblemError if there is no such commitment, or it has changed."""
        trace, versions = traceparent_of(request), _versions(if_match)
        try:
            answered = await self._decisions.answer(commitment_id, who, answer, trace, versions=versions)
        except OutdatedError as error:
            raise _outdated(error) from error
        if answered is None:
            raise not_found(commitment_id)
        return answered


def response_to(answered: Answered) -> Response:
    """Return the state after an answer, with its ETag; ProblemError if the answer was not recorded."""
    state, headers = after_answer(answered), {"etag": etag_of(answered.facts)}
    return Response(state.model_dump_json(), media_type="application/json", headers=headers)


def answer_router(dependencies: Dependencies, senders: Senders) -> APIRouter:
    """Return the routes of answers."""
    router = APIRouter(tags=["answers"], responses=REFUSALS)
    answering = Answering(dependencies, senders)
    _add_decisions(router, answering)
    _add_doubts(router, answering)
    _add_synced(router, answering)
    Approver = Annotated[DirectoryPerson, Depends(answering.approver)]  # noqa: N806 - a type

    @router.post("/answers", response_model=AnswersResult)
    async def answer_several(
        request: Request, who: Approver, answers: Annotated[Answers, examples.body(examples.ANSWERS)], key: Key = None
    ) -> Response:
        """Give up to 50 answers, each with a result of its own: one that is refused does not hold up the others."""
        return await answering.several(request, who, answers, key)

    return router


def _add_decisions(router: APIRouter, answering: Answering) -> None:
    Approver = Annotated[DirectoryPerson, Depends(answering.approver)]  # noqa: N806 - a type

    @router.post("/commitments/{commitment_id}/accept", response_model=CommitmentState)
    async def accept(
        request: Request,
        commitment_id: Segment,
        who: Approver,
        answer: Annotated[Accept, examples.body(examples.ACCEPT)],
        on: Condition,
    ) -> Response:
        """Accept a revision: it is exported to the ERP exactly as it was read."""
        return await answering.one(request, who, commitment_id, answer, on)

    @router.post("/commitments/{commitment_id}/reject", response_model=CommitmentState)
    async def reject(
        request: Request,
        commitment_id: Segment,
        who: Approver,
        answer: Annotated[Reject, examples.body(examples.REJECT)],
        on: Condition,
    ) -> Response:
        """Reject a revision: it becomes editable again, and its creator and sender get the reason by mail.

        A synced one is unlinked from its document in the ERP, which the answer names.
        """
        return await answering.one(request, who, commitment_id, answer, on)

    @router.post("/commitments/{commitment_id}/retry", response_model=CommitmentState)
    async def retry(
        request: Request,
        commitment_id: Segment,
        who: Approver,
        answer: Annotated[Retry, examples.body(examples.RETRY)],
        on: Condition,
    ) -> Response:
        """Retry a failed export, or create its document anew if the ERP no longer has it; no new approval is needed."""
        return await answering.one(request, who, commitment_id, answer, on)


def _add_doubts(router: APIRouter, answering: Answering) -> None:
    Approver = Annotated[DirectoryPerson, Depends(answering.approver)]  # noqa: N806 - a type

    @router.post("/commitments/{commitment_id}/settle", response_model=CommitmentState)
    async def settle(
        request: Request,
        commitment_id: Segment,
        who: Approver,
        answer: Annotated[Settle, examples.body(examples.SETTLE)],
        on: Condition,
    ) -> Response:
        """Settle an export in doubt with evidence: the ERP is asked for the document that it names."""
        return await answering.one(request, who, commitment_id, answer, on)

    @router.post("/commitments/{commitment_id}/confirm", response_model=CommitmentState)
    async def confirm(
        request: Request,
        commitment_id: Segment,
        who: Approver,
        answer: Annotated[Confirm, examples.body(examples.CONFIRM)],
        on: Condition,
    ) -> Response:
        """Confirm evidence that the ERP could not confirm, as somebody else than who named it; or withdraw it."""
        return await answering.one(request, who, commitment_id, answer, on)


def _add_synced(router: APIRouter, answering: Answering) -> None:
    Approver = Annotated[DirectoryPerson, Depends(answering.approver)]  # noqa: N806 - a type

    @router.post("/commitments/{commitment_id}/export-again", response_model=CommitmentState)
    async def export_again(
        request: Request,
        commitment_id: Segment,
        who: Approver,
        answer: Annotated[ExportAgain, examples.body(examples.EXPORT_AGAIN)],
        on: Condition,
    ) -> Response:
        """Write a synced commitment to the ERP once more: to its document, or to a new one in place of that."""
        return await answering.one(request, who, commitment_id, answer, on)

    @router.post("/commitments/{commitment_id}/accept-drift", response_model=CommitmentState)
    async def accept_drift(
        request: Request,
        commitment_id: Segment,
        who: Approver,
        answer: Annotated[AcceptDrift, examples.body(examples.ACCEPT_DRIFT)],
        on: Condition,
    ) -> Response:
        """Leave the ERP's document as it is, although it differs from what was exported."""
        return await answering.one(request, who, commitment_id, answer, on)


def _versions(if_match: str | None) -> Collection[int] | None:
    """The versions that `If-Match` names; None if any is right. What is no ETag of ours matches nothing."""
    named = ["*"] if if_match is None else [each.strip() for each in if_match.split(",")]
    if "*" in named:
        return None
    return {int(found[1]) for each in named if (found := _ETAG.fullmatch(each))}


def _outdated(error: OutdatedError) -> ProblemError:
    current = current_status(error.facts)
    number = current.summary.number if current else error.facts.id
    state = state_of(error.facts, current).model_dump(mode="json") if current else None
    words = f"{number} has changed since you read it. Your answer was not recorded."
    return ProblemError(HTTPStatus.PRECONDITION_FAILED, words, commitment=state)
