"""The JSON API under /api/v1: list and read commitments, accept, reject, retry, settle."""

from functools import partial
from typing import Annotated

import orjson
from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.security import HTTPBearer

from schemas.events import DirectoryPerson
from services.approval.decisions import Answered
from services.approval.rules.answers import (
    Accept,
    AcceptDrift,
    Answer,
    Blocked,
    Confirm,
    Conflict,
    ExportAgain,
    Reject,
    Retry,
    Settle,
    Unacceptable,
)
from services.approval.rules.commitment import CommitmentFacts, CurrentStatus, current_status
from services.approval.rules.guards import missing_document
from services.approval.rules.status import EDITABLE, RIBBONS, locked_fields, message, summary
from services.approval.storage import queries
from services.approval.storage.queries import StoredCommitment
from services.approval.storage.reviews import Review, review
from services.approval.storage.views import DeskView
from services.approval.web.api.models import (
    CommitmentDetail,
    CommitmentPage,
    CommitmentState,
    DriftState,
    EvidenceState,
    HistoryItem,
    Me,
    SubmittedContent,
    WaitingState,
)
from services.approval.web.api.problems import TOO_LARGE, InvalidMember, ProblemError, documented
from services.approval.web.api.waiting import waiting_states
from services.approval.web.dependencies import Dependencies
from services.approval.web.tracing import traceparent_of
from services.pipeline.apart import apart
from services.pipeline.database import Transaction

_REFUSALS = documented(400, 404, 409, 429) | TOO_LARGE


def api_router(dependencies: Dependencies) -> APIRouter:
    """Return the routes of /api/v1."""
    bearer = HTTPBearer(auto_error=False, description="A token of the company's OpenID provider, for OIDC_AUDIENCE.")
    router = APIRouter(
        prefix="/api/v1",
        tags=["commitments"],
        dependencies=[Depends(bearer)],  # only documents the scheme; the routes identify the sender
        responses=documented(401, 403, 422, 503),
    )
    _add_lists(router, dependencies)
    _add_reading(router, dependencies)
    _add_answering(router, dependencies)
    _add_answering_synced(router, dependencies)
    return router


def _add_lists(router: APIRouter, dependencies: Dependencies) -> None:
    Viewer = Annotated[DirectoryPerson, Depends(dependencies.identity.require_viewer)]  # noqa: N806 - a type

    @router.get("/me")
    async def me(who: Viewer) -> Me:
        """Read who sent the request, and whether they are an accounting approver."""
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
        cursor = None if after is None else queries.parse_cursor(after)
        if after is not None and cursor is None:
            raise ProblemError(422, "after: must be a `next_after` of an earlier page")
        async with dependencies.database.begin() as db:
            page = await queries.page(db, who.company_id, view, search=search, after=cursor, limit=limit)
            counts = await queries.counts(db, who.company_id)
            waiting = await waiting_states(db, who, page.commitments)
        items = tuple(_state(each.facts, each.current, waiting.get(each.facts.id)) for each in page.commitments)
        return CommitmentPage(items=items, next_after=page.next_after and str(page.next_after), counts=dict(counts))


def _add_reading(router: APIRouter, dependencies: Dependencies) -> None:
    Viewer = Annotated[DirectoryPerson, Depends(dependencies.identity.require_viewer)]  # noqa: N806 - a type

    @router.get("/commitments/{commitment_id}", response_model=CommitmentDetail, responses=documented(404))
    async def get_commitment(commitment_id: str, who: Viewer) -> Response:
        """Read one commitment with its contents, findings and changes."""
        async with dependencies.readers:
            async with dependencies.database.begin() as db:
                stored = await _found(db, who, commitment_id)
                found = await review(db, who.company_id, stored)
                waiting = (await waiting_states(db, who, [stored])).get(commitment_id)
            document = await apart(partial(_document, found, waiting))
        return Response(document, media_type="application/json")

    @router.get("/commitments/{commitment_id}/history", responses=documented(404))
    async def get_history(commitment_id: str, who: Viewer) -> list[HistoryItem]:
        """Read what happened to a commitment, newest first."""
        async with dependencies.database.begin() as db:
            await _found(db, who, commitment_id)
            lines = await queries.history(db, who.company_id, commitment_id)
            return [HistoryItem.model_validate(line) for line in lines]


def _add_answering(router: APIRouter, dependencies: Dependencies) -> None:
    Approver = Annotated[DirectoryPerson, Depends(dependencies.identity.require_approver)]  # noqa: N806 - a type
    carry_out, refusals = partial(_carry_out, dependencies), _REFUSALS

    @router.post("/commitments/{commitment_id}/accept", responses=refusals)
    async def accept(request: Request, commitment_id: str, who: Approver, answer: Accept) -> CommitmentState:
        """Accept a revision: it is exported to the ERP exactly as it was read."""
        return await carry_out(request, commitment_id, who, answer)

    @router.post("/commitments/{commitment_id}/reject", responses=refusals)
    async def reject(request: Request, commitment_id: str, who: Approver, answer: Reject) -> CommitmentState:
        """Reject a revision: it becomes editable again, and its creator and sender get the reason by mail.

        A synced one is unlinked from its document in the ERP, which the answer names.
        """
        return await carry_out(request, commitment_id, who, answer)

    @router.post("/commitments/{commitment_id}/retry", responses=refusals)
    async def retry(request: Request, commitment_id: str, who: Approver, answer: Retry) -> CommitmentState:
        """Retry a failed export, or create its document anew if the ERP no longer has it; no new approval is needed."""
        return await carry_out(request, commitment_id, who, answer)

    @router.post("/commitments/{commitment_id}/settle", responses=refusals)
    async def settle(request: Request, commitment_id: str, who: Approver, answer: Settle) -> CommitmentState:
        """Settle an export in doubt with evidence: the ERP is asked for the document that it names."""
        return await carry_out(request, commitment_id, who, answer)

    @router.post("/commitments/{commitment_id}/confirm", responses=refusals)
    async def confirm(request: Request, commitment_id: str, who: Approver, answer: Confirm) -> CommitmentState:
        """Confirm evidence that the ERP could not confirm, as somebody else than who named it; or withdraw it."""
        return await carry_out(request, commitment_id, who, answer)


