"""Answers from a commitment's page: to what waits, failed or is in doubt, and to what differs in the ERP."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from starlette.exceptions import HTTPException

from schemas.events import DirectoryPerson, ErpConnection
from services.approval.rules.answers import Answer, Unacceptable
from services.approval.rules.erp import connection_name, erp_title, target_erp
from services.approval.storage import directory, queries
from services.approval.storage.queries import StoredCommitment
from services.approval.storage.views import DeskView
from services.approval.web.dependencies import Dependencies
from services.approval.web.desk import answer_forms, forms
from services.approval.web.desk.addresses import MAX_TEXT, ListQuery
from services.approval.web.desk.commitment_id import CommitmentId
from services.approval.web.desk.detail import DetailPage, RefusedForm
from services.approval.web.desk.forms import FormProblem
from services.approval.web.desk.lists import show_results
from services.approval.web.desk.pages import Pages
from services.approval.web.desk.reasons import with_kept_reason
from services.approval.web.desk.results import result_of
from services.approval.web.tracing import traceparent_of


class Action(StrEnum):
    """The forms of the page, by the last part of their address."""

    ACCEPT = "accept"
    REJECT = "reject"
    RETRY = "retry"
    CREATE_ANEW = "create-anew"
    EXPORT_AGAIN = "export-again"
    ACCEPT_DRIFT = "accept-drift"
    UNLINK = "unlink"
    SETTLE = "settle"
    CONFIRM = "confirm"


class CommitmentActions:
    """Carries out the answers of a commitment's page."""

    def __init__(self, dependencies: Dependencies, pages: Pages) -> None:
        self._database = dependencies.database
        self._held = dependencies.held
        self._page = DetailPage(dependencies, pages)
        self._dependencies = dependencies

    async def submit(self, request: Request, who: DirectoryPerson, commitment_id: str, action: Action) -> Response:
        """Carry out the form: redirect to the list with the result, or show the page again with what is wrong."""
        fields: Mapping[str, str] = await forms.text_fields(request)
        stored, erps = await self._found(who, commitment_id)
        fields, gone = await with_kept_reason(self._database, who.company_id, fields)
        answer = gone or _read(action, fields, stored, target_erp(stored.facts, erps))
        if not isinstance(answer, Answer):
            return await self._page.show(who, commitment_id, RefusedForm(fields, answer))
        answered = await self._held.answer(commitment_id, who, answer, traceparent_of(request))
        if answered is None:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        if isinstance(answered.result, Unacceptable):
            problems = [FormProblem(each.member, each.text) for each in answered.result.problems]
            return await self._page.show(who, commitment_id, RefusedForm(fields, problems))
        result = result_of(answer, answered, erp_title(target_erp(answered.facts, erps)))
        if not result.is_done:
            form = RefusedForm(fields, refusal=result.text, revision=answer.revision)
            return await self._page.show(who, commitment_id, form)
        return await show_results(self._dependencies, request, _list_of(fields), [result])

    async def _found(
        self, who: DirectoryPerson, commitment_id: str
    ) -> tuple[StoredCommitment, Sequence[ErpConnection]]:
        async with self._database.begin() as db:
            stored = await queries.find(db, who.company_id, commitment_id)
            if stored is None:
                raise HTTPException(HTTPStatus.NOT_FOUND)
            return stored, await directory.erps_of_company(db, who.company_id)


def commitment_router(dependencies: Dependencies, pages: Pages) -> APIRouter:
    """Return the routes of one commitment."""
    router = APIRouter(include_in_schema=False, prefix="/commitments/{commitment_id}")
    actions, page = CommitmentActions(dependencies, pages), DetailPage(dependencies, pages)
    Viewer = Annotated[DirectoryPerson, Depends(dependencies.identity.require_viewer)]  # noqa: N806 - a type
    Approver = Annotated[DirectoryPerson, Depends(dependencies.identity.require_approver)]  # noqa: N806 - a type

    @router.post("/{action}")
    async def submit(request: Request, who: Approver, commitment_id: CommitmentId, action: Action) -> Response:
        return await actions.submit(request, who, commitment_id, action)

    @router.get("")
    async def show(
        who: Viewer,
        commitment_id: CommitmentId,
        list_text: Annotated[str, Query(alias="list", max_length=MAX_TEXT)] = "",
    ) -> Response:
        return await page.show(who, commitment_id, came_from=list_text)

    return router


def _read(
    action: Action, fields: Mapping[str, str], stored: StoredCommitment, erp: ErpConnection | None
) -> Answer | list[FormProblem]:
    match action:
        case Action.ACCEPT:
            return answer_forms.read_accept(fields, erp.limits if erp else None)
        case Action.REJECT:
            return answer_forms.read_reject(fields, stored.current.summary.number)
        case Action.RETRY:
            return answer_forms.read_retry(fields)
        case Action.CREATE_ANEW:
            return answer_forms.read_create_anew(fields, stored.current)
        case Action.EXPORT_AGAIN | Action.ACCEPT_DRIFT | Action.UNLINK:
            return _read_about_synced(action, fields, stored.current.summary.number)
        case Action.SETTLE | Action.CONFIRM:
            connection = connection_name(stored.facts) or (erp.name if erp else None)
            is_settled = action is Action.SETTLE
            return answer_forms.read_settle(fields, connection) if is_settled else answer_forms.read_confirm(fields)


def _read_about_synced(action: Action, fields: Mapping[str, str], number: str) -> Answer | list[FormProblem]:
    match action:
        case Action.EXPORT_AGAIN:
            return answer_forms.read_export_again(fields)
        case Action.ACCEPT_DRIFT:
            return answer_forms.read_accept_drift(fields)
        case _:
            return answer_forms.read_unlink(fields, number)


def _list_of(fields: Mapping[str, str]) -> ListQuery:
    """The list that the form was reached from."""
    named = fields.get("view", "")
    return ListQuery(view=DeskView(named) if named in set(DeskView) else DeskView.READY)
