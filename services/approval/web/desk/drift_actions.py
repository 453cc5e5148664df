"""Answers from the view of what differs in the ERP: writes the chosen rows again, or leaves them, after a review."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from schemas.events import DirectoryPerson
from services.approval.rules.erp import target_erp
from services.approval.storage import directory, queries
from services.approval.storage.views import DeskView
from services.approval.web.dependencies import Dependencies
from services.approval.web.desk.addresses import ListQuery
from services.approval.web.desk.answer_forms import drift_answer
from services.approval.web.desk.carrying_out import by_possibility, carry_out
from services.approval.web.desk.forms import (
    DriftChoice,
    DriftVerb,
    Fields,
    FormProblem,
    drift_choices,
    seen_text,
    text_fields,
    why_problems,
)
from services.approval.web.desk.list_rows import ListRow
from services.approval.web.desk.lists import ListPages, show_results
from services.approval.web.desk.pages import Pages


@dataclass(frozen=True, slots=True)
class CheckedDrift:
    """A row of the review, as it is now."""

    choice: DriftChoice
    row: ListRow

    @property
    def is_possible(self) -> bool:
        """Whether it still differs as it was read."""
        return self.row.drift_choice == self.choice


class DriftActions:
    """Carries out the answers that were chosen in the view of what differs in the ERP."""

    def __init__(self, dependencies: Dependencies, pages: Pages) -> None:
        self._dependencies = dependencies
        self._database = dependencies.database
        self._readers = dependencies.readers
        self._pages = pages
        self._lists = ListPages(dependencies, pages)

    async def submit(self, request: Request, who: DirectoryPerson, fields: Fields) -> Response:
        """Show the review of what was chosen in the list, or carry out what was confirmed there."""
        verb = DriftVerb.LEAVE if fields.get("action") == DriftVerb.LEAVE else DriftVerb.WRITE
        chosen, why = drift_choices(fields), seen_text(fields, "why")
        if not chosen:
            problems = [FormProblem("choices", "Choose at least one commitment")]
            return await self._lists.show(who, _list_of(fields), problems=problems)
        if fields.get("confirmed") != "yes":
            return await self._review(who, fields, verb, chosen)
        if problems := why_problems(why):
            return await self._review(who, fields, verb, chosen, problems)
        answers = [(choice.commitment_id, drift_answer(verb, choice, why)) for choice in chosen]
        results = await carry_out(self._dependencies, request, who, answers)
        return await show_results(self._dependencies, request, _list_of(fields), results)

    async def _review(
        self,
        who: DirectoryPerson,
        fields: Fields,
        verb: DriftVerb,
        chosen: Sequence[DriftChoice],
        problems: Sequence[FormProblem] = (),
    ) -> Response:
        checked = await self._checked(who, chosen)
        return await self._pages.render_apart(
            "check_differences.html",
            person=who,
            title="Check before writing again" if verb is DriftVerb.WRITE else "Check before leaving",
            verb=verb,
            **by_possibility(checked),
            query=_list_of(fields),
            problems=problems,
            typed=fields,
        )

    async def _checked(self, who: DirectoryPerson, chosen: Sequence[DriftChoice]) -> list[CheckedDrift]:
        """The chosen commitments as they are now; those that it has not, or nobody can read, are left out."""
        async with self._readers, self._database.begin() as db:
            erps = await directory.erps_of_company(db, who.company_id)
            found = await queries.find_many(db, who.company_id, [each.commitment_id for each in chosen])
        return [
            CheckedDrift(choice, ListRow(stored.facts, stored.current, target_erp(stored.facts, erps)))
            for choice in chosen
            if (stored := found.get(choice.commitment_id))
        ]


def drift_action_router(dependencies: Dependencies, pages: Pages) -> APIRouter:
    """Return the route that takes the answers of the view of what differs in the ERP."""
    router = APIRouter(include_in_schema=False)
    actions = DriftActions(dependencies, pages)
    Approver = Annotated[DirectoryPerson, Depends(dependencies.identity.require_approver)]  # noqa: N806 - a type

    @router.post("/differences")
    async def submit(request: Request, who: Approver) -> Response:
        return await actions.submit(request, who, await text_fields(request))

    return router


def _list_of(fields: Fields) -> ListQuery:
    return ListQuery.read(fields.get("list", ""), DeskView.DIFFERING)