def _add_answering_synced(router: APIRouter, dependencies: Dependencies) -> None:
    Approver = Annotated[DirectoryPerson, Depends(dependencies.identity.require_approver)]  # noqa: N806 - a type
    carry_out, refusals = partial(_carry_out, dependencies), _REFUSALS

    @router.post("/commitments/{commitment_id}/export-again", responses=refusals)
    async def export_again(request: Request, commitment_id: str, who: Approver, answer: ExportAgain) -> CommitmentState:
        """Write a synced commitment to the ERP once more: to its document, or to a new one in place of that."""
        return await carry_out(request, commitment_id, who, answer)

    @router.post("/commitments/{commitment_id}/accept-drift", responses=refusals)
    async def accept_drift(request: Request, commitment_id: str, who: Approver, answer: AcceptDrift) -> CommitmentState:
        """Leave the ERP's document as it is, although it differs from what was exported."""
        return await carry_out(request, commitment_id, who, answer)


async def _carry_out(
    dependencies: Dependencies, request: Request, commitment_id: str, who: DirectoryPerson, answer: Answer
) -> CommitmentState:
    answered = await dependencies.decisions.answer(commitment_id, who, answer, traceparent_of(request))
    if answered is None:
        raise _not_found(commitment_id)
    return _after(answered)


async def _found(db: Transaction, who: DirectoryPerson, commitment_id: str) -> StoredCommitment:
    found = await queries.find(db, who.company_id, commitment_id)
    if found is None:
        raise _not_found(commitment_id)
    return found


def _not_found(commitment_id: str) -> ProblemError:
    return ProblemError(404, f"Your company has no commitment {commitment_id!r} in ERP Integrations.")


def _after(answered: Answered) -> CommitmentState:
    """Return the state after an answer, or raise the problem that prevented it."""
    current = current_status(answered.facts)
    state = _state(answered.facts, current) if current else None
    match answered.result:
        case Blocked(_, findings):
            words = " ".join(finding.text for finding in findings)
            raise ProblemError(409, words, findings=findings)
        case Unacceptable(_, problems):
            errors = [InvalidMember(member=each.member, message=each.text) for each in problems]
            raise ProblemError(422, f"{'; '.join(each.text for each in problems)}.", errors=errors)
        case Conflict(_, explanation):
            raise ProblemError(409, explanation, commitment=state and state.model_dump(mode="json"))
    if state is None:
        raise _not_found(answered.facts.id)
    return state


def _state(facts: CommitmentFacts, current: CurrentStatus, waiting: WaitingState | None = None) -> CommitmentState:
    failure = current.ruling.failure if current.ruling else None
    hashes = facts.hashes
    return CommitmentState(
        id=facts.id,
        project_id=current.submitted.project_id,
        status=current.status,
        ribbon=RIBBONS[current.status],
        editable=current.status in EDITABLE,
        locked_fields=locked_fields(facts),
        message=message(facts, current),
        revision=current.revision,
        waiting_revision=current.waiting_revision,
        round=current.round,
        reopened=current.reopened,
        content_hash=next(iter(hashes)) if len(hashes) == 1 else None,
        since=current.since,
        failure_class=failure and failure.failure_class,
        failure_code=failure and failure.code,
        missing_document=missing_document(current),
        erp_document=facts.document,
        left_documents=facts.left_documents,
        waiting=waiting,
        evidence=_evidence(facts, current),
        drift=facts.open_drift and DriftState.model_validate(facts.open_drift),
        summary=summary(facts, current),
    )


def _evidence(facts: CommitmentFacts, current: CurrentStatus) -> EvidenceState | None:
    ruling, check = current.ruling, facts.open_check
    if ruling is None or ruling.settled_as is None:
        return None
    return EvidenceState(
        number=ruling.evidence,
        document=ruling.settled_as,
        found_by=ruling.by,
        confirmed_by=ruling.confirmed_by,
        asked=check.asked if check else None,
        needs_confirmation=check is not None and not check.is_asked_again,
    )


def _document(found: Review, waiting: WaitingState | None) -> str:
    return _detail(found, waiting).model_dump_json()


def _detail(found: Review, waiting: WaitingState | None) -> CommitmentDetail:
    submissions = tuple(
        SubmittedContent(
            content_hash=each.row.content_hash,
            sent_by=each.row.sent_by,
            sent_at=each.row.sent_at,
            note=each.row.note,
            commitment=orjson.loads(each.row.text),
            findings=each.findings,
        )
        for each in found.submissions
    )
    state = _state(found.facts, found.current, waiting)
    return CommitmentDetail(**dict(state), submissions=submissions, changes=tuple(found.changes))
