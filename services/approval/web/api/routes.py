"""The JSON API of the approval desk, /api/v1: read by view, read one and its history, accept, reject, retry, settle."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated

import orjson
from fastapi import APIRouter, Depends, Query
from fastapi.security import HTTPBearer

from schemas.events import DirectoryPerson
from services.approval.decisions import Blocked, Conflict, Decisions, Outcome
from services.approval.rules.commitment import Commitment, View, view
from services.approval.rules.status import EDITABLE, RIBBONS, locked_fields, message, summary
from services.approval.storage import queries
from services.approval.storage.queries import DeskView
from services.approval.web.api.models import (
    Accept,
    CommitmentDetail,
    CommitmentPage,
    CommitmentState,
    HistoryItem,
    Me,
    Reject,
    Retry,
    Settle,
    SubmittedContent,
)
from services.approval.web.api.problems import TOO_LARGE, ProblemError, documented
from services.pipeline.database import Database, Transaction

Require = Callable[..., Awaitable[DirectoryPerson]]


@dataclass(frozen=True, slots=True)
class Api:
    """What the routes need: the database, the decisions, and who may read and who may decide."""

    database: Database
    decisions: Decisions
    require_viewer: Require
    require_approver: Require


def api_router(api: Api) -> APIRouter:
    """Return the routes of /api/v1."""
    bearer = HTTPBearer(auto_error=False, description="A token of the company's OpenID provider, for OIDC_AUDIENCE.")
    router = APIRouter(
        prefix="/api/v1",
        tags=["commitments"],
        dependencies=[Depends(bearer)],  # tells the OpenAPI document; who asks is for `api` to find out
        responses=documented(401, 403, 422, 503),
    )
    _add_lists(router, api)
    _add_reading(router, api)
    _add_answering(router, api)
    return router


def _add_lists(router: APIRouter, api: Api) -> None:
    Viewer = Annotated[DirectoryPerson, Depends(api.require_viewer)]  # noqa: N806 - a type

    @router.get("/me")
    async def me(who: Viewer) -> Me:
        """Tell who asks and whether they are an accounting approver."""
        return Me(
            id=who.person_id,
            name=who.name,
            company_id=who.company_id,
            is_accounting_approver=who.is_approver,
        )

    @router.get("/commitments")
    async def list_commitments(
        who: Viewer,
        view: DeskView = DeskView.READY,
        search: Annotated[str, Query(max_length=200)] = "",
        after: Annotated[str | None, Query(max_length=300)] = None,
        limit: Annotated[int, Query(ge=1, le=queries.MAX_PAGE_ROWS)] = queries.PAGE_ROWS,
    ) -> CommitmentPage:
        """List the commitments of a view, oldest first."""
        place = None if after is None else queries.read_place(after)
        if after is not None and place is None:
            raise ProblemError(422, "after: must be a `next_after` of an earlier page")
        async with api.database.begin() as db:
            page = await queries.page(db, who.company_id, view, search=search, after=place, limit=limit)
            counts = await queries.counts(db, who.company_id)
        items = tuple(_state(each.commitment, each.view) for each in page.rows)
        return CommitmentPage(items=items, next_after=page.next_after and str(page.next_after), counts=dict(counts))


def _add_reading(router: APIRouter, api: Api) -> None:
    Viewer = Annotated[DirectoryPerson, Depends(api.require_viewer)]  # noqa: N806 - a type

    @router.get("/commitments/{commitment_id}", responses=documented(404))
    async def get_commitment(commitment_id: str, who: Viewer) -> CommitmentDetail:
        """Read one commitment with its contents, findings and changes."""
        async with api.database.begin() as db:
            detail = await queries.detail(db, await _found(db, who, commitment_id))
        return _detail(detail)

    @router.get("/commitments/{commitment_id}/history", responses=documented(404))
    async def get_history(commitment_id: str, who: Viewer) -> list[HistoryItem]:
        """Read what happened to a commitment, newest first."""
        async with api.database.begin() as db:
            await _found(db, who, commitment_id)
            return [HistoryItem.model_validate(line) for line in await queries.history(db, commitment_id)]


def _add_answering(router: APIRouter, api: Api) -> None:
    Approver = Annotated[DirectoryPerson, Depends(api.require_approver)]  # noqa: N806 - a type
    refusals = documented(400, 404, 409) | TOO_LARGE

    @router.post("/commitments/{commitment_id}/accept", responses=refusals)
    async def accept(commitment_id: str, who: Approver, answer: Accept) -> CommitmentState:
        """Accept a revision: it is exported to the ERP exactly as it was read."""
        given = await api.decisions.accept(
            commitment_id,
            who,
            answer.revision,
            answer.content_hash,
            erp_code=answer.erp_code,
            accounting_date=answer.accounting_date,
            note=answer.note,
        )
        return _answered(given, commitment_id)

    @router.post("/commitments/{commitment_id}/reject", responses=refusals)
    async def reject(commitment_id: str, who: Approver, answer: Reject) -> CommitmentState:
        """Reject a revision: it becomes editable again, and its creator and sender are told the reason."""
        given = await api.decisions.reject(commitment_id, who, answer.revision, answer.content_hash, answer.reason)
        return _answered(given, commitment_id)

    @router.post("/commitments/{commitment_id}/retry", responses=refusals)
    async def retry(commitment_id: str, who: Approver, answer: Retry) -> CommitmentState:
        """Order a failed export once more; no new approval is needed."""
        return _answered(await api.decisions.retry(commitment_id, who, answer.revision, answer.round), commitment_id)

    @router.post("/commitments/{commitment_id}/settle", responses=refusals)
    async def settle(commitment_id: str, who: Approver, answer: Settle) -> CommitmentState:
        """Settle an export in doubt with evidence."""
        given = await api.decisions.settle(
            commitment_id, who, answer.revision, answer.round, document=answer.document, note=answer.note
        )
        return _answered(given, commitment_id)


async def _found(db: Transaction, who: DirectoryPerson, commitment_id: str) -> queries.Listed:
    found = await queries.find(db, who.company_id, commitment_id)
    if found is None:
        raise _not_found(commitment_id)
    return found


def _not_found(commitment_id: str) -> ProblemError:
    return ProblemError(404, f"Your company has no commitment {commitment_id!r} in ERP Integrations.")


def _answered(outcome: Outcome | None, commitment_id: str) -> CommitmentState:
    """Return the state after the answer, or raise the problem that kept it from being recorded."""
    if outcome is None:
        raise _not_found(commitment_id)
    seen = view(outcome.commitment)
    now = _state(outcome.commitment, seen) if seen else None
    match outcome.answer:
        case Blocked(_, findings):
            words = " ".join(finding.text for finding in findings)
            raise ProblemError(409, words, findings=findings)
        case Conflict(_, why):
            raise ProblemError(409, why, commitment=now and now.model_dump(mode="json"))
    if now is None:
        raise _not_found(commitment_id)
    return now


def _state(commitment: Commitment, seen: View) -> CommitmentState:
    failure = seen.ruling.failure if seen.ruling else None
    hashes = commitment.hashes
    return CommitmentState(
        id=commitment.id,
        project_id=seen.submitted.project_id,
        status=seen.status,
        ribbon=RIBBONS[seen.status],
        editable=seen.status in EDITABLE,
        locked_fields=locked_fields(commitment),
        message=message(commitment, seen),
        revision=seen.revision,
        waiting_revision=seen.waiting_revision,
        round=seen.round,
        content_hash=next(iter(hashes)) if len(hashes) == 1 else None,
        since=seen.since,
        failure_class=failure and failure.failure_class,
        erp_document=commitment.document,
        summary=summary(commitment, seen),
    )


def _detail(detail: queries.Detail) -> CommitmentDetail:
    submissions = tuple(
        SubmittedContent(
            content_hash=each.row.content_hash,
            sent_by=each.row.sent_by,
            sent_at=each.row.sent_at,
            note=each.row.note,
            commitment=orjson.loads(each.snapshot.text),
            findings=each.findings,
        )
        for each in detail.submissions
    )
    state = _state(detail.commitment, detail.view)
    return CommitmentDetail(**dict(state), submissions=submissions, changes=tuple(detail.changes))
