"""What is asked of the ERP with an order is checked each time, and can be given anew."""

from datetime import date
from typing import Any

import pytest

from schemas.events import DecisionAccepted, ErpConnection, LimitsProfile
from schemas.examples.cast import DANA
from services.approval.rules.answers import (
    Accept,
    AlreadyGranted,
    AnswerResult,
    Blocked,
    Conflict,
    ExportAgain,
    Granted,
    Retry,
    Settle,
    Unacceptable,
)
from services.approval.rules.checks import findings_on_repeat
from services.approval.rules.commands import AnswerContext, carry_out
from services.approval.rules.commitment import CommitmentFacts
from services.approval.rules.finding import Finding
from services.approval.rules.orders import Repeat, wrong_terms_again
from services.approval.rules.terms import WrongTerm
from tests.unit.approval.rules.event_builders import CHICAGO, NOW, A, after, document, failed, in_doubt, sent, succeeded

ASKED: dict[str, Any] = {"erp_code": "4400", "accounting_date": date(2026, 11, 30), "note": "Call first."}
RETRY = Retry(revision=1, round=1)
SETTLE = Settle(revision=1, round=1, note="None there.")
AGAIN = ExportAgain(revision=1, reopened=0, document=document().id, note="Differs.")
CLOSED = WrongTerm("accounting_date", "QuickBooks takes no such day")


def answered(facts: CommitmentFacts, answer: Accept | Repeat, **checked: Any) -> AnswerResult:
    return carry_out(facts, answer, AnswerContext(DANA, CHICAGO, NOW), snapshot=A, **checked)


def accepted_facts() -> CommitmentFacts:
    result = answered(after(sent()), Accept(revision=1, content_hash=A.content_hash, **ASKED))
    assert isinstance(result, Granted)
    return result.decided.state


REPEATS = [
    pytest.param(after(failed(), known=accepted_facts()), RETRY, id="retry"),
    pytest.param(after(in_doubt(), known=accepted_facts()), SETTLE, id="settle as absent"),
    pytest.param(after(succeeded(), known=accepted_facts()), AGAIN, id="export again"),
]


def with_terms(answer: Repeat, **terms: Any) -> Repeat:
    return type(answer)(**answer.model_dump(exclude_unset=True), **terms)


def order_of(result: AnswerResult) -> DecisionAccepted:
    assert isinstance(result, Granted)
    order = result.decided.publish[0].data
    assert isinstance(order, DecisionAccepted)
    return order


def quickbooks(**limits: Any) -> ErpConnection:
    return ErpConnection(
        name="quickbooks",
        version=1,
        kind="http",
        title="QuickBooks",
        companies=("company-204",),
        limits=LimitsProfile(**limits),
    )


@pytest.mark.parametrize(("facts", "answer"), REPEATS)
def test_what_an_answer_leaves_out_stays_as_it_was_approved(facts: CommitmentFacts, answer: Repeat) -> None:
    order = order_of(answered(facts, answer))

    assert (order.erp_code, order.accounting_date, order.note) == tuple(ASKED.values())


@pytest.mark.parametrize(("facts", "answer"), REPEATS)
def test_what_an_answer_says_counts_and_null_is_nothing(facts: CommitmentFacts, answer: Repeat) -> None:
    answer = with_terms(answer, erp_code="4500", accounting_date=None, erp_note="Short.")
    order = order_of(answered(facts, answer))

    assert (order.erp_code, order.accounting_date, order.note) == ("4500", None, "Short.")


@pytest.mark.parametrize(("facts", "answer"), REPEATS)
def test_nothing_is_ordered_that_the_erp_no_longer_takes(facts: CommitmentFacts, answer: Repeat) -> None:
    blocking = Finding("title", "QuickBooks takes 31 characters.")

    assert isinstance(answered(facts, answer, wrong_terms=[CLOSED]), Unacceptable)
    assert isinstance(answered(facts, answer, findings=[blocking]), Blocked)


def test_what_has_been_answered_meanwhile_is_said_before_what_is_wrong_with_the_answer() -> None:
    assert isinstance(answered(accepted_facts(), RETRY, wrong_terms=[CLOSED]), Conflict)


@pytest.mark.parametrize(("facts", "answer"), REPEATS)
def test_the_same_answer_with_other_terms_is_another_one(facts: CommitmentFacts, answer: Repeat) -> None:
    ordered = answered(facts, with_terms(answer, erp_code="4500"))
    assert isinstance(ordered, Granted)

    assert isinstance(answered(ordered.decided.state, with_terms(answer, erp_code="4500")), AlreadyGranted)
    assert isinstance(answered(ordered.decided.state, with_terms(answer, erp_code="4600")), Conflict)


def test_accepting_with_other_terms_is_another_answer() -> None:
    accept = Accept(revision=1, content_hash=A.content_hash, **ASKED)

    assert isinstance(answered(accepted_facts(), accept), AlreadyGranted)
    assert isinstance(answered(accepted_facts(), accept.model_copy(update={"erp_code": "4500"})), Conflict)


@pytest.mark.parametrize(("facts", "answer"), REPEATS)
def test_approved_terms_are_checked_against_what_the_erp_takes_by_now(facts: CommitmentFacts, answer: Repeat) -> None:
    erp = quickbooks(accounting_date_from=date(2026, 12, 1), number_characters=3, memo_characters=90)

    wrong = wrong_terms_again(facts, answer, erp, NOW.date())

    assert [each.member for each in wrong] == ["erp_code", "accounting_date", "erp_note"]
    mended = with_terms(answer, erp_code=None, accounting_date=date(2026, 12, 1), erp_note="Call.")
    assert wrong_terms_again(facts, mended, erp, NOW.date()) == ()


def test_the_note_must_fit_behind_the_marker_of_what_is_exported_again() -> None:
    facts = after(succeeded(), known=accepted_facts())
    marker = len(f"{facts.id}/1/") + 64
    erp = quickbooks(memo_characters=marker + 1 + len("Call first."))

    (wrong,) = wrong_terms_again(facts, AGAIN, erp, NOW.date())

    assert wrong.member == "erp_note"
    assert wrong_terms_again(facts, RETRY, erp, NOW.date()) == ()


def test_a_commitment_that_breaks_a_limit_by_now_is_for_its_project_to_mend() -> None:
    (found,) = findings_on_repeat(A.commitment, quickbooks(title_characters=3))

    assert found.is_blocking
    assert found.text.endswith("and re-send it.")
    assert findings_on_repeat(A.commitment, quickbooks()) == findings_on_repeat(A.commitment, None) == ()
    assert findings_on_repeat(A.commitment, quickbooks(title_characters=3, truncates_title=True)) == ()
