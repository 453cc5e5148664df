"""Answers given on a commitment's own page: accept, reject, retry, and settle what is in doubt."""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response
from starlette.exceptions import HTTPException

from schemas.commitment import ErpDocument
from schemas.events import DirectoryPerson, ErpConnection
from schemas.fields import ID_PATTERN
from schemas.limits import MAX_ID_CHARACTERS
from services.approval.decisions import Outcome
from services.approval.rules.status import connection
from services.approval.storage import queries
from services.approval.storage.queries import DeskView, Listed
from services.approval.web.desk import forms, results
from services.approval.web.desk.detail import CommitmentPage, Reading
from services.approval.web.desk.forms import BadFormError, FormProblem
from services.approval.web.desk.list_rows import title_of
from services.approval.web.desk.lists import Lists, Place
from services.approval.web.desk.pages import Pages
from services.approval.web.desk.parts import Parts

_UNPROCESSABLE = 422
Fields = Mapping[str, str]
CommitmentId = Annotated[str, Path(pattern=ID_PATTERN, max_length=MAX_ID_CHARACTERS)]


class Deciding:
    """Carries out the answers of one commitment's page."""

    def __init__(self, parts: Parts, pages: Pages) -> None:
        self._parts = parts
        self._page = CommitmentPage(parts, pages)
        self._lists = Lists(parts, pages)

    async def accept(self, request: Request, who: DirectoryPerson, key: str, fields: Fields) -> Response:
        """Accept what was read, with what the ERP takes beside it."""
        _, erp = await self._found(who, key)
        limits = erp and erp.limits
        code = fields.get("erp_code", "").strip() if limits and limits.takes_erp_code else ""
        day = fields.get("accounting_date", "").strip() if limits and limits.takes_accounting_date else ""
        note = fields.get("note", "").strip()
        accounting_date, date_problems = forms.read_date(day)
        problems = [*forms.code_problems("erp_code", "ERP code", code), *date_problems, *forms.note_problems(note)]
        if problems:
            return await self._again(who, key, fields, problems)
        outcome = await self._parts.decisions.accept(
            key,
            who,
            forms.whole(fields.get("revision", "")),
            fields.get("content_hash", ""),
            erp_code=code or None,
            accounting_date=accounting_date,
            note=note or None,
        )
        return await self._done(request, who, fields, outcome, lambda given: results.accepted(given, title_of(erp)))

    async def reject(self, request: Request, who: DirectoryPerson, key: str, fields: Fields) -> Response:
        """Reject what was read, with a reason."""
        listed, _ = await self._found(who, key)
        reason = fields.get("reason", "").strip()
        if problems := forms.reason_problems(reason, listed.view.summary.number):
            return await self._again(who, key, fields, problems)
        revision = forms.whole(fields.get("revision", ""))
        outcome = await self._parts.decisions.reject(key, who, revision, fields.get("content_hash", ""), reason)
        return await self._done(request, who, fields, outcome, results.rejected)

    async def retry(self, request: Request, who: DirectoryPerson, key: str, fields: Fields) -> Response:
        """Order a failed export once more."""
        revision, export_round = forms.whole(fields.get("revision", "")), forms.whole(fields.get("round", ""))
        outcome = await self._parts.decisions.retry(key, who, revision, export_round)
        return await self._done(request, who, fields, outcome, results.retried)

    async def settle(self, request: Request, who: DirectoryPerson, key: str, fields: Fields) -> Response:
        """Settle an export in doubt by what somebody saw in the ERP."""
        listed, erp = await self._found(who, key)
        evidence, is_there = fields.get("evidence", "").strip(), fields.get("found") == "yes"
        if problems := _settle_problems(fields, evidence):
            return await self._again(who, key, fields, problems)
        outcome = await self._parts.decisions.settle(
            key,
            who,
            forms.whole(fields.get("revision", "")),
            forms.whole(fields.get("round", "")),
            document=_document(listed, erp, fields) if is_there else None,
            note=evidence,
        )
        number = fields["document_number"].strip() if is_there else None
        return await self._done(
            request, who, fields, outcome, lambda given: results.settled(given, title_of(erp), number)
        )

    async def _found(self, who: DirectoryPerson, key: str) -> tuple[Listed, ErpConnection | None]:
        async with self._parts.database.begin() as db:
            listed = await queries.find(db, who.company_id, key)
            if listed is None:
                raise HTTPException(404)
            return listed, await queries.connection_of(db, listed.commitment)

    async def _again(self, who: DirectoryPerson, key: str, fields: Fields, problems: Sequence[FormProblem]) -> Response:
        reading = Reading(typed=fields)
        return await self._page.show(who, key, status=_UNPROCESSABLE, problems=problems, reading=reading)

    async def _done(
        self,
        request: Request,
        who: DirectoryPerson,
        fields: Fields,
        outcome: Outcome | None,
        told: Callable[[Outcome], results.Result],
    ) -> Response:
        """Back to the list with the result, or the page anew where the commitment has moved on."""
        if outcome is None:
            raise HTTPException(404)
        result = told(outcome)
        if not result.is_done:
            revision = forms.whole(fields.get("revision", ""))
            return await self._page.refused(who, outcome, Reading(revision, fields, result.text))
        return await self._lists.show_results(request, _place(fields), [result])


