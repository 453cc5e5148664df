"""Judges an acceptance: it orders the export, or is the approval of the first of two approvers."""

from collections.abc import Sequence

from schemas.commitment import Person
from schemas.events import DecisionAccepted, DecisionFirstApproved, ErpConnection
from schemas.fields import Status
from services.approval.rules.answers import Accept, AlreadyGranted, Answer, Blocked, ExportAgain, Retry, Settle
from services.approval.rules.commitment import (
    CommitmentFacts,
    CurrentStatus,
    current_status,
    first_approval,
    standing_approval,
)
from services.approval.rules.controls import approved_by_you
from services.approval.rules.erp import target_erp
from services.approval.rules.facts import Terms
from services.approval.rules.first_approval import FirstApproval
from services.approval.rules.guards import is_at, is_content, order_by
from services.approval.rules.numbers import kept_number
from services.approval.rules.orders import Checked, Verdict, about, terms_of, unlinked_before


def judge_accept(
    facts: CommitmentFacts, current: CurrentStatus, answer: Accept, by: Person, checked: Checked
) -> Verdict:
    """Order the export of the content that was read; where two have to accept it, the first one only approves it."""
    ordered, asked = order_by(facts, answer.revision, by), asked_terms(facts, answer)
    if ordered and (ordered.content_hash, ordered.terms) == (answer.content_hash, asked):
        return AlreadyGranted(current)
    is_read = facts.hashes == {answer.content_hash} and is_content(checked.snapshot, answer.content_hash)
    if not (is_read and is_at(current, answer.revision, Status.READY)):
        return None
    first = standing_approval(facts)
    if first and checked.mandate.needs_second and first.by.id == by.id:
        is_same = _is_repeated(first, answer, by, asked)
        return AlreadyGranted(current) if is_same else Blocked(current, (approved_by_you(current.summary.number),))
    if obstacle := checked.obstacle(current):
        return obstacle
    if checked.mandate.needs_second and first is None:
        return _approved_first(facts, current, by, checked, asked)
    return DecisionAccepted(
        **about(facts, current),
        round=1,
        content_hash=answer.content_hash,
        commitment=checked.snapshot,
        decided_by=by,
        sent_by=current.summary.sent_by,
        erp_code=asked.erp_code,
        accounting_date=asked.accounting_date,
        note=asked.note,
        unlinked=unlinked_before(facts),
        first_approved_by=first.by if first and first.by.id != by.id else None,
        limit_of=checked.mandate.limit_of,
    )


def _approved_first(
    facts: CommitmentFacts, current: CurrentStatus, by: Person, checked: Checked, asked: Terms
) -> Verdict:
    if checked.snapshot is None:
        return None
    return DecisionFirstApproved(
        **about(facts, current),
        content_hash=checked.snapshot.content_hash,
        decided_by=by,
        sent_by=current.summary.sent_by,
        created_by=current.summary.creator,
        limit_of=checked.mandate.limit_of,
        erp_code=asked.erp_code,
        accounting_date=asked.accounting_date,
        note=asked.note,
    )


def asked_terms(facts: CommitmentFacts, answer: Accept) -> Terms:
    """What is asked of the ERP: what `answer` says, and where that says nothing, what the first approver asked for.

    A note is its author's own.
    """
    first = first_approval(facts, answer.revision, answer.content_hash)
    if first is None:
        return Terms(answer.erp_code, answer.accounting_date, answer.note)
    day = answer.accounting_date or first.accounting_date
    return Terms(answer.erp_code or first.erp_code, day, answer.note)


def numbers_at_stake(facts: CommitmentFacts, answer: Answer, erps: Sequence[ErpConnection]) -> frozenset[str]:
    """The numbers that an export ordered by `answer` may have in its ERP, as that keeps them; none without an order."""
    current = current_status(facts)
    if current is None:
        return frozenset()
    match answer:
        case Accept():
            code = asked_terms(facts, answer).erp_code
        case Retry() | ExportAgain() | Settle(document=None):
            code = terms_of(facts, answer).erp_code
        case _:
            return frozenset()
    erp = target_erp(facts, erps)
    return frozenset(kept_number(each, erp) for each in (code, current.summary.number) if each)


def _is_repeated(first: FirstApproval, answer: Accept, by: Person, asked: Terms) -> bool:
    """Whether `first` is this very answer."""
    is_theirs = first.by.id == by.id
    return is_theirs and (first.content_hash, first.terms) == (answer.content_hash, asked)
