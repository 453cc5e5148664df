"""The page of one commitment: everything that an approver reads before answering, in that order."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from http import HTTPStatus
from typing import Any

from fastapi import Response
from starlette.exceptions import HTTPException

from schemas.commitment import Commitment, ErpDocument
from schemas.events import Change, DirectoryPerson, ErpConnection
from schemas.fields import Status
from schemas.zones import zone_info
from services.approval.rules.commitment import CommitmentFacts, current_status
from services.approval.rules.controls import Authority
from services.approval.rules.differences import differences
from services.approval.rules.documents import distinct
from services.approval.rules.facts import Stage
from services.approval.rules.failures import suggested_reason
from services.approval.rules.rows import SubmissionRow
from services.approval.storage import directory, line, marks, queries, reason_templates, submissions, tallies
from services.approval.storage.history_items import HistoryItem, history_items
from services.approval.storage.queries import StoredCommitment
from services.approval.storage.reviews import CheckedSubmission, Review, review
from services.approval.storage.views import STATUSES, DeskView
from services.approval.web.dependencies import Dependencies
from services.approval.web.desk.addresses import ListQuery
from services.approval.web.desk.check_lines import CheckLine, check_lines
from services.approval.web.desk.forms import FormProblem
from services.approval.web.desk.list_rows import ListRow, reviewed_row
from services.approval.web.desk.pages import Pages
from services.approval.web.desk.sent_forms import typed_text
from services.pipeline.apart import apart
from services.pipeline.clock import utc_now
from services.pipeline.counting import counted
from services.pipeline.database import Transaction
from services.pipeline.unreadable import noted


@dataclass(frozen=True, slots=True)
class RefusedForm:
    """A form that was not carried out: what was typed, and why; `revision` is the one that its sender had read."""

    typed: Mapping[str, str] = field(default_factory=dict)
    problems: Sequence[FormProblem] = ()
    refusal: str = ""
    revision: int | None = None

    @property
    def shown(self) -> Mapping[str, Any]:
        """What a template shows of it."""
        kept = typed_text(self.typed) if self.refusal else ""
        return {"problems": self.problems, "typed": self.typed, "refusal": self.refusal, "kept": kept}


@dataclass(frozen=True, slots=True)
class OfferedAnswers:
    """The answers that the page offers."""

    accept: bool = False
    reject: bool = False
    retry: bool = False
    create_anew: bool = False
    settle: bool = False
    confirm: bool = False
    reopen: bool = False

    @property
    def any(self) -> bool:
        """Whether the page offers any."""
        about_doubt = self.settle or self.confirm
        return self.accept or self.reject or self.retry or self.create_anew or about_doubt or self.reopen


@dataclass(frozen=True, slots=True)
class Detail:
    """What the page shows; of a dispute the first content, and how the second differs."""

    row: ListRow
    review: Review
    checks: Sequence[CheckLine]
    changes: Sequence[Change]
    changes_since: int | None
    history: Sequence[HistoryItem]
    is_partly_unreadable: bool = False

    @property
    def sent(self) -> CheckedSubmission | None:
        """The submission that is shown; None until it arrives."""
        return self.review.submissions[0] if self.review.submissions else None

    @property
    def previous_rejection(self) -> tuple[int, str, str] | None:
        """(revision, who, reason) of the rejection that the revision answers."""
        return previous_rejection(self.row.facts)

    @property
    def checks_in_short(self) -> str:
        """How many checks had which result: "5 checks passed, 1 warning, 2 not known"."""
        counts = Counter(check.verdict for check in self.checks)
        parts = [f"{counted(counts['OK'], 'check')} passed"]
        parts += [f"{counts['Blocks']} blocking"] if counts["Blocks"] else []
        parts += [counted(counts["Warning"], "warning")] if counts["Warning"] else []
        parts += [f"{counts['Not known']} not known"] if counts["Not known"] else []
        return ", ".join(parts)

    @property
    def changed(self) -> frozenset[str]:
        """What has changed, in the words of the changes, so that it can be marked where it stands."""
        return frozenset(change.field for change in self.changes)

    @property
    def documents(self) -> Sequence[ErpDocument]:
        """The commitment's documents in the ERP, the last one first; more than one is a mistake."""
        others = sorted(distinct(self.row.facts.standing), key=lambda each: each.revision, reverse=True)
        return [each.document for each in others]

    @property
    def prefilled_reason(self) -> str:
        """The reason that a rejection starts with if only the project can fix a failed export."""
        ruling = self.row.current.ruling
        return suggested_reason(ruling.failure if ruling else None)


def previous_rejection(facts: CommitmentFacts) -> tuple[int, str, str] | None:
    """(revision, who, reason) of the rejection that the current revision answers."""
    ruling, current = facts.ruling, current_status(facts)
    if ruling is None or current is None or ruling.stage is not Stage.REJECTED or ruling.revision >= current.revision:
        return None
    return ruling.revision, ruling.who, ruling.reason


