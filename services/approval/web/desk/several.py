"""The page on which an approver rejects several commitments of the list for one reason."""

from collections.abc import Collection, Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from schemas.events import DirectoryPerson
from services.approval.rules.triage import Group
from services.approval.storage import directory, marks, reason_templates
from services.approval.web.dependencies import Dependencies
from services.approval.web.desk.addresses import MAX_TEXT, ListQuery
from services.approval.web.desk.forms import Fields, FormProblem, choices, text_fields
from services.approval.web.desk.mark_actions import MarkActions
from services.approval.web.desk.pages import Pages
from services.approval.web.desk.reasons import read_rejections
from services.approval.web.desk.triage import triage_rows


class SeveralPage:
    """Shows the rows of a page of the list, or of one group of it, and marks those that are chosen."""

    def __init__(self, dependencies: Dependencies, pages: Pages) -> None:
        self._database = dependencies.database
        self._readers = dependencies.readers
        self._decisions = dependencies.decisions
        self._pages = pages
        self._marks = MarkActions(dependencies, pages)

    async def show(
        self,
        who: DirectoryPerson,
        query: ListQuery,
        group: Group | None = None,
        *,
        chosen: Collection[str] | None = None,
        problems: Sequence[FormProblem] = (),
        typed: Fields | None = None,
    ) -> Response:
        """Return the page; all rows are chosen unless `chosen` says otherwise."""
        async with self._readers:
            async with self._database.begin() as db:
                erps = await directory.erps_of_company(db, who.company_id)
                authority = await self._decisions.authority(db, who)
                rows = await triage_rows(db, who, query, erps, await marks.of_person(db, who), authority)
                reasons = await reason_templates.of_company(db, who.company_id)
            listed = [row for row in rows.in_order if group in (None, row.group) and not (row.mark or row.held_by)]
            return await self._pages.render_apart(
                "reject_several.html",
                person=who,
                title="Reject several",
                query=query,
                listed=listed,
                chosen=chosen,
                problems=problems,
                reasons=reasons,
                typed=typed or {},
            )

    async def submit(self, request: Request, who: DirectoryPerson, fields: Fields) -> Response:
        """Mark what is chosen as rejected, or say what is wrong with the form."""
        fields, problems = await read_rejections(self._database, who.company_id, fields)
        if not problems:
            return await self._marks.submit(request, who, fields)
        values = {choice.value for choice in choices(fields)}
        query = ListQuery.read(fields.get("list", ""))
        return await self.show(who, query, chosen=values, problems=problems, typed=fields)


def several_router(dependencies: Dependencies, pages: Pages) -> APIRouter:
    """Return the routes of the page."""
    router = APIRouter(include_in_schema=False)
    page = SeveralPage(dependencies, pages)
    Approver = Annotated[DirectoryPerson, Depends(dependencies.identity.require_approver)]  # noqa: N806 - a type

    @router.get("/reject-several")
    async def show(
        who: Approver,
        list_text: Annotated[str, Query(alias="list", max_length=MAX_TEXT)] = "",
        group: Group | None = None,
    ) -> Response:
        return await page.show(who, ListQuery.read(list_text), group)

    @router.post("/reject-several")
    async def submit(request: Request, who: Approver) -> Response:
        return await page.submit(request, who, await text_fields(request))

    return router