def deciding_router(parts: Parts, pages: Pages) -> APIRouter:
    """Return the routes of one commitment."""
    router = APIRouter(include_in_schema=False, prefix="/commitments/{commitment_id:path}")
    deciding, page = Deciding(parts, pages), CommitmentPage(parts, pages)
    Viewer = Annotated[DirectoryPerson, Depends(parts.identity.require_viewer)]  # noqa: N806 - a type
    Approver = Annotated[DirectoryPerson, Depends(parts.identity.require_approver)]  # noqa: N806 - a type

    @router.post("/accept")
    async def accept(request: Request, who: Approver, commitment_id: CommitmentId) -> Response:
        return await deciding.accept(request, who, commitment_id, forms.text_fields(await request.form()))

    @router.post("/reject")
    async def reject(request: Request, who: Approver, commitment_id: CommitmentId) -> Response:
        return await deciding.reject(request, who, commitment_id, forms.text_fields(await request.form()))

    @router.post("/retry")
    async def retry(request: Request, who: Approver, commitment_id: CommitmentId) -> Response:
        return await deciding.retry(request, who, commitment_id, forms.text_fields(await request.form()))

    @router.post("/settle")
    async def settle(request: Request, who: Approver, commitment_id: CommitmentId) -> Response:
        return await deciding.settle(request, who, commitment_id, forms.text_fields(await request.form()))

    @router.get("")
    async def show(who: Viewer, commitment_id: CommitmentId) -> Response:
        return await page.show(who, commitment_id)

    return router


def _settle_problems(fields: Fields, evidence: str) -> list[FormProblem]:
    problems = forms.evidence_problems(evidence)
    match fields.get("found"):
        case "yes":
            number = fields.get("document_number", "").strip()
            if not number:
                return [FormProblem("document_number", "Enter the number of the document that you found"), *problems]
            return [
                *forms.code_problems("document_number", "document number", number),
                *forms.id_problems("document_id", "id", fields.get("document_id", "").strip()),
                *problems,
            ]
        case "no":
            if fields.get("confirmed") != "yes":
                return [FormProblem("confirmed", "Confirm that it does not exist, since it will be created"), *problems]
            return problems
        case _:
            return [FormProblem("found", "Choose whether it exists"), *problems]


def _document(listed: Listed, erp: ErpConnection | None, fields: Fields) -> ErpDocument:
    """The document that was found, under the number that an accountant reads; few ERPs show any other id."""
    name = connection(listed.commitment) or (erp and erp.name)
    if not name:
        raise BadFormError
    number = fields["document_number"].strip()
    own_id = fields.get("document_id", "").strip() or "-".join(number.split())[:MAX_ID_CHARACTERS]
    return ErpDocument(connection=name, id=own_id, number=number)


def _place(fields: Fields) -> Place:
    named = fields.get("view", "")
    return Place(DeskView(named) if named in set(DeskView) else DeskView.READY)
