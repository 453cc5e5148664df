"""Answers given from the list: Export and Reject for the rows that were chosen, one by one, after a check where due."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from starlette.exceptions import HTTPException

from schemas.events import DirectoryPerson
from schemas.fields import Status
from services.approval.decisions import Outcome
from services.approval.storage import queries
from services.approval.storage.queries import DeskView, Detail
from services.approval.web.desk import results
from services.approval.web.desk.detail import CommitmentPage, Reading
from services.approval.web.desk.forms import Choice, FormProblem, Verb, choices, reason_problems, text_fields
from services.approval.web.desk.list_rows import Row, title_of
from services.approval.web.desk.lists import Lists, Place
from services.approval.web.desk.pages import Pages
from services.approval.web.desk.parts import Parts
from services.approval.web.desk.wording import counted, totals

UNPROCESSABLE = 422


@dataclass(frozen=True, slots=True)
class Checked:
    """A row of the check page: what is read there is what its answer will be bound to."""

    choice: Choice
    detail: Detail
    row: Row

    @property
    def is_stale(self) -> bool:
        """Whether it has moved on since the list was read."""
        return self.choice.revision != self.detail.view.revision

    @property
    def current(self) -> Choice:
        """The answer to what is on show now."""
        return Choice(self.choice.verb, self.row.view.revision, self.row.content_hash, self.choice.commitment_id)

    @property
    def is_possible(self) -> bool:
        """Whether the answer can be given."""
        if self.choice.verb is Verb.REJECT:
            return self.row.view.status in (Status.READY, Status.DISPUTED)
        return self.row.view.status is Status.READY and not self.row.blocked_by

    @property
    def why_not(self) -> str:
        """Why it cannot, in words."""
        return " ".join(self.row.blocked_by) if self.row.view.status is Status.READY else self.row.message


class Answers:
    """Carries out what was chosen in the list."""

    def __init__(self, parts: Parts, pages: Pages) -> None:
        self._parts = parts
        self._pages = pages
        self._lists = Lists(parts, pages)
        self._commitments = CommitmentPage(parts, pages)

    async def given(self, request: Request, who: DirectoryPerson, fields: Mapping[str, str]) -> Response:
        """Answer the form of the list, or of the check page."""
        verb = Verb.REJECT if fields.get("action") == "reject" else Verb.ACCEPT
        every = choices(fields)
        chosen = [choice for choice in every if choice.verb is verb]
        reason = fields.get("reason", "").strip()
        if problems := await self._problems(who, verb, chosen, reason):
            return await self._again(who, fields, every, problems)
        if fields.get("confirmed") != "yes" and await self._needs_check(who, chosen):
            return await self._check(who, fields, verb, chosen)
        return await self._carry_out(request, who, _place(fields), chosen, reason)

    async def _problems(
        self, who: DirectoryPerson, verb: Verb, chosen: Sequence[Choice], reason: str
    ) -> list[FormProblem]:
        if not chosen:
            return [FormProblem("choices", f"Choose {verb.capitalize()} for at least one commitment")]
        return [] if verb is Verb.ACCEPT else reason_problems(reason, await self._named(who, chosen))

    async def _named(self, who: DirectoryPerson, chosen: Sequence[Choice]) -> str:
        if len(chosen) > 1:
            return counted(len(chosen), "commitment")
        async with self._parts.database.begin() as db:
            listed = await queries.find(db, who.company_id, chosen[0].commitment_id)
        return listed.view.summary.number if listed else chosen[0].commitment_id

    async def _again(
        self, who: DirectoryPerson, fields: Mapping[str, str], every: Sequence[Choice], problems: Sequence[FormProblem]
    ) -> Response:
        """The form once more, with what is wrong and everything as it was chosen and typed."""
        if fields.get("confirmed") == "yes" and every:
            return await self._check(who, fields, Verb.REJECT, every, problems)
        chosen = {choice.value for choice in every}
        return await self._lists.show(
            who, _place(fields), status=UNPROCESSABLE, problems=problems, chosen=chosen, typed=fields
        )

    async def _needs_check(self, who: DirectoryPerson, chosen: Sequence[Choice]) -> bool:
        """Whether more has to be read than the list shows: several rows, a warning, or an earlier revision."""
        if len(chosen) > 1:
            return True
        checked = await self._checked(who, chosen)
        is_accept = chosen[0].verb is Verb.ACCEPT
        return any(
            is_accept and each.is_possible and (each.choice.revision > 1 or each.row.findings) for each in checked
        )

    async def _check(
        self,
        who: DirectoryPerson,
        fields: Mapping[str, str],
        verb: Verb,
        chosen: Sequence[Choice],
        problems: Sequence[FormProblem] = (),
    ) -> Response:
        checked = await self._checked(who, chosen)
        possible = [each for each in checked if each.is_possible]
        return self._pages.render(
            "check.html",
            person=who,
            status=UNPROCESSABLE if problems else 200,
            title="Check before export" if verb is Verb.ACCEPT else "Check before rejecting",
            verb=verb,
            possible=possible,
            impossible=[each for each in checked if not each.is_possible],
            totals=totals([each.row.summary for each in possible]),
            place=_place(fields),
            problems=problems,
            typed=fields,
        )

    async def _checked(self, who: DirectoryPerson, chosen: Sequence[Choice]) -> list[Checked]:
        """The chosen rows as they stand now; those that the company does not have are left out."""
        checked = []
        async with self._parts.database.begin() as db:
            for choice in chosen:
                listed = await queries.find(db, who.company_id, choice.commitment_id)
                if listed:
                    detail = await queries.detail(db, listed)
                    found = tuple(finding for each in detail.submissions for finding in each.findings)
                    row = Row(listed.commitment, listed.view, detail.erp, found)
                    checked.append(Checked(choice, detail, row))
        return checked

    async def _carry_out(
        self, request: Request, who: DirectoryPerson, place: Place, chosen: Sequence[Choice], reason: str
    ) -> Response:
        """Give the answers one by one; a single one that came too late leads to the commitment as it stands now."""
        results = []
        for choice in chosen:
            outcome, result = await self._answered(who, choice, reason)
            if outcome and len(chosen) == 1 and not result.is_done:
                reading = Reading(revision=choice.revision, typed={"reason": reason}, refusal=result.text)
                return await self._commitments.refused(who, outcome, reading)
            if outcome is None and len(chosen) == 1:
                raise HTTPException(404)
            results.append(result)
        return await self._lists.show_results(request, place, results)

    async def _answered(
        self, who: DirectoryPerson, choice: Choice, reason: str
    ) -> tuple[Outcome | None, results.Result]:
        decisions, key = self._parts.decisions, choice.commitment_id
        if choice.verb is Verb.REJECT:
            outcome = await decisions.reject(key, who, choice.revision, choice.content_hash, reason)
            return outcome, results.rejected(outcome) if outcome else results.not_found(key)
        outcome = await decisions.accept(key, who, choice.revision, choice.content_hash)
        if outcome is None:
            return None, results.not_found(key)
        async with self._parts.database.begin() as db:
            erp = title_of(await queries.connection_of(db, outcome.commitment))
        return outcome, results.accepted(outcome, erp)


def answer_router(parts: Parts, pages: Pages) -> APIRouter:
    """Return the route that takes the list's answers."""
    router = APIRouter(include_in_schema=False)
    answers = Answers(parts, pages)
    Approver = Annotated[DirectoryPerson, Depends(parts.identity.require_approver)]  # noqa: N806 - a type

    @router.post("/commitments")
    async def give(request: Request, who: Approver) -> Response:
        return await answers.given(request, who, text_fields(await request.form()))

    return router


def _place(fields: Mapping[str, str]) -> Place:
    search, after = (fields.get(name, "").replace("\x00", "") for name in ("q", "after"))
    return Place(DeskView.READY, search, after)
