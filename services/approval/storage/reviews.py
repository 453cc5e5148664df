"""Collects what an approver reads before answering: contents, findings, and changes since the last revision."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, bindparam, select, true

from schemas.commitment import Commitment
from schemas.events import Change, ErpConnection
from schemas.fields import Status
from services.approval.rules.checks import Namesake, findings, is_number_cut, kept_number
from services.approval.rules.commitment import CommitmentFacts, CurrentStatus, current_status
from services.approval.rules.differences import differences
from services.approval.rules.erp import next_erp, target_erp, target_reason, why_unreachable
from services.approval.rules.evidence import Holder
from services.approval.rules.finding import Finding
from services.approval.rules.leaving import connection_that_is_back
from services.approval.rules.references import EntryName, entries_to_look_up
from services.approval.rules.rows import SubmissionRow
from services.approval.storage import directory, documents, references, submissions
from services.approval.storage.queries import StoredCommitment, stored_commitment
from services.approval.storage.tables import COMMITMENT, NUMBER, begins_with
from services.pipeline.apart import apart
from services.pipeline.bulk import arrays, given_rows
from services.pipeline.database import Transaction

SHOWN_CONTENTS = 5
"""Of a dispute, however many contents came; each may have a megabyte."""

_WAITING = (Status.READY, Status.DISPUTED)

_Content = tuple[str, str]
"""Commitment id, content hash."""


@dataclass(frozen=True, slots=True)
class CheckedSubmission:
    """A submission with its findings as of now; `erp` is the connection that it would be exported to."""

    row: SubmissionRow
    content: Commitment
    erp: ErpConnection | None
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Review:
    """All that an approver reads before answering; `changes` are from the last earlier submission to this one.

    `other_holders` are commitments that hold the same document in the ERP, which must not be. `why_erp` says why
    it goes to `erp`, where the company has several. `next_erp` takes it once it has left the ERP of its document, which
    it need not if that is configured again, as `connection_back`.
    """

    facts: CommitmentFacts
    current: CurrentStatus
    submissions: Sequence[CheckedSubmission]
    changes: Sequence[Change]
    erp: ErpConnection | None
    other_holders: Sequence[Holder] = ()
    why_erp: str = ""
    next_erp: ErpConnection | None = None
    connection_back: str = ""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The findings on its submissions, each once."""
        return tuple(dict.fromkeys(finding for each in self.submissions for finding in each.findings))


async def review(db: Transaction, company_id: str, stored: StoredCommitment) -> Review:
    """Return the review of a commitment."""
    facts, current = stored.facts, stored.current
    erps = await directory.erps_of_company(db, company_id)
    rows = await submissions.of_revision(db, facts.id, current.revision, limit=SHOWN_CONTENTS)
    checked = await check(db, company_id, erps, [(facts, row) for row in rows])
    previous = await submissions.before_revision(db, facts.id, current.revision)
    changes = await apart(partial(_changes, previous, checked[0].content)) if previous and checked else ()
    others = await documents.other_holders(db, company_id, facts, erps)
    content = checked[0].content if checked else None
    erp, why_erp = target_erp(facts, erps, content), target_reason(facts, erps, content)
    back = connection_that_is_back(current, erps)
    return Review(facts, current, checked, changes, erp, others, why_erp, next_erp(facts, erps, content), back)


def _changes(previous: SubmissionRow, content: Commitment) -> Sequence[Change]:
    return differences(submissions.content_of(previous), content)


def _contents(rows: Sequence[SubmissionRow]) -> list[Commitment]:
    return [submissions.content_of(row) for row in rows]


