"""The JSON API under /api/v1: everything that a page of the desk can do."""

from collections.abc import Mapping
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from fastapi.security import HTTPBearer
from pydantic import TypeAdapter

from schemas.events import DirectoryPerson
from services.approval.rules.controls import Authority
from services.approval.storage import audit, queries
from services.approval.storage.list_filter import ListFilter
from services.approval.storage.queries import StoredCommitment
from services.approval.storage.reviews import Review, review
from services.approval.storage.tables import SUBMISSION
from services.approval.storage.views import DEFAULT_SORTS, DeskView, Sort
from services.approval.web.api.answering import answer_router
from services.approval.web.api.asking import ask_router
from services.approval.web.api.delegations import delegations_router
from services.approval.web.api.filters import list_filter
from services.approval.web.api.marks import marks_router
from services.approval.web.api.models import CommitmentDetail, CommitmentPage, WaitingState
from services.approval.web.api.personal import personal_router
from services.approval.web.api.problems import ProblemError, documented
from services.approval.web.api.reasons import reasons_router
from services.approval.web.api.senders import Senders
from services.approval.web.api.states import document, etag_of, not_found, state_of
from services.approval.web.api.stories import CommitmentStory
from services.approval.web.api.waiting import waiting_states
from services.approval.web.audit_trail import AuditTrail, HistoryItem, audit_item, load_trail, trail_json
from services.approval.web.dependencies import Dependencies
from services.pipeline.apart import apart
from services.pipeline.database import Transaction
from services.pipeline.errors import UnreadableRowError
from services.pipeline.segments import Segment
from services.pipeline.unreadable import noted

_HISTORY = TypeAdapter(list[HistoryItem])


def api_router(dependencies: Dependencies) -> APIRouter:
    """Return the routes of /api/v1."""
    bearer = HTTPBearer(auto_error=False, description="A token of the company's OpenID provider, for OIDC_AUDIENCE.")
    senders = Senders(dependencies.identity)
    router = APIRouter(
        prefix="/api/v1",
        # which only documents the scheme: the routes identify the sender
        dependencies=[Depends(bearer)],
        responses=documented(401, 403, 422, 429, 503),
    )
    commitments = APIRouter(tags=["commitments"])
    _add_lists(commitments, dependencies, senders)
    _add_reading(commitments, dependencies, senders)
    router.include_router(commitments)
    router.include_router(answer_router(dependencies, senders))
    router.include_router(ask_router(dependencies, senders))
    router.include_router(marks_router(dependencies, senders))
    router.include_router(personal_router(dependencies, senders))
    router.include_router(reasons_router(dependencies, senders))
    router.include_router(delegations_router(dependencies, senders))
    return router


def _add_lists(router: APIRouter, dependencies: Dependencies, senders: Senders) -> None:
    Viewer = Annotated[DirectoryPerson, Depends(senders.viewer)]  # noqa: N806 - a type

    @router.get("/commitments", response_model=CommitmentPage)
    async def list_commitments(
        who: Viewer,
        view: DeskView = DeskView.READY,
        only: Annotated[ListFilter, Depends(list_filter)] = queries.EVERYTHING,
        sort: Sort | None = None,
        after: Annotated[str | None, Query(max_length=300)] = None,
        limit: Annotated[int, Query(ge=1, le=queries.MAX_PAGE_ROWS)] = queries.PAGE_ROWS,
    ) -> Response:
        """List the commitments of a view that fulfil all filters.

        Without `sort`, the views `synced`, `rejected` and `all` come newest first, the others oldest first.
        """
        order = sort or DEFAULT_SORTS[view]
        cursor = None if after is None else queries.parse_cursor(after, order)
        if after is not None and cursor is None:
            raise ProblemError(422, "after: must be a `next_after` of an earlier page of the same view and sort")
        async with dependencies.readers, dependencies.database.begin() as db:
            page = await queries.page(db, who.company_id, view, only=only, sort=order, after=cursor, limit=limit)
            counts = await queries.counts(db, who.company_id)
            waiting = await waiting_states(db, who, page.commitments)
        behind = dependencies.lateness.behind
        behind_seconds = int(behind.total_seconds()) if behind else None
        return _json(await apart(lambda: _page(page, waiting, counts, behind_seconds)))


