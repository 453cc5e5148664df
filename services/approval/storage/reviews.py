"""Collects what an approver reads before answering: contents, findings, and changes since the last revision."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from typing import Any

from schemas.commitment import Commitment
from schemas.events import Change, DirectoryPerson, ErpConnection
from schemas.fields import Status
from services.approval.rules.approval_rules import Duties
from services.approval.rules.checks import findings, unlisted_sender
from services.approval.rules.commitment import (
    CommitmentFacts,
    CurrentStatus,
    current_status,
    standing_approval,
    without_approvals,
)
from services.approval.rules.controls import Authority, as_counted, void_approvals
from services.approval.rules.differences import differences
from services.approval.rules.erp import next_erp, target_erp, target_reason, why_unreachable
from services.approval.rules.evidence import Holder
from services.approval.rules.finding import Finding
from services.approval.rules.leaving import connection_that_is_back
from services.approval.rules.numbers import Namesake
from services.approval.rules.references import EntryName, Known, entries_to_look_up
from services.approval.rules.refused_before import OtherRefusal, open_refusal, refused_before, refused_of_another
from services.approval.rules.rows import SubmissionRow
from services.approval.rules.unusual import Others
from services.approval.storage import (
    directory,
    documents,
    namesakes,
    others_of_vendor,
    references,
    refusals,
    submissions,
)
from services.approval.storage.namesakes import NumberInErp
from services.approval.storage.others_of_vendor import Compared
from services.approval.storage.queries import StoredCommitment
from services.pipeline.apart import apart
from services.pipeline.clock import utc_now
from services.pipeline.database import Transaction

SHOWN_CONTENTS = 5
"""Of a dispute, however many contents came; each may have a megabyte."""
_WAITING = (Status.READY, Status.DISPUTED)


@dataclass(frozen=True, slots=True)
class CheckedSubmission:
    """A submission with its findings as of now; `erp` is the connection that it would be exported to.

    `sender` is who sent it as the directory lists them, None if it does not. `senders` are the ids of those who sent
    any revision, where they may not accept it.
    """

    row: SubmissionRow
    content: Commitment
    erp: ErpConnection | None
    findings: tuple[Finding, ...]
    sender: DirectoryPerson | None = None
    senders: frozenset[str] = frozenset()


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


async def review(
    db: Transaction, company_id: str, stored: StoredCommitment, authority: Authority | None = None
) -> Review:
    """Return the review of a commitment by an approver with `authority`; by others without."""
    (found,) = await review_many(db, company_id, [stored], authority)
    return found


async def review_many(
    db: Transaction, company_id: str, stored: Sequence[StoredCommitment], authority: Authority | None = None
) -> list[Review]:
    """Return the review of each commitment; all their contents are in memory meanwhile."""
    erps = await directory.erps_of_company(db, company_id)
    rows = {
        each.facts.id: await submissions.of_revision(db, each.facts.id, each.current.revision, limit=SHOWN_CONTENTS)
        for each in stored
    }
    pairs = [(each.facts, row) for each in stored for row in rows[each.facts.id]]
    checked: dict[str, list[CheckedSubmission]] = {}
    for found in await check(db, company_id, erps, pairs, authority) if pairs else ():
        checked.setdefault(found.row.commitment_id, []).append(found)
    counted = [replace(each, facts=as_counted(each.facts, authority)) for each in stored]
    return [await _review(db, company_id, each, erps, checked.get(each.facts.id, [])) for each in counted]


async def _review(
    db: Transaction,
    company_id: str,
    stored: StoredCommitment,
    erps: Sequence[ErpConnection],
    checked: Sequence[CheckedSubmission],
) -> Review:
    facts, current = stored.facts, stored.current
    previous = await submissions.before_revision(db, facts.id, current.revision) if current.revision > 1 else None
    changes = await apart(partial(_changes, previous, checked[0].content)) if previous and checked else ()
    others = await documents.other_holders(db, company_id, facts, erps)
    content = checked[0].content if checked else None
    erp, why_erp = target_erp(facts, erps, content), target_reason(facts, erps, content)
    back = connection_that_is_back(current, erps)
    return Review(facts, current, checked, changes, erp, others, why_erp, next_erp(facts, erps, content), back)


def _changes(previous: SubmissionRow, content: Commitment) -> Sequence[Change]:
    (before,) = submissions.contents_of([previous])
    return differences(before, content) if before else ()


async def check(
    db: Transaction,
    company_id: str,
    erps: Sequence[ErpConnection],
    submitted: Sequence[tuple[CommitmentFacts, SubmissionRow]],
    authority: Authority | None = None,
) -> list[CheckedSubmission]:
    """Return submissions of one company, which exports to `erps`, in the same order, with their findings.

    One whose content cannot be read is left out. Those of the company's own rules are for the approver with
    `authority`. The number of statements is fixed.
    """
    submitted, contents = await submissions.with_contents(submitted)
    targets = [target_erp(facts, erps, content) for (facts, _), content in zip(submitted, contents, strict=True)]
    known = await _look_up(db, company_id, submitted, contents, targets, authority)
    asked = zip(submitted, contents, targets, strict=True)
    return await apart(lambda: [_checked(*each, erps, authority, known) for each in asked])


def _checked(
    submitted: tuple[CommitmentFacts, SubmissionRow],
    content: Commitment,
    erp: ErpConnection | None,
    erps: Sequence[ErpConnection],
    authority: Authority | None,
    known: "_Known",
) -> CheckedSubmission:
    facts, row = submitted
    sender, barred = known.senders.get(row.sent_by.id), known.barred.get(row.commitment_id, frozenset())
    found = findings(
        content,
        row.sent_by,
        sender=sender,
        erp=erp,
        why_unreachable=_why_unreachable(facts, erps, content),
        in_erp=known.in_erp,
        namesake=known.namesakes.get((row.commitment_id, row.content_hash)),
        others=known.others.get(row.commitment_id, Others()),
        refused_before=_refused_before(facts, erp, content, known),
        **_approver(facts, row, content, authority, known),
    )
    unlisted = () if sender else (unlisted_sender(row.sent_by),)
    return CheckedSubmission(row, content, erp, (*found, *unlisted), sender, barred)


@dataclass(frozen=True, slots=True)
class _Known:
    """What is looked up for several submissions together."""

    senders: Mapping[str, DirectoryPerson]
    barred: Mapping[str, frozenset[str]]
    namesakes: Mapping[tuple[str, str], Namesake]
    refused: Mapping[str, Commitment]
    refusals: Sequence[OtherRefusal]
    others: Mapping[str, Others]
    in_erp: Known


async def _look_up(
    db: Transaction,
    company_id: str,
    submitted: Sequence[tuple[CommitmentFacts, SubmissionRow]],
    contents: Sequence[Commitment],
    targets: Sequence[ErpConnection | None],
    authority: Authority | None,
) -> _Known:
    rows = [row for _, row in submitted]
    names = await apart(partial(_names_to_look_up, contents, targets))
    is_any_waiting = any(_waits(facts) for facts, _ in submitted)
    return _Known(
        await directory.people(db, {row.sent_by.id for row in rows}),
        await submissions.senders(db, _re_sent(submitted)) if _bars_senders(authority) else {},
        await namesakes.find(db, company_id, list(map(_number, rows, contents, targets))),
        await _refused(db, [(facts, row, erp) for (facts, row), erp in zip(submitted, targets, strict=True)]),
        await refusals.latest(db, company_id, utc_now()) if is_any_waiting else (),
        await others_of_vendor.find(db, company_id, _compared(submitted, contents)),
        await references.find(db, names),
    )


def _names_to_look_up(contents: Sequence[Commitment], targets: Sequence[ErpConnection | None]) -> frozenset[EntryName]:
    names = (entries_to_look_up(content, erp) for content, erp in zip(contents, targets, strict=True))
    return frozenset[EntryName]().union(*names)


def _number(row: SubmissionRow, content: Commitment, erp: ErpConnection | None) -> NumberInErp:
    key = (row.commitment_id, row.content_hash)
    return NumberInErp.of(key, content.number, erp)


def _why_unreachable(facts: CommitmentFacts, erps: Sequence[ErpConnection], content: Commitment) -> str:
    """Return why the content cannot be exported; empty unless it waits, as later its own failure says so."""
    return why_unreachable(facts, erps, content) if _waits(facts) else ""


def _waits(facts: CommitmentFacts) -> bool:
    current = current_status(facts)
    return current is not None and current.status in _WAITING


def _bars_senders(authority: Authority | None) -> bool:
    return authority is not None and authority.rules.separation_of_duties is Duties.BLOCK


def _re_sent(submitted: Sequence[tuple[CommitmentFacts, SubmissionRow]]) -> set[str]:
    """Return the ids of those that wait and that more than one person may have sent."""
    return {
        row.commitment_id for facts, row in submitted if _waits(facts) and (row.revision > 1 or len(facts.hashes) > 1)
    }


def _approver(
    facts: CommitmentFacts, row: SubmissionRow, content: Commitment, authority: Authority | None, known: _Known
) -> dict[str, Any]:
    """Return the arguments of `findings` for whoever may accept it, while it waits."""
    if authority is None or not _waits(facts):
        return {}
    senders = known.barred.get(row.commitment_id, frozenset())
    void = void_approvals(content, row.sent_by, authority, facts.first_approvals, senders)
    return {"authority": authority, "first": standing_approval(without_approvals(facts, void)), "senders": senders}


def _compared(
    submitted: Sequence[tuple[CommitmentFacts, SubmissionRow]], contents: Sequence[Commitment]
) -> list[Compared]:
    """Return what is compared of those that wait."""
    return [
        Compared(
            row.commitment_id,
            content.number,
            content.vendor.name,
            content.project.name,
            content.currency,
            Decimal(content.total),
            row.sent_at,
        )
        for (facts, row), content in zip(submitted, contents, strict=True)
        if (current := current_status(facts)) and current.status in _WAITING
    ]


async def _refused(
    db: Transaction, checked: Sequence[tuple[CommitmentFacts, SubmissionRow, ErpConnection | None]]
) -> Mapping[str, Commitment]:
    """Return by commitment id the content that its ERP refused last, of those that were sent again since."""
    keys = []
    for facts, _, erp in checked:
        refusal, approved = open_refusal(facts, erp), facts.approved
        if refusal and approved and approved.revision == refusal.revision:
            keys.append((facts.id, refusal.revision, approved.content_hash))
    rows = await submissions.find_many(db, keys) if keys else {}
    contents = await apart(partial(submissions.contents_of, list(rows.values())))
    return {key: content for key, content in zip(rows, contents, strict=True) if content}


def _refused_before(facts: CommitmentFacts, erp: ErpConnection | None, content: Commitment, known: _Known) -> str:
    refusal = open_refusal(facts, erp)
    own = refused_before(refusal, erp, known.refused.get(facts.id), content) if refusal and erp else ""
    return own or (refused_of_another(known.refusals, facts.id, erp, content) if _waits(facts) else "")
