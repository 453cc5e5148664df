"""Collects what an approver reads before answering: contents, findings, and changes since the last revision."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import array

from schemas.commitment import Commitment
from schemas.events import Change, ErpConnection
from services.approval.rules.checks import Finding, findings, kept_number
from services.approval.rules.commitment import CommitmentFacts, CurrentStatus
from services.approval.rules.differences import differences
from services.approval.rules.erp import target_erp
from services.approval.rules.rows import SubmissionRow
from services.approval.storage import directory, submissions
from services.approval.storage.queries import StoredCommitment
from services.approval.storage.tables import COMMITMENT
from services.pipeline.apart import apart
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
    """All that an approver reads before answering; `changes` are from the last earlier submission to this one."""

    facts: CommitmentFacts
    current: CurrentStatus
    submissions: Sequence[CheckedSubmission]
    changes: Sequence[Change]
    erp: ErpConnection | None

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
    return Review(facts, current, checked, changes, target_erp(facts, erps))


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
    table = COMMITMENT
    named = array([table.c.number, table.c.id])
    first_and_last: dict[str, Sequence[list[str]]] = {}
    for length in {len(kept) for kept in cut.values()}:
        prefix = func.left(table.c.number, length)
        is_cut_so = prefix.in_({kept for kept in cut.values() if len(kept) == length})
        chosen = select(prefix, func.min(named), func.max(named)).where(table.c.company_id == company_id, is_cut_so)
        first_and_last |= {row[0]: row[1:] for row in await db.execute(chosen.group_by(prefix))}
    taken = {
        (own_id, content_hash): [number for number, other_id in first_and_last.get(kept, ()) if other_id != own_id]
        for (own_id, content_hash), kept in cut.items()
    }
    return {content: numbers[0] for content, numbers in taken.items() if numbers}