def _page(
    page: queries.Page,
    waiting: Mapping[str, WaitingState],
    counts: Mapping[DeskView, int],
    behind_seconds: int | None,
) -> bytes:
    items = tuple(state_of(each.facts, each.current, waiting.get(each.facts.id)) for each in page.commitments)
    after = page.next_after and str(page.next_after)
    found = CommitmentPage(items=items, next_after=after, behind_seconds=behind_seconds, counts=dict(counts))
    return found.model_dump_json().encode()


def _json(content: bytes | str) -> Response:
    return Response(content, media_type="application/json")


def _add_reading(router: APIRouter, dependencies: Dependencies, senders: Senders) -> None:
    Viewer = Annotated[DirectoryPerson, Depends(senders.viewer)]  # noqa: N806 - a type

    @router.get("/commitments/{commitment_id}", response_model=CommitmentDetail, responses=documented(404))
    async def get_commitment(commitment_id: Segment, who: Viewer) -> Response:
        """Read one commitment with its contents, findings and changes; its `ETag` is what `If-Match` takes."""
        async with dependencies.readers:
            async with dependencies.database.begin() as db:
                stored = await _found(db, who, commitment_id)
                authority = await dependencies.decisions.authority(db, who)
                found = await _reviewed(db, who, stored, authority)
                waiting = (await waiting_states(db, who, [stored])).get(commitment_id)
            read = await apart(partial(document, found, waiting))
        return Response(read, media_type="application/json", headers={"etag": etag_of(stored.facts)})

    @router.get("/commitments/{commitment_id}/history", response_model=list[HistoryItem], responses=documented(404))
    async def get_history(commitment_id: Segment, who: Viewer) -> Response:
        """Read what happened to a commitment, newest first; the last 500 lines."""
        async with dependencies.database.begin() as db:
            await _found(db, who, commitment_id)
            lines = await audit.lines(db, who.company_id, commitment_id, audit.MAX_RECENT_LINES)
        return _json(await apart(lambda: _HISTORY.dump_json([audit_item(line) for line in reversed(lines)])))

    @router.get("/commitments/{commitment_id}/story", responses=documented(404))
    async def get_story(commitment_id: Segment, who: Viewer) -> CommitmentStory:
        """Read what happened to a commitment at all services, what does not fit together, and what comes next.

        A part whose service does not answer within a second is listed in `missing`.
        """
        async with dependencies.database.begin() as db:
            stored = await _found(db, who, commitment_id)
        return CommitmentStory.model_validate(await dependencies.stories.of(stored))

    @router.get("/commitments/{commitment_id}/audit", response_model=AuditTrail, responses=documented(404))
    async def get_audit(commitment_id: Segment, who: Viewer) -> Response:
        """Export the whole history of a commitment; `countersign audit verify` checks its decisions offline."""
        trail = await load_trail(dependencies, who, commitment_id)
        return _json(await apart(partial(trail_json, trail)))


async def _reviewed(
    db: Transaction, who: DirectoryPerson, stored: StoredCommitment, authority: Authority | None
) -> Review:
    """Return the review; UnreadableRowError rather than none of its contents, where they cannot be read."""
    with noted() as unreadable:
        found = await review(db, who.company_id, stored, authority)
        contents = [each for each in unreadable if each.startswith(f"{SUBMISSION.fullname} ")]
    if contents and not found.submissions:
        raise UnreadableRowError("; ".join(contents))
    return found


async def _found(db: Transaction, who: DirectoryPerson, commitment_id: str) -> StoredCommitment:
    found = await queries.find(db, who.company_id, commitment_id)
    if found is None:
        raise not_found(commitment_id)
    return found
