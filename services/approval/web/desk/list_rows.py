"""The rows of the desk's lists, with the findings on those that wait for an answer."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial

from schemas.commitment import ErpDocument, Summary
from schemas.events import ErpConnection, Failure
from schemas.fields import FailureClass, Owner, Status
from services.approval.rules import status
from services.approval.rules.checks import UNREACHABLE, unknown_limits
from services.approval.rules.commitment import CommitmentFacts, CurrentStatus
from services.approval.rules.controls import Authority, as_counted
from services.approval.rules.erp import UNNAMED_ERP, connection_name, is_held_back, target_erp
from services.approval.rules.finding import Finding
from services.approval.rules.guards import is_erp_left, missing_document
from services.approval.rules.leaving import connection_that_is_back
from services.approval.rules.marks import Mark, Verb
from services.approval.rules.polled import needs_somebody
from services.approval.rules.questions import question_tag
from services.approval.rules.rows import SubmissionRow
from services.approval.rules.triage import Group, group_of, per_cent
from services.approval.storage import line, reviews, submissions
from services.approval.storage.queries import StoredCommitment
from services.approval.storage.reviews import CheckedSubmission, Review
from services.approval.storage.views import DeskView
from services.approval.web.desk.forms import Choice, DriftChoice, RetryChoice
from services.pipeline.database import Transaction

Check = Callable[[Sequence[tuple[CommitmentFacts, SubmissionRow]]], Awaitable[Sequence[CheckedSubmission]]]
"""Finds what is to be known of submissions."""


@dataclass(frozen=True, slots=True)
class ListRow:
    """One commitment in a list; `findings` are empty unless it waits for an answer."""

    facts: CommitmentFacts
    current: CurrentStatus
    erp: ErpConnection | None
    findings: tuple[Finding, ...] = ()
    connection_back: str = ""
    """The connection of its document, if the export failed for want of it and it is configured again."""

    place: int | None = None
    """Its place in the line before an ERP that asks for work; None unless it waits for one."""

    note: str | None = None
    """What its sender wrote, if it waits for an answer."""

    total_before: Decimal | None = None
    """The total of its last earlier revision, if it waits for an answer."""

    mark: Mark | None = None
    """What the person who looks has chosen and not sent yet."""

    held_by: str = ""
    """Who has accepted it and can still undo that; empty if nobody has."""

    @property
    def group(self) -> Group:
        """What an approver has to do before accepting it."""
        return group_of(
            self.findings,
            is_disputed=self.current.status is Status.DISPUTED,
            is_changed=self.current.revision > 1,
            has_note=bool(self.note),
            is_asked=bool(self.question_tag),
            updates=bool(self.facts.document or self.facts.unlinked_documents),
        )

    @property
    def question_tag(self) -> str:
        """Whether its sender was asked about it, and has answered: here, or by the note of the next revision."""
        is_ready = self.current.status is Status.READY
        return question_tag(self.facts.asked, self.current.revision, self.note) if is_ready else ""

    @property
    def is_marked_as_it_is(self) -> bool:
        """Whether it is marked, and is still what was read then."""
        mark = self.mark
        return mark is not None and (mark.revision, mark.content_hash) == (self.current.revision, self.content_hash)

    @property
    def total_change(self) -> str:
        """By how much its total has changed since the last revision, in per cent; empty if it has not."""
        return "" if self.total_before is None else per_cent(self.total_before, Decimal(self.summary.total))

    @property
    def can_be_created_anew(self) -> bool:
        """Whether the export failed because the ERP, or its connection, is still without the document."""
        return self.missing_document is not None and not self.connection_back

    @property
    def stored(self) -> StoredCommitment:
        """The commitment, as it was read."""
        return StoredCommitment(self.facts, self.current)

    @property
    def summary(self) -> Summary:
        """Number, title, vendor and so on, as submitted."""
        return self.current.summary

    @property
    def erp_title(self) -> str:
        """What people call the ERP; its connection's name if that is not configured for the company any more."""
        return self.erp.title if self.erp else self.lost_connection or UNNAMED_ERP

    @property
    def lost_connection(self) -> str | None:
        """The connection that the commitment cannot leave by itself and that is not configured any more, if so."""
        return connection_name(self.facts) if self.erp is None else None

    @property
    def waits_for_outage(self) -> bool:
        """Whether the ERP is asked for it, and calls to that are held back."""
        is_asked = self.current.status in (Status.EXPORTING, Status.IN_DOUBT)
        return is_asked and self.erp is not None and is_held_back(self.erp)

    @property
    def blocked_by(self) -> tuple[str, ...]:
        """Why it cannot be accepted, in words; empty if it can."""
        if self.current.status is Status.DISPUTED:
            return (self.message,)
        return tuple(finding.text for finding in self.findings if finding.is_blocking)

    @property
    def is_acceptable(self) -> bool:
        """Whether it can be accepted, if need be with a document number that the approver gives."""
        return self.current.status is Status.READY and all(
            finding.mended_by for finding in self.findings if finding.is_blocking
        )

    @property
    def asks_for_number(self) -> tuple[str, ...]:
        """Why it can be accepted only with another document number, in words; empty if its own will do."""
        return tuple(each.text for each in self.findings if each.is_blocking and each.mended_by == "erp_code")

    @property
    def unknown_limits(self) -> tuple[str, ...]:
        """The limits of its ERP that are not known, so that nobody takes an empty column for a check that passed."""
        return unknown_limits(self.erp)

    @property
    def warnings(self) -> tuple[str, ...]:
        """Findings that an approver has to know and may accept."""
        return tuple(each.text for each in self.findings if not each.is_blocking and each.is_known)

    @property
    def unknowns(self) -> tuple[str, ...]:
        """What could not be checked, in words."""
        return tuple(finding.text for finding in self.findings if not finding.is_known)

    @property
    def asking_erp(self) -> ErpConnection | None:
        """The ERP that it waits for, if that one is not called but asks for work."""
        is_waiting = self.current.status in (Status.EXPORTING, Status.IN_DOUBT)
        return self.erp if is_waiting and self.erp and self.erp.poller else None

    @property
    def waits_for_somebody(self) -> bool:
        """Whether it waits until somebody sees to the client of its ERP."""
        return self.asking_erp is not None and needs_somebody(self.asking_erp)

    @property
    def is_unreachable(self) -> bool:
        """Whether no ERP connection takes it as they are."""
        return any(finding.rule == UNREACHABLE for finding in self.findings)

    @property
    def message(self) -> str:
        """What the status means, in words."""
        if self.current.status is Status.READY and self.blocked_by:
            sender = self.summary.sent_by.name
            return f"{self.summary.number} cannot be accepted as it is. Reject it, so that {sender} can correct it."
        return status.message(self.facts, self.current, self.erp.title if self.erp else None)

    @property
    def locked_fields(self) -> tuple[str, ...]:
        """The fields that cannot be edited in the project."""
        return status.locked_fields(self.facts)

    @property
    def is_retriable(self) -> bool:
        """Whether the desk offers to retry a failed export: not if the project has to correct it first."""
        failure = self._failure
        return failure is not None and (
            failure.failure_class is not FailureClass.FIX_DATA or failure.owner is Owner.APPROVER
        )

    @property
    def needs_other_terms(self) -> bool:
        """Whether a retry makes sense only with another accounting date, document number or note."""
        failure = self._failure
        return failure is not None and self.is_retriable and failure.failure_class is FailureClass.FIX_DATA

    @property
    def retry_choice(self) -> str:
        """What a form sends to retry it together with others; empty if it cannot be retried as it is."""
        if not self.is_retriable or self.needs_other_terms:
            return ""
        return RetryChoice(self.current.revision, self.current.round, self.facts.id).value

    @property
    def _failure(self) -> Failure | None:
        return self.current.ruling.failure if self.current.ruling else None

    @property
    def missing_document(self) -> ErpDocument | None:
        """The document that the ERP no longer has, or that is in `lost_connection`, if the export failed for that."""
        return missing_document(self.current)

    @property
    def is_erp_left(self) -> bool:
        """Whether the export failed because the ERP of the document is no longer configured."""
        return is_erp_left(self.current)

    @property
    def content_hash(self) -> str:
        """The content that an answer given here is bound to; any one of a dispute, which can only be rejected."""
        sent = self.current.submitted
        return sent.content_hash if sent.revision == self.current.revision else min(self.facts.hashes)

    @property
    def drift_choice(self) -> DriftChoice | None:
        """What a form sends when this row is chosen; None unless it differs in the ERP and has one document there."""
        drift, document = self.facts.open_drift, self.facts.document
        if drift is None or document is None or len(self.facts.erp_ids) > 1:
            return None
        return DriftChoice(drift.version, drift.revision, drift.reopened, drift.is_missing, self.facts.id, document.id)

    def choice(self, verb: str) -> str:
        """What a form sends when `verb` is chosen for this row."""
        return Choice(Verb(verb), self.current.revision, self.content_hash, self.facts.id).value