async def check(
    db: Transaction,
    company_id: str,
    erps: Sequence[ErpConnection],
    submitted: Sequence[tuple[CommitmentFacts, SubmissionRow]],
) -> list[CheckedSubmission]:
    """Return submissions of one company, which exports to `erps`, in the same order, with their findings.

    The number of statements is fixed.
    """
    senders = await directory.people(db, {row.sent_by.id for _, row in submitted})
    contents = await apart(partial(_contents, [row for _, row in submitted]))
    targets = [target_erp(facts, erps, content) for (facts, _), content in zip(submitted, contents, strict=True)]
    numbers = [
        _Number((row.commitment_id, row.content_hash), kept_number(content, erp), is_number_cut(content, erp))
        for (_, row), content, erp in zip(submitted, contents, targets, strict=True)
    ]
    taken = await _taken_numbers(db, company_id, numbers)
    names = (entries_to_look_up(content, erp) for content, erp in zip(contents, targets, strict=True))
    in_erp = await references.find(db, frozenset[EntryName]().union(*names))
    return [
        CheckedSubmission(
            row,
            content,
            erp,
            findings(
                content,
                row.sent_by,
                sender=senders.get(row.sent_by.id),
                erp=erp,
                why_unreachable=_why_unreachable(facts, erps, content),
                in_erp=in_erp,
                **_collision(content, erp, taken.get((row.commitment_id, row.content_hash))),
            ),
        )
        for (facts, row), content, erp in zip(submitted, contents, targets, strict=True)
    ]


def _why_unreachable(facts: CommitmentFacts, erps: Sequence[ErpConnection], content: Commitment) -> str:
    """Return why the content cannot be exported; empty unless it waits, as later its own failure says so."""
    current = current_status(facts)
    return why_unreachable(facts, erps, content) if current and current.status in _WAITING else ""


def _collision(content: Commitment, erp: ErpConnection | None, other: Namesake | None) -> dict[str, Any]:
    """Return the arguments of `findings` for another commitment with the same number, as the ERP keeps it."""
    is_cut = kept_number(content, erp) != content.number
    return {"number_taken_by": other.number} if other and is_cut else {"namesake": other}


class _Number(NamedTuple):
    """A content's number as the ERP keeps it; `is_cut` if the ERP takes every number that begins so for the same."""

    content: _Content
    kept: str
    is_cut: bool


async def _taken_numbers(db: Transaction, company_id: str, numbers: Sequence[_Number]) -> Mapping[_Content, Namesake]:
    """Return for each content another commitment that the ERP could not tell from it by number, if there is one."""
    found: dict[_Content, Namesake] = {}
    for statement, is_cut in ((_BEGINNING_WITH, True), (_EQUAL_TO, False)):
        wanted = [number for number in numbers if number.is_cut is is_cut]
        holders = await _holders(db, company_id, statement, {number.kept for number in wanted})
        for number in wanted:
            others = [other for own_id, other in holders[number.kept] if own_id != number.content[0]]
            if others:
                found[number.content] = min(others, key=lambda other: other.number)
    return found


async def _holders(
    db: Transaction, company_id: str, statement: Select[Any], numbers: Collection[str]
) -> Mapping[str, Sequence[tuple[str, Namesake]]]:
    """Return up to two commitments, each with its id, for each number; `statement` says which have it."""
    found: dict[str, list[tuple[str, Namesake]]] = {number: [] for number in numbers}
    if numbers:
        given = arrays([{"number": number} for number in numbers])
        for wanted, number, state in await db.execute(statement, {"company": company_id, **given}):
            if stored := stored_commitment(state):
                summary = stored.current.summary
                found[wanted].append((stored.facts.id, Namesake(number, summary.title, summary.project)))
    return found


def _having(matches: Callable[[ColumnElement[str]], ColumnElement[bool]]) -> Select[Any]:
    """Return the statement that finds two commitments for each given number; `matches` compares with the given one."""
    table, given = COMMITMENT, given_rows([COMMITMENT.c.number])
    chosen = select(table.c.number, table.c.state).where(
        table.c.company_id == bindparam("company"), matches(given.c.number)
    )
    two = chosen.order_by(NUMBER).limit(2).lateral("two")
    return select(given.c.number, two.c.number, two.c.state).join(two, true())


_BEGINNING_WITH = _having(begins_with)
_EQUAL_TO = _having(lambda number: number == NUMBER)
