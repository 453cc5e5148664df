"""Answers to all failed exports with one cause: retries them, or rejects them for one reason."""

from collections.abc import Collection, Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from schemas.events import DirectoryPerson
from services.approval.rules.answers import Retry
from services.approval.rules.failures import suggested_reason
from services.approval.storage import directory, queries, reason_templates
from services.approval.storage.views import DeskView
from services.approval.web.dependencies import Dependencies
from services.approval.web.desk.addresses import MAX_TEXT, ListQuery
from services.approval.web.desk.answer_forms import chosen_answer
from services.approval.web.desk.carrying_out import carry_out
from services.approval.web.desk.causes import cause_of
from services.approval.web.desk.forms import (
    BadFormError,
    Fields,
    FormProblem,
    choices,
    retry_choices,
    seen_text,
    text_fields,
)
from services.approval.web.desk.list_rows import ListRow, list_rows
from services.approval.web.desk.lists import show_results
from services.approval.web.desk.pages import Pages
from services.approval.web.desk.reasons import read_rejections


class FailedActions:
    """Carries out the answers to failed exports with one cause."""

    def __init__(self, dependencies: Dependencies, pages: Pages) -> None:
        self._dependencies = dependencies
        self._database = dependencies.database
        self._readers = dependencies.readers
        self._pages = pages

    async def retry(self, request: Request, who: DirectoryPerson, fields: Fields) -> Response:
        """Retry all that the form names, each as a decision of its own."""
        chosen = retry_choices(fields)
        if not chosen:
            raise BadFormError
        answers = [(each.commitment_id, Retry(revision=each.revision, round=each.round)) for each in chosen]
        results = await carry_out(self._dependencies, request, who, answers)
        return await show_results(self._dependencies, request, _list_of(fields.get("list", "")), results)

    async def show_rejecting(
        self,
        who: DirectoryPerson,
        query: ListQuery,
        cause: str,
        *,
        chosen: Collection[str] | None = None,
        problems: Sequence[FormProblem] = (),
        typed: Fields | None = None,
    ) -> Response:
        """Return the page that rejects the failed exports of a page with one `cause`; all are chosen at first."""
        async with self._readers:
            async with self._database.begin() as db:
                page = await queries.page(
                    db, who.company_id, query.view, only=query.filter, sort=query.order, after=query.cursor
                )
                erps = await directory.erps_of_company(db, who.company_id)
                rows = await list_rows(db, who.company_id, query.view, page.commitments, erps)
                reasons = await reason_templates.of_company(db, who.company_id)
            listed = [row for row in rows if cause_of(row).name == cause]
            return await self._pages.render_apart(
                "reject_failed.html",
                person=who,
                title="Reject failed exports",
                query=query,
                listed=listed,
                cause=cause,
                chosen=chosen,
                problems=problems,
                reasons=reasons,
                typed=typed or {"reason": _common_reason(listed)},
            )

    async def reject(self, request: Request, who: DirectoryPerson, fields: Fields) -> Response:
        """Reject what is chosen for one reason, or say what is wrong with the form."""
        fields, problems = await read_rejections(self._database, who.company_id, fields)
        query, chosen = _list_of(fields.get("list", "")), choices(fields)
        if problems:
            values = {choice.value for choice in chosen}
            cause = fields.get("cause", "")
            return await self.show_rejecting(who, query, cause, chosen=values, problems=problems, typed=fields)
        reason = seen_text(fields, "reason")
        answers = [(choice.commitment_id, chosen_answer(choice, reason)) for choice in chosen]
        results = await carry_out(self._dependencies, request, who, answers)
        return await show_results(self._dependencies, request, query, results)


def failed_router(dependencies: Dependencies, pages: Pages) -> APIRouter:
    """Return the routes of the answers to failed exports with one cause."""
    router = APIRouter(include_in_schema=False)
    actions = FailedActions(dependencies, pages)
    Approver = Annotated[DirectoryPerson, Depends(dependencies.identity.require_approver)]  # noqa: N806 - a type

    @router.post("/failed/retry")
    async def retry(request: Request, who: Approver) -> Response:
        return await actions.retry(request, who, await text_fields(request))

    @router.get("/failed/reject")
    async def show(
        who: Approver,
        cause: Annotated[str, Query(max_length=400)],
        list_text: Annotated[str, Query(alias="list", max_length=MAX_TEXT)] = "",
    ) -> Response:
        return await actions.show_rejecting(who, _list_of(list_text), cause)

    @router.post("/failed/reject")
    async def reject(request: Request, who: Approver) -> Response:
        return await actions.reject(request, who, await text_fields(request))

    return router


def _list_of(text: str) -> ListQuery:
    return ListQuery.read(text, DeskView.FAILED)


def _common_reason(rows: Sequence[ListRow]) -> str:
    """The reason to begin with, if it is the same for all of them."""
    suggested = {suggested_reason(row.current.ruling.failure if row.current.ruling else None) for row in rows}
    return suggested.pop() if len(suggested) == 1 else ""
