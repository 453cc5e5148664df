"""Answers from the list: exports or rejects the chosen rows, after a check page if there is more to read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from schemas.events import Change, DirectoryPerson
from schemas.fields import Status
from services.approval.rules.times import counted
from services.approval.storage import queries
from services.approval.storage.reviews import review
from services.approval.storage.views import DeskView
from services.approval.web.dependencies import Dependencies
from services.approval.web.desk.answer_forms import chosen_answer
from services.approval.web.desk.carrying_out import by_possibility, carry_out
from services.approval.web.desk.detail import DetailPage, RefusedForm
from services.approval.web.desk.forms import Choice, Fields, FormProblem, Verb, choices, reason_problems, text_fields
from services.approval.web.desk.list_rows import ListRow, reviewed_row
from services.approval.web.desk.lists import ListPages, ListQuery
from services.approval.web.desk.pages import Pages


@dataclass(frozen=True, slots=True)
class CheckedChoice:
    """A row of the check page; its answer is bound to the content that the page shows."""

    choice: Choice
    row: ListRow
    changes: Sequence[Change]
    why_erp: str
    """Why it goes to its ERP; empty where the company has only one."""

    @property
    def is_stale(self) -> bool:
        """Whether a newer revision has arrived since the list was read."""
        return self.choice.revision != self.row.current.revision

    @property
    def shown(self) -> Choice:
        """The choice, bound to the content that the check page shows."""
        return Choice(self.choice.verb, self.row.current.revision, self.row.content_hash, self.choice.commitment_id)

    @property
    def is_possible(self) -> bool:
        """Whether the answer can be given."""
        if self.choice.verb is Verb.REJECT:
            return self.row.current.status in (Status.READY, Status.DISPUTED)
        return self.row.current.status is Status.READY and not self.row.blocked_by

    @property
    def has_more_to_read(self) -> bool:
        """Whether the approver has to see more than the list shows: a warning, an earlier revision or a document."""
        has_more = self.choice.revision > 1 or self.row.findings or self.row.facts.unlinked_documents
        return self.is_possible and bool(has_more)

    @property
    def why_not(self) -> str:
        """Why the answer cannot be given, in words."""
        return " ".join(self.row.blocked_by) if self.row.current.status is Status.READY else self.row.message


class ListActions:
    """Carries out the answers that were chosen in the list."""

    def __init__(self, dependencies: Dependencies, pages: Pages) -> None:
        self._dependencies = dependencies
        self._database = dependencies.database
        self._readers = dependencies.readers
        self._pages = pages
        self._lists = ListPages(dependencies, pages)
        self._detail = DetailPage(dependencies, pages)

    async def submit(self, request: Request, who: DirectoryPerson, fields: Fields) -> Response:
        """Carry out the form of the list or of the check page."""
        verb = Verb.REJECT if fields.get("action") == "reject" else Verb.ACCEPT
        every = choices(fields)
        chosen = [choice for choice in every if choice.verb is verb]
        reason = fields.get("reason", "").strip()
        if problems := await self._problems(who, verb, chosen, reason):
            return await self._again(who, fields, every, problems)
        if fields.get("confirmed") != "yes" and await self._needs_check(who, chosen):
            return await self._check(who, fields, verb, chosen)
        return await self._carry_out(request, who, _list_of(fields), chosen, reason)

    async def _problems(
        self, who: DirectoryPerson, verb: Verb, chosen: Sequence[Choice], reason: str
    ) -> list[FormProblem]:
        if not chosen:
            return [FormProblem("choices", f"Choose {verb.capitalize()} for at least one commitment")]
        return [] if verb is Verb.ACCEPT else reason_problems(reason, await self._named(who, chosen))

    async def _named(self, who: DirectoryPerson, chosen: Sequence[Choice]) -> str:
        if len(chosen) > 1:
            return counted(len(chosen), "commitment")
        async with self._database.begin() as db:
            stored = await queries.find(db, who.company_id, chosen[0].commitment_id)
        return stored.current.summary.number if stored else chosen[0].commitment_id

    async def _again(
        self, who: DirectoryPerson, fields: Fields, every: Sequence[Choice], problems: Sequence[FormProblem]
    ) -> Response:
        """Return the form again with its problems and with all that was chosen and typed."""
        if fields.get("confirmed") == "yes" and every:
            return await self._check(who, fields, Verb.REJECT, every, problems)
        chosen = {choice.value for choice in every}
        return await self._lists.show(who, _list_of(fields), problems=problems, chosen=chosen, typed=fields)

    async def _needs_check(self, who: DirectoryPerson, chosen: Sequence[Choice]) -> bool:
        if len(chosen) > 1:
            return True
        if chosen[0].verb is Verb.REJECT:
            return False
        return any(each.has_more_to_read for each in await self._checked(who, chosen))

    async def _check(
        self,
        who: DirectoryPerson,
        fields: Fields,
        verb: Verb,
        chosen: Sequence[Choice],
        problems: Sequence[FormProblem] = (),
    ) -> Response:
        checked = await self._checked(who, chosen)
        return await self._pages.render_apart(
            "check.html",
            person=who,
            title="Check before export" if verb is Verb.ACCEPT else "Check before rejecting",
            verb=verb,
            **by_possibility(checked),
            query=_list_of(fields),
            problems=problems,
            typed=fields,
        )

    async def _checked(self, who: DirectoryPerson, chosen: Sequence[Choice]) -> list[CheckedChoice]:
        """The chosen commitments as they are now; those that the company does not have are left out."""
        checked = []
        async with self._readers, self._database.begin() as db:
            for choice in chosen:
                stored = await queries.find(db, who.company_id, choice.commitment_id)
                if stored:
                    found = await review(db, who.company_id, stored)
                    checked.append(CheckedChoice(choice, reviewed_row(found), found.changes, found.why_erp))
        return checked

    async def _carry_out(
        self, request: Request, who: DirectoryPerson, query: ListQuery, chosen: Sequence[Choice], reason: str
    ) -> Response:
        """Carry out the answers one by one; show the commitment itself if a single answer is refused."""
        # All are built before the first is recorded, so that an invalid form is refused as a whole.
        answers = [(choice.commitment_id, chosen_answer(choice, reason)) for choice in chosen]
        results = await carry_out(self._dependencies, request, who, answers)
        if len(results) > 1 or results[0].is_done:
            return await self._lists.show_results(request, query, results)
        form = RefusedForm({"reason": reason}, refusal=results[0].text, revision=chosen[0].revision)
        return await self._detail.show(who, chosen[0].commitment_id, form)


def list_action_router(dependencies: Dependencies, pages: Pages) -> APIRouter:
    """Return the route that takes the list's answers."""
    router = APIRouter(include_in_schema=False)
    actions = ListActions(dependencies, pages)
    Approver = Annotated[DirectoryPerson, Depends(dependencies.identity.require_approver)]  # noqa: N806 - a type

    @router.post("/commitments")
    async def submit(request: Request, who: Approver) -> Response:
        return await actions.submit(request, who, text_fields(await request.form()))

    return router


def _list_of(fields: Mapping[str, str]) -> ListQuery:
    return ListQuery.sent_from(fields, DeskView.READY)