def reviewed_row(found: Review, place: int | None = None) -> ListRow:
    """The commitment of a review as a row, with its place in the line before its ERP."""
    note = found.submissions[0].row.note if found.submissions else None
    return ListRow(found.facts, found.current, found.erp, found.findings, found.connection_back, place, note)


async def list_rows(
    db: Transaction,
    company_id: str,
    view: DeskView,
    commitments: Sequence[StoredCommitment],
    erps: Sequence[ErpConnection],
    authority: Authority | None = None,
) -> list[ListRow]:
    """Return `commitments` of one company, which exports to `erps`, as rows of a view for whoever has `authority`."""
    counted = [(as_counted(each.facts, authority), each.current) for each in commitments]
    rows = [
        ListRow(facts, current, target_erp(facts, erps), (), connection_that_is_back(current, erps))
        for facts, current in counted
    ]
    if view is DeskView.READY:
        return await _waiting_rows(db, rows, partial(reviews.check, db, company_id, erps, authority=authority))
    if view is not DeskView.EXPORTING:
        return rows
    places = await line.places(db, [(row.facts, row.current, row.erp) for row in rows])
    return [replace(row, place=places.get(row.facts.id)) for row in rows]


async def _waiting_rows(db: Transaction, rows: Sequence[ListRow], check: Check) -> list[ListRow]:
    """Return `rows` with what an approver has to know before answering."""
    found = await _checked(db, rows, check)
    totals = await submissions.totals_before(
        db, {row.facts.id: row.current.revision for row in rows if row.current.revision > 1}
    )
    return [
        replace(row, total_before=totals.get(row.facts.id), findings=checked.findings, note=checked.note)
        for row in rows
        for checked in [found.get(row.facts.id, _Checked())]
    ]


@dataclass(frozen=True, slots=True)
class _Checked:
    """What is kept of a content that was checked."""

    findings: tuple[Finding, ...] = ()
    note: str | None = None


async def _checked(db: Transaction, rows: Sequence[ListRow], check: Check) -> Mapping[str, _Checked]:
    """Return the findings on the contents that are shown, and the notes that came with them, by commitment id.

    The contents of a page may have 50 MB together, so they are read in groups, of which only little is kept.
    """
    facts = {row.facts.id: row.facts for row in rows}
    keys = [(row.facts.id, row.current.revision, row.content_hash) for row in rows]
    found: dict[str, _Checked] = {}
    for group in submissions.in_groups(keys, await submissions.sizes(db, keys)):
        sent = await submissions.find_many(db, group)
        checked = await check([(facts[row.commitment_id], row) for row in sent.values()])
        found |= {each.row.commitment_id: _Checked(each.findings, each.row.note) for each in checked}
    return found
