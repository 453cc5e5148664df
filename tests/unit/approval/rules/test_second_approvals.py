"""Two approvers: the first one only approves, the second one orders the export of the same content."""

from datetime import date, timedelta
from typing import Any

import pytest

from schemas.commitment import Person
from schemas.envelope import Event
from schemas.events import CommitmentStatus, DecisionAccepted, DecisionFirstApproved
from schemas.examples.cast import DANA, KIM, SAM
from schemas.fields import Status
from schemas.snapshot import Snapshot
from services.approval.rules.answers import Accept, AlreadyGranted, AnswerResult, Blocked, Granted
from services.approval.rules.commands import AnswerContext, carry_out
from services.approval.rules.commitment import CommitmentFacts, current_status, standing_approval
from services.approval.rules.controls import Mandate
from services.approval.rules.next_steps import next_step
from services.approval.rules.rows import HistoryEntry
from tests.unit.approval.rules.event_builders import (
    CHICAGO,
    NOW,
    A,
    B,
    after,
    first_approved,
    rejected,
    retrieved,
    sent,
)

LATER = NOW + timedelta(minutes=5)


def accept(
    facts: CommitmentFacts, by: Person, content: Snapshot = A, *, needs_second: bool = True, **said: Any
) -> AnswerResult:
    current = current_status(facts)
    answer = Accept(revision=current.revision if current else 1, content_hash=content.content_hash, **said)
    context = AnswerContext(by, CHICAGO, LATER)
    return carry_out(facts, answer, context, snapshot=content, mandate=Mandate(needs_second))


def decision(result: AnswerResult) -> Any:
    assert isinstance(result, Granted), result
    return result.decided.publish[0].data


def texts(result: AnswerResult) -> list[str]:
    assert isinstance(result, Granted), result
    return [row.text for row in result.decided.rows if isinstance(row, HistoryEntry)]


APPROVED = after(sent(), first_approved())


def test_the_first_approval_keeps_it_ready_and_tells_the_project() -> None:
    result = accept(after(sent()), DANA, note="Agreed on the phone.")
    assert isinstance(decision(result), DecisionFirstApproved)
    assert isinstance(result, Granted)
    status = result.decided.publish[1].data
    assert isinstance(status, CommitmentStatus)
    assert status.status is Status.READY
    assert status.message == "Dana Ruiz approved SC-014; a second approver has to accept it."
    assert texts(result) == [
        "Dana Ruiz approved revision 1; a second approver has to accept it. Note: Agreed on the phone."
    ]


def test_the_second_approver_orders_the_export() -> None:
    result = accept(APPROVED, KIM)
    ordered = decision(result)
    assert isinstance(ordered, DecisionAccepted)
    assert (ordered.decided_by, ordered.first_approved_by) == (KIM, DANA)
    assert texts(result) == ["Kim Osei accepted revision 1 as the second approver, after Dana Ruiz."]


def test_one_person_cannot_be_both() -> None:
    repeated = accept(APPROVED, DANA)
    assert isinstance(repeated, AlreadyGranted)
    other_note = accept(APPROVED, DANA, note="Once more.")
    assert isinstance(other_note, Blocked)
    assert other_note.findings[0].text == "You approved SC-014. A second approver has to accept it."


def test_the_second_acceptance_is_granted_once() -> None:
    granted = accept(APPROVED, KIM)
    assert isinstance(granted, Granted)
    assert isinstance(accept(granted.decided.state, KIM), AlreadyGranted)
    assert not isinstance(accept(granted.decided.state, DANA), Granted)


@pytest.mark.parametrize(
    "events",
    [
        pytest.param((sent(), first_approved(), rejected()), id="rejected"),
        pytest.param((sent(), first_approved(), retrieved()), id="retrieved"),
        pytest.param((sent(), first_approved(), sent(2, B)), id="a newer revision"),
        pytest.param((sent(), first_approved(), sent(2, A)), id="a newer revision with the same content"),
        pytest.param((sent(), first_approved(), sent(1, B)), id="two contents"),
        pytest.param((sent(2, B), first_approved(1), sent()), id="a newer revision, read first"),
        pytest.param((retrieved(), first_approved(), sent()), id="retrieved, read first"),
    ],
)
def test_an_approval_becomes_void(events: tuple[Event[Any], ...]) -> None:
    assert standing_approval(after(*events)) is None


def test_after_a_newer_revision_two_have_to_accept_again() -> None:
    facts = after(sent(), first_approved(), sent(2, B))
    assert isinstance(decision(accept(facts, KIM, B)), DecisionFirstApproved)


def test_an_approval_counts_whenever_it_is_read() -> None:
    assert after(first_approved(), sent()).first_approvals == APPROVED.first_approvals
    assert standing_approval(after(first_approved(), sent())) is not None


def test_without_the_rule_one_of_them_is_enough() -> None:
    by_first = decision(accept(APPROVED, DANA, needs_second=False))
    by_other = decision(accept(APPROVED, KIM, needs_second=False))
    assert (by_first.first_approved_by, by_other.first_approved_by) == (None, DANA)


def test_what_the_first_approver_asked_of_the_erp_holds_unless_the_second_one_asks_otherwise() -> None:
    wishes = {"erp_code": "PO-7", "accounting_date": date(2026, 11, 20), "note": "Mine."}
    first = accept(after(sent()), DANA, **wishes)
    assert isinstance(first, Granted)
    silent, other = decision(accept(first.decided.state, KIM)), decision(accept(first.decided.state, KIM, erp_code="9"))
    assert (silent.erp_code, silent.accounting_date, silent.note) == ("PO-7", date(2026, 11, 20), None)
    assert (other.erp_code, other.accounting_date) == ("9", date(2026, 11, 20))


def test_the_history_says_if_the_first_approver_had_sent_it() -> None:
    [text] = texts(accept(after(sent(by=SAM)), SAM))
    assert text == "Sam Lee approved revision 1, which they sent themselves; a second approver has to accept it."


def test_the_next_step_is_for_another_approver() -> None:
    current = current_status(APPROVED)
    assert current is not None
    assert next_step(APPROVED, current, None).who == "An accounting approver other than Dana Ruiz"
