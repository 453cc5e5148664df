"""What an approver asks for when accepting is checked against what the ERP takes."""

from datetime import UTC, date, datetime, timedelta

import pytest

from schemas.events import LimitsProfile
from schemas.examples.cast import DANA
from services.approval.rules.answers import Accept, AlreadyGranted, Conflict, Granted, Unacceptable
from services.approval.rules.checks import Finding
from services.approval.rules.commands import AnswerContext, carry_out
from services.approval.rules.terms import WrongTerm, wrong_terms
from tests.unit.approval.rules.event_builders import CHICAGO, EXPORTING, NOW, A, after, sent

TODAY = date(2026, 11, 22)
LIMITS = LimitsProfile(number_characters=11)


def wrong(limits: LimitsProfile | None = LIMITS, **asked: object) -> list[tuple[str, str]]:
    found = wrong_terms(limits, "QuickBooks", TODAY, **asked)  # type: ignore[arg-type]
    return [(each.member, each.text) for each in found]


@pytest.mark.parametrize("limits", [LIMITS, None])
def test_a_slip_of_the_year_is_refused_with_the_days_that_are_taken(limits: LimitsProfile | None) -> None:
    assert wrong(limits, accounting_date=date(26, 11, 22)) == [
        ("accounting_date", "QuickBooks takes accounting dates from 2025-11-21 to 2027-11-23, not 0026-11-22")
    ]


@pytest.mark.parametrize(("days", "is_taken"), [(-367, False), (-366, True), (0, True), (366, True), (367, False)])
def test_dates_are_taken_up_to_a_year_from_today(days: int, *, is_taken: bool) -> None:
    assert (wrong(accounting_date=TODAY + timedelta(days=days)) == []) == is_taken


@pytest.mark.parametrize("day", [date.min, date.max])
def test_the_first_and_the_last_of_all_days_are_refused(day: date) -> None:
    assert wrong(LimitsProfile(accounting_days_back=36_600, accounting_days_ahead=36_600), accounting_date=day)


def test_a_connection_has_bounds_of_its_own() -> None:
    limits = LimitsProfile(accounting_days_back=40, accounting_days_ahead=0, accounting_date_from=date(2026, 11, 1))

    for day, is_taken in ((1, True), (22, True), (23, False)):
        assert (wrong(limits, accounting_date=date(2026, 11, day)) == []) == is_taken
    assert wrong(limits, accounting_date=date(2026, 10, 31)) == [
        ("accounting_date", "QuickBooks takes accounting dates from 2026-11-01 to 2026-11-22, not 2026-10-31")
    ]


@pytest.mark.parametrize("today", [date.min, date.max])
def test_bounds_stay_within_the_calendar(today: date) -> None:
    first, last = LimitsProfile().accounting_dates(today)

    assert date.min <= first <= today <= last <= date.max


@pytest.mark.parametrize("code", ["PO-7", "4711", "Ä 1", "PO-77777777"])
def test_a_document_number_is_taken_as_it_is(code: str) -> None:
    assert wrong(erp_code=code) == []


@pytest.mark.parametrize(
    "code", ["", " ", "\t", "PO\n7", "PO\r7", "\x1b[31m", "PO\u202e7", "PO-7 ", " PO-7", "\u2028", "PO-777777777"]
)
def test_a_document_number_that_the_erp_could_not_keep_is_refused(code: str) -> None:
    assert [member for member, _ in wrong(erp_code=code)] == ["erp_code"]


def test_a_document_number_that_would_be_cut_is_refused_with_both_lengths() -> None:
    limits = LimitsProfile(number_characters=11, truncates_number=True)

    assert wrong(limits, erp_code="PO-777777777") == [
        ("erp_code", "QuickBooks takes 11 characters in the document number; PO-777777777 has 12")
    ]


def test_a_document_number_with_a_character_that_the_erp_forbids_is_refused() -> None:
    limits = LimitsProfile(forbidden_number_characters="/\\")

    assert wrong(limits, erp_code="PO-7") == []
    assert wrong(limits, erp_code="PO/7") == [("erp_code", "QuickBooks takes no / in the document number, as in PO/7")]


@pytest.mark.parametrize(
    ("note", "is_taken"), [("Two\nlines,\ta tab.", True), ("Bell \x07", False), ("\x1b[2J", False)]
)
def test_a_note_may_have_lines_but_no_control_characters(note: str, *, is_taken: bool) -> None:
    assert (wrong(note=note) == []) == is_taken


def test_everything_that_is_wrong_is_said_at_once() -> None:
    found = wrong(erp_code=" ", accounting_date=date(26, 1, 1), note="\x07")

    assert [member for member, _ in found] == ["erp_code", "accounting_date", "note"]


def test_an_answer_with_wrong_terms_is_refused_unless_it_comes_too_late_or_was_granted() -> None:
    answer, terms = Accept(revision=1, content_hash=A.content_hash), (WrongTerm("accounting_date", "No such day"),)
    context = AnswerContext(DANA, CHICAGO, NOW)
    blocking = Finding("total", "The total is wrong.")

    refused = carry_out(after(sent()), answer, context, snapshot=A, findings=(blocking,), wrong_terms=terms)

    assert isinstance(refused, Unacceptable)
    assert refused.problems == terms
    assert isinstance(carry_out(after(sent()), answer, context, snapshot=A), Granted)
    again = carry_out(after(*EXPORTING), answer, context, snapshot=A, wrong_terms=terms)
    assert isinstance(again, AlreadyGranted)
    late = carry_out(after(sent(), sent(2)), answer, context, snapshot=A, wrong_terms=terms)
    assert isinstance(late, Conflict)


def test_today_is_the_approvers_day() -> None:
    late_in_chicago = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)

    assert AnswerContext(DANA, CHICAGO, late_in_chicago).today == date(2026, 11, 22)
