"""An approver has a document created anew that the ERP no longer has; nothing else is ever given up."""

import pytest

from schemas.commitment import Person
from schemas.events import CommitmentStatus, DecisionAccepted
from schemas.examples.cast import DANA, KIM
from schemas.fields import Status
from services.approval.rules.answers import AlreadyGranted, AnswerResult, Conflict, Granted, Retry
from services.approval.rules.commands import AnswerContext, carry_out
from services.approval.rules.commitment import CommitmentFacts, current_status
from services.approval.rules.erp import connection_name
from services.approval.rules.rows import HistoryEntry
from services.approval.rules.status import locked_fields
from tests.unit.approval.rules.event_builders import (
    CHICAGO,
    GONE,
    NOW,
    A,
    accepted,
    after,
    confirmed,
    document,
    document_by_number,
    failed,
    gone,
    rejected,
    sent,
    succeeded,
)

CREATE_ANEW = Retry(revision=2, round=1, replaces="id-of-PO-1001")


def answer_by(by: Person, facts: CommitmentFacts, answer: Retry) -> AnswerResult:
    return carry_out(facts, answer, AnswerContext(by, CHICAGO, NOW), snapshot=A)


def granted(facts: CommitmentFacts, answer: Retry = CREATE_ANEW) -> Granted:
    result = answer_by(DANA, facts, answer)
    assert isinstance(result, Granted)
    return result


def test_an_order_names_the_document_that_it_replaces() -> None:
    decided = granted(after(*GONE)).decided

    order = decided.publish[0].data
    assert isinstance(order, DecisionAccepted)
    assert (order.revision, order.round, order.replaces) == (2, 2, document())
    (line,) = (row for row in decided.rows if isinstance(row, HistoryEntry))
    assert line.text == "Dana Ruiz ordered to create it anew, since PO-1001 is gone."


def test_the_commitment_has_no_document_until_there_is_a_new_one() -> None:
    before = after(*GONE)
    decided = granted(before).decided

    (status,) = (event.data for event in decided.publish if isinstance(event.data, CommitmentStatus))
    assert (before.document, bool(locked_fields(before))) == (document(), True)
    assert (status.status, status.erp_document, status.locked_fields) == (Status.EXPORTING, None, ())
    assert connection_name(decided.state) == "quickbooks"
    new = after(succeeded(2, 2, "PO-1002"), known=decided.state)
    assert (new.document, len(new.erp_ids)) == (document("PO-1002"), 1)


def test_a_replaced_document_that_was_there_after_all_is_the_commitments_again() -> None:
    facts = after(succeeded(2, 2), known=granted(after(*GONE)).decided.state)

    assert (facts.document, len(facts.erp_ids)) == (document(), 1)


def test_a_document_that_was_known_by_its_number_as_well_is_replaced_under_both_names() -> None:
    facts = after(*GONE, confirmed(1))
    replaced = granted(facts).decided.state
    by_number = after(*GONE, accepted(2, 2, replaces=document_by_number()), succeeded(2, 2, "PO-1002"))

    assert (len(facts.documents), replaced.standing) == (2, frozenset())
    assert by_number.document == document("PO-1002")


def test_a_rejection_and_a_new_revision_lead_to_the_same_step() -> None:
    facts = after(*GONE, rejected(2, 1), sent(3), accepted(3), gone(3))

    assert isinstance(answer_by(DANA, facts, CREATE_ANEW), Conflict)
    granted(facts, Retry(revision=3, round=1, replaces="id-of-PO-1001"))


def test_a_retry_without_a_word_gives_nothing_up() -> None:
    facts = granted(after(*GONE), Retry(revision=2, round=1)).decided.state

    assert facts.document == document()


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param(after(sent(), accepted(), succeeded(), sent(2), accepted(2), failed(2)), id="failed otherwise"),
        pytest.param(after(sent(2), accepted(2), gone(2, number="PO-9")), id="another document is gone"),
    ],
)
def test_nothing_else_can_be_created_anew(facts: CommitmentFacts) -> None:
    result = answer_by(DANA, facts, CREATE_ANEW)

    assert isinstance(result, Conflict)
    assert result.explanation == (
        "SC-014 cannot be created anew: its export did not fail for want of id-of-PO-1001. "
        "Your answer was not recorded."
    )


def test_the_same_answer_again_is_granted_but_not_in_place_of_another_one() -> None:
    retried, created = (
        granted(after(*GONE), answer).decided.state for answer in (Retry(revision=2, round=1), CREATE_ANEW)
    )

    assert isinstance(answer_by(DANA, created, CREATE_ANEW), AlreadyGranted)
    assert isinstance(answer_by(KIM, created, CREATE_ANEW), Conflict)
    assert isinstance(answer_by(DANA, retried, CREATE_ANEW), Conflict)
    assert isinstance(answer_by(DANA, created, Retry(revision=2, round=1)), Conflict)


def test_a_replaced_document_stays_replaced_whatever_fails_next() -> None:
    replaced = granted(after(*GONE)).decided.state

    facts = after(failed(2, 2), rejected(2, 2), sent(3), known=replaced)

    current = current_status(facts)
    assert current is not None
    assert (current.status, facts.document, locked_fields(facts)) == (Status.READY, None, ())
