"""One commitment with all that an approver reads before answering, in the order in which it is read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from fastapi import Response
from starlette.exceptions import HTTPException

from schemas.commitment import Commitment as Content
from schemas.events import Change, DirectoryPerson
from schemas.fields import FailureClass, Status
from services.approval.decisions import Outcome
from services.approval.rules.differences import differences
from services.approval.rules.facts import Stage
from services.approval.storage import queries, store
from services.approval.storage.queries import STATUSES, DeskView, Detail, HistoryLine
from services.approval.web.desk.forms import FormProblem
from services.approval.web.desk.list_rows import Row
from services.approval.web.desk.pages import Pages
from services.approval.web.desk.parts import Parts
from services.approval.web.desk.review import Check, checks, difference, line_sum
from services.pipeline.database import Transaction

CONFLICT = 409
_NOT_FOUND = 404


@dataclass(frozen=True, slots=True)
class Reading:
    """What somebody had read and typed when their answer was refused, and why it was."""

    revision: int | None = None
    typed: Mapping[str, str] = field(default_factory=dict)
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class Possible:
    """Which answers the page offers."""

    accept: bool = False
    reject: bool = False
    retry: bool = False
    settle: bool = False

    @property
    def any(self) -> bool:
        """Whether there is one."""
        return self.accept or self.reject or self.retry or self.settle


@dataclass(frozen=True, slots=True)
class Shown:
    """A commitment as its page shows it; of a dispute the first content, and how the second differs."""

    row: Row
    detail: Detail
    checks: Sequence[Check]
    changes: Sequence[Change]
    changes_since: int | None
    history: Sequence[HistoryLine]

    @property
    def content(self) -> Content | None:
        """What was submitted; None while it has not arrived."""
        return self.detail.submissions[0].snapshot.commitment if self.detail.submissions else None

    @property
    def note(self) -> str | None:
        """What its sender wants the approver to know."""
        return self.detail.submissions[0].row.note if self.detail.submissions else None

    @property
    def sent_at(self) -> datetime | None:
        """When it was sent."""
        return self.detail.submissions[0].row.sent_at if self.detail.submissions else None

    @property
    def old_reason(self) -> tuple[int, str, str] | None:
        """(revision, who, reason) of the rejection that this revision answers."""
        ruling = self.row.commitment.ruling
        if ruling is None or ruling.stage is not Stage.REJECTED or ruling.revision >= self.row.view.revision:
            return None
        return ruling.revision, ruling.who, ruling.reason

    @property
    def prefilled_reason(self) -> str:
        """What a rejection has to say where only the project can mend a failed export."""
        failure = self.row.view.ruling and self.row.view.ruling.failure
        if not failure or failure.failure_class is not FailureClass.FIX_DATA:
            return ""
        return f"{failure.message} {failure.next_step}"


class CommitmentPage:
    """Shows one commitment."""

    def __init__(self, parts: Parts, pages: Pages) -> None:
        self._parts = parts
        self._pages = pages

    async def show(
        self,
        who: DirectoryPerson,
        commitment_id: str,
        *,
        status: int = 200,
        problems: Sequence[FormProblem] = (),
        reading: Reading | None = None,
    ) -> Response:
        """Return the page; a 404 where the company has no such commitment."""
        read = reading or Reading()
        async with self._parts.database.begin() as db:
            listed = await queries.find(db, who.company_id, commitment_id)
            if listed is None:
                raise HTTPException(_NOT_FOUND)
            shown = await _shown(db, await queries.detail(db, listed), read.revision)
            counts = await queries.counts(db, who.company_id)
        return self._pages.render(
            "commitment.html",
            person=who,
            status=status,
            title=f"{shown.row.summary.number} {shown.row.summary.title}",
            shown=shown,
            can=possible(shown.row, who),
            counts=counts,
            current_view=view_of(shown.row.view.status),
            problems=problems,
            typed=read.typed,
            refusal=read.refusal,
            **_sums(shown.content),
        )

    async def refused(self, who: DirectoryPerson, outcome: Outcome, reading: Reading) -> Response:
        """Return the page of a commitment that has moved on, with what was typed for it."""
        return await self.show(who, outcome.commitment.id, status=CONFLICT, reading=reading)


def possible(row: Row, who: DirectoryPerson) -> Possible:
    """Which answers `who` may give to the commitment of `row`."""
    if not who.is_approver:
        return Possible()
    ruling, status = row.view.ruling, row.view.status
    return Possible(
        accept=status is Status.READY and not row.blocked_by,
        reject=status in (Status.READY, Status.DISPUTED, Status.FAILED),
        retry=status is Status.FAILED and row.is_retriable,
        settle=status is Status.IN_DOUBT and ruling is not None and ruling.settled_as is None,
    )


def view_of(status: Status) -> DeskView:
    """The narrowest view that holds commitments of `status`."""
    return next(desk_view for desk_view, statuses in STATUSES.items() if status in statuses)


async def _shown(db: Transaction, detail: Detail, read_revision: int | None) -> Shown:
    commitment, seen = detail.commitment, detail.view
    found = tuple(dict.fromkeys(finding for sent in detail.submissions for finding in sent.findings))
    row = Row(commitment, seen, detail.erp, found)
    changes, since = detail.changes, None
    if len(detail.submissions) > 1:
        first, second, *_ = (sent.snapshot.commitment for sent in detail.submissions)
        changes = differences(first, second)
    elif read_revision and read_revision < seen.revision and detail.submissions:
        read = await store.snapshots(db, commitment.id, read_revision)
        if read:
            changes, since = (
                differences(read[0][0].commitment, detail.submissions[0].snapshot.commitment),
                read_revision,
            )
    return Shown(
        row=row,
        detail=detail,
        checks=_checks(detail, found),
        changes=changes,
        changes_since=since,
        history=await queries.history(db, commitment.id),
    )


def _checks(detail: Detail, found: Sequence[Any]) -> Sequence[Check]:
    if not detail.submissions:
        return ()
    sent = detail.submissions[0]
    return checks(sent.snapshot.commitment, sent.row.sent_by, detail.erp, found)


def _sums(content: Content | None) -> dict[str, Any]:
    return {"line_sum": line_sum(content), "difference": difference(content)} if content else {}
