"""Collects what an approver reads before answering: contents, findings, and changes since the last revision."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import Select, bindparam, select, true

from schemas.commitment import Commitment
from schemas.events import Change, ErpConnection
from services.approval.rules.checks import Finding, findings, kept_number
from services.approval.rules.commitment import CommitmentFacts, CurrentStatus
from services.approval.rules.differences import differences
from services.approval.rules.erp import target_erp
from services.approval.rules.evidence import Holder
from services.approval.rules.rows import SubmissionRow
from services.approval.storage import directory, documents, submissions
from services.approval.storage.queries import StoredCommitment
from services.approval.storage.tables import COMMITMENT, NUMBER, begins_with
from services.pipeline.apart import apart
from services.pipeline.bulk import arrays, given_rows
from services.pipeline.database import Transaction

SHOWN_CONTENTS = 5
"""Of a dispute, however many contents came; each may have a megabyte."""

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

    `other_holders` are commitments that hold the same document in the ERP, which must not be.
    """

    facts: CommitmentFacts
    current: CurrentStatus
    submissions: Sequence[CheckedSubmission]
    changes: Sequence[Change]
    erp: ErpConnection | None
    other_holders: Sequence[Holder] = ()

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
    others = await documents.other_holders(db, company_id, facts)
    return Review(facts, current, checked, changes, target_erp(facts, erps), others)


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
    targets = [target_erp(facts, erps) for facts, _ in submitted]
    taken = await _taken_numbers(db, company_id, _cut_numbers(submitted, contents, targets))
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
                number_taken_by=taken.get((row.commitment_id, row.content_hash)),
            ),
        )
        for (_, row), content, erp in zip(submitted, contents, targets, strict=True)
    ]


def _cut_numbers(
    submitted: Sequence[tuple[CommitmentFacts, SubmissionRow]],
    contents: Sequence[Commitment],
    targets: Sequence[ErpConnection | None],
) -> Mapping[_Content, str]:
    """Return the numbers that the ERP would cut, as it would keep them."""
    return {
        (row.commitment_id, row.content_hash): kept_number(content, erp)
        for (_, row), content, erp in zip(submitted, contents, targets, strict=True)
        if erp and kept_number(content, erp) != content.number
    }


async def _taken_numbers(db: Transaction, company_id: str, cut: Mapping[_Content, str]) -> Mapping[_Content, str]:
    """Return another commitment's number for each cut one that the ERP could not tell from it."""
    numbers: dict[str, list[tuple[str, str]]] = {kept: [] for kept in cut.values()}
    if numbers:
        given = arrays([{"number": kept} for kept in numbers])
        for kept, number, commitment_id in await db.execute(_BEGINNING_WITH, {"company": company_id, **given}):
            numbers[kept].append((number, commitment_id))
    others = {
        content: [number for number, commitment_id in numbers[kept] if commitment_id != content[0]]
        for content, kept in cut.items()
    }
    return {content: min(taken) for content, taken in others.items() if taken}


def _beginning_with() -> Select[Any]:
    """Return the statement that finds two commitments for each given number, which both begin with it."""
    table, given = COMMITMENT, given_rows([COMMITMENT.c.number])
    chosen = select(table.c.number, table.c.id).where(
        table.c.company_id == bindparam("company"), begins_with(given.c.number)
    )
    two = chosen.order_by(NUMBER).limit(2).lateral("two")
    return select(given.c.number, two.c.number, two.c.id).join(two, true())


_BEGINNING_WITH = _beginning_with()
