"""Keeps what an approver chooses on the triage page until it is sent: one mark, or those of a whole group."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from starlette.exceptions import HTTPException

from schemas.events import DirectoryPerson
from services.approval.judging import Answered, Asked
from services.approval.rules.answers import Accept, AlreadyGranted, Granted, Reject, Unacceptable
from services.approval.rules.commitment import current_status
from services.approval.rules.erp import erp_title, target_erp
from services.approval.rules.marks import Mark, Verb, mark_of
from services.approval.storage import directory, marks, queries
from services.approval.web.dependencies import Dependencies
from services.approval.web.desk import answer_forms, forms
from services.approval.web.desk.addresses import ListQuery
from services.approval.web.desk.answer_forms import chosen_answer
from services.approval.web.desk.detail import RefusedForm
from services.approval.web.desk.forms import Choice, Fields, FormProblem, choices
from services.approval.web.desk.lists import show_results
from services.approval.web.desk.pages import Pages, see_other
from services.approval.web.desk.reasons import with_kept_reason
from services.approval.web.desk.results import Result, result_of
from services.approval.web.desk.triage import TriagePage
from services.pipeline.clock import utc_now
from services.pipeline.database import Transaction


@dataclass(frozen=True, slots=True)
class Marking:
    """An answer that somebody wants to mark, and what it would do now."""

    commitment_id: str
    answer: Accept | Reject
    answered: Answered
    erp: str

    @property
    def mark(self) -> Mark | None:
        """The mark, if the answer could be given now."""
        current = current_status(self.answered.facts)
        if not isinstance(self.answered.result, Granted) or current is None:
            return None
        return mark_of(self.commitment_id, self.answer, current.summary, utc_now())

    @property
    def result(self) -> Result:
        """Why it is not marked, in words."""
        return result_of(self.answer, self.answered, self.erp)


class MarkActions:
    """Marks and unmarks."""

    def __init__(self, dependencies: Dependencies, pages: Pages) -> None:
        self._dependencies = dependencies
        self._database = dependencies.database
        self._triage = TriagePage(dependencies, pages)

    async def submit(self, request: Request, who: DirectoryPerson, fields: Fields) -> Response:
        """Carry out the form and return to the list that it was sent from."""
        query = ListQuery.read(fields.get("list", ""))
        if "clear" in fields:
            async with self._database.begin() as db:
                await marks.clear(db, who, [fields["clear"]])
            return see_other(query.review_address if fields.get("then") == "review" else query.address)
        if "all" in fields:
            return await self._mark_all(request, who, query, fields)
        return await self._mark_one(request, who, query, fields, Choice.of(fields.get("mark", "")))

    async def _mark_one(
        self, request: Request, who: DirectoryPerson, query: ListQuery, fields: Fields, choice: Choice
    ) -> Response:
        """Mark one commitment and open the next one; what is wrong is shown beside it."""
        here = query.showing(choice.commitment_id)
        gone: list[FormProblem] = []
        if choice.verb is Verb.REJECT:
            fields, gone = await with_kept_reason(self._database, who.company_id, fields)
        answer = gone or await self._read(who, fields, choice)
        if not isinstance(answer, Accept | Reject):
            return await self._triage.show(who, here, refused=RefusedForm(fields, answer))
        why = ""
        async with self._database.begin() as db:
            marking = next(iter(await self._markings(db, who, {choice.commitment_id: answer})), None)
            if marking and marking.mark:
                try:
                    await marks.save(db, who, [marking.mark])
                except (marks.TooManyMarksError, marks.HeldMarkError) as error:
                    why = str(error)
                else:
                    return see_other(query.showing(fields.get("next", "") or query.item).address)
        if marking is None:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        if why:
            return await self._triage.show(who, here, refused=RefusedForm(fields, refusal=why))
        return await self._not_marked(request, who, here, fields, marking)

    async def _not_marked(
        self, request: Request, who: DirectoryPerson, here: ListQuery, fields: Fields, marking: Marking
    ) -> Response:
        match marking.answered.result:
            case AlreadyGranted():
                return await show_results(self._dependencies, request, here, [marking.result])
            case Unacceptable(_, problems):
                wrong = [FormProblem(each.member, each.text) for each in problems]
                return await self._triage.show(who, here, refused=RefusedForm(fields, wrong))
        refused = RefusedForm(fields, refusal=marking.result.text, revision=marking.answer.revision)
        return await self._triage.show(who, here, refused=refused)

    async def _read(
        self, who: DirectoryPerson, fields: Fields, choice: Choice
    ) -> Accept | Reject | Sequence[FormProblem]:
        """The answer of the form; a 404 if the company has no such commitment."""
        async with self._database.begin() as db:
            stored = await queries.find(db, who.company_id, choice.commitment_id)
            if stored is None:
                raise HTTPException(HTTPStatus.NOT_FOUND)
            erp = target_erp(stored.facts, await directory.erps_of_company(db, who.company_id))
        bound = dict(fields) | {"revision": str(choice.revision), "content_hash": choice.content_hash}
        if choice.verb is Verb.REJECT:
            return answer_forms.read_reject(bound, stored.current.summary.number)
        return answer_forms.read_accept(bound, erp.limits if erp else None)

    async def _mark_all(self, request: Request, who: DirectoryPerson, query: ListQuery, fields: Fields) -> Response:
        """Mark all that the form names with one answer; what is marked already stays as it is."""
        verb = Verb.REJECT if fields["all"] == Verb.REJECT else Verb.ACCEPT
        reason = forms.seen_text(fields, "reason")
        async with self._database.begin() as db:
            own = [*await marks.of_person(db, who), *await marks.held_of_person(db, who)]
            known = {mark.commitment_id for mark in own}
            chosen = [each for each in choices(fields) if each.verb is verb and each.commitment_id not in known]
            markings = await self._markings(
                db, who, {choice.commitment_id: chosen_answer(choice, reason) for choice in chosen}
            )
            try:
                await marks.save(db, who, [marking.mark for marking in markings if marking.mark])
            except marks.TooManyMarksError as error:
                raise HTTPException(HTTPStatus.CONFLICT, str(error)) from error
        left = [marking.result for marking in markings if not marking.mark]
        return await show_results(self._dependencies, request, query, left) if left else see_other(query.address)

    async def _markings(
        self, db: Transaction, who: DirectoryPerson, answers: Mapping[str, Accept | Reject]
    ) -> list[Marking]:
        """What each of these answers would do now, of those commitments that the company has."""
        erps = await directory.erps_of_company(db, who.company_id)
        stored = await queries.find_many(db, who.company_id, answers)
        asked = [Asked(stored[key].facts, answer) for key, answer in answers.items() if key in stored]
        judged = await self._dependencies.decisions.check(db, who, *asked)
        return [
            Marking(
                answered.facts.id, answers[answered.facts.id], answered, erp_title(target_erp(answered.facts, erps))
            )
            for answered in judged
        ]


def mark_router(dependencies: Dependencies, pages: Pages) -> APIRouter:
    """Return the route that takes marks."""
    router = APIRouter(include_in_schema=False)
    actions = MarkActions(dependencies, pages)
    Approver = Annotated[DirectoryPerson, Depends(dependencies.identity.require_approver)]  # noqa: N806 - a type

    @router.post("/marks")
    async def mark(request: Request, who: Approver) -> Response:
        return await actions.submit(request, who, await forms.text_fields(request))

    return router