class DetailPage:
    """Shows one commitment."""

    def __init__(self, dependencies: Dependencies, pages: Pages) -> None:
        self._database = dependencies.database
        self._readers = dependencies.readers
        self._decisions = dependencies.decisions
        self._pages = pages

    async def show(
        self, who: DirectoryPerson, commitment_id: str, refused: RefusedForm | None = None, came_from: str = ""
    ) -> Response:
        """Return the page, with a link back to the list that `came_from` describes; a 404 for an unknown commitment."""
        form = refused or RefusedForm()
        async with self._readers:
            async with self._database.begin() as db:
                stored = await queries.find(db, who.company_id, commitment_id)
                if stored is None:
                    raise HTTPException(HTTPStatus.NOT_FOUND)
                authority = await self._decisions.authority(db, who)
                detail = await load_detail(db, who, stored, form.revision, authority)
                counts = await tallies.counts(db, who.company_id)
                reasons = await reason_templates.of_company(db, who.company_id) if who.is_approver else ()
                held = await held_by(db, who, [commitment_id])
            detail = replace(detail, row=replace(detail.row, held_by=held.get(commitment_id, "")))
            return await self._pages.render_apart(
                "commitment.html",
                person=who,
                status=HTTPStatus.CONFLICT if form.refusal else HTTPStatus.OK,
                title=f"{detail.row.summary.number} {detail.row.summary.title}",
                detail=detail,
                can=offered_answers(detail.row, who),
                accounting_dates=accounting_dates(detail.row.erp, who),
                counts=counts,
                reasons=reasons,
                current_view=view_of(detail.row.current.status),
                back=ListQuery.read(came_from, view_of(detail.row.current.status)).showing(commitment_id),
                **form.shown,
            )


def offered_answers(row: ListRow, who: DirectoryPerson) -> OfferedAnswers:
    """The answers that `who` may give to the commitment of `row`."""
    if not who.is_approver:
        return OfferedAnswers()
    ruling, status = row.current.ruling, row.current.status
    return OfferedAnswers(
        accept=row.is_acceptable and not row.held_by,
        reject=status in (Status.READY, Status.DISPUTED, Status.FAILED) and not row.held_by,
        retry=status is Status.FAILED and row.is_retriable,
        create_anew=status is Status.FAILED and row.can_be_created_anew,
        settle=status is Status.IN_DOUBT and ruling is not None and ruling.settled_as is None,
        confirm=status is Status.IN_DOUBT and row.facts.open_check is not None,
        reopen=status is Status.SYNCED and row.facts.document is not None,
    )


async def held_by(db: Transaction, person: DirectoryPerson, commitment_ids: Sequence[str]) -> Mapping[str, str]:
    """Return by whom these commitments are accepted, so that it can still be undone, as `person` reads it."""
    found = await marks.held(db, person.company_id, commitment_ids)
    people = await directory.people(db, {holder for holder, _ in found.values()}) if found else {}
    names = {each.person_id: "You" if each.person_id == person.person_id else each.name for each in people.values()}
    return {each: names.get(holder, "An accounting approver") for each, (holder, _) in found.items()}


def view_of(status: Status) -> DeskView:
    """The narrowest view that holds commitments of `status`."""
    return next(view for view, statuses in STATUSES.items() if status in statuses)


def accounting_dates(erp: ErpConnection | None, who: DirectoryPerson) -> tuple[date, date] | None:
    """The first and the last accounting date that `erp` takes today, where `who` is."""
    return erp.limits.accounting_dates(utc_now().astimezone(zone_info(who.time_zone)).date()) if erp else None


async def load_detail(
    db: Transaction,
    who: DirectoryPerson,
    stored: StoredCommitment,
    read_revision: int | None,
    authority: Authority | None,
) -> Detail:
    """Return all that a page shows of a commitment to `who`, who has `authority`.

    Its changes begin at the revision that was read, if one was.
    """
    with noted() as unreadable:
        found = await review(db, who.company_id, stored, authority)
        changes, since = await _changes(db, found, read_revision)
        history = await history_items(db, who.company_id, found.facts.id)
        places = await line.places(db, [(found.facts, found.current, found.erp)])
    row, checks = reviewed_row(found, places.get(found.facts.id)), _checks(found, who.time_zone)
    return Detail(row, found, checks, changes, since, history, is_partly_unreadable=bool(unreadable))


def _checks(found: Review, time_zone: str) -> Sequence[CheckLine]:
    if not found.submissions:
        return ()
    first = found.submissions[0]
    return check_lines(first.content, first.row.sent_by, found.erp, found.findings, time_zone, sender=first.sender)


async def _changes(db: Transaction, found: Review, read_revision: int | None) -> tuple[Sequence[Change], int | None]:
    """Return what to show as changes, and the earlier revision that they start from if it is the one that was read."""
    if len(found.submissions) > 1:
        shown, other = (each.content for each in found.submissions[:2])
        return await apart(partial(differences, shown, other)), None
    if read_revision and read_revision < found.current.revision and found.submissions:
        read = await submissions.of_revision(db, found.facts.id, read_revision)
        if read:
            shown = found.submissions[0].content
            return await apart(partial(_differences_from, read[0], shown)), read_revision
    return found.changes, None


def _differences_from(read: SubmissionRow, shown: Commitment) -> Sequence[Change]:
    return differences(submissions.content_of(read), shown)
