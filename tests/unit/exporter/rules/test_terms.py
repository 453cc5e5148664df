"""What the approver asked for is checked once more before it is sent."""

from datetime import date, timedelta

import pytest

from schemas.commitment import Commitment
from schemas.events import LimitsProfile
from schemas.fields import FailureClass, Owner
from services.exporter.rules.export import Export
from services.exporter.rules.failures import failure_of
from services.exporter.rules.outcome import WrongTerms
from services.exporter.rules.terms import wrong_terms
from tests.unit.exporter.builders import NOW, accepted_event, commitment_json, exports_after

TODAY = NOW.date()
COMMITMENT = Commitment.model_validate(commitment_json())
SHORT = LimitsProfile(number_characters=6)


def export(**asked: object) -> Export:
    return exports_after(accepted_event(**asked)).by_revision[1]


@pytest.mark.parametrize("day", [date(26, 11, 22), TODAY - timedelta(days=368), TODAY + timedelta(days=368)])
def test_a_date_that_is_too_far_away_is_refused_in_words(day: date) -> None:
    refused = wrong_terms(export(accounting_date=day), COMMITMENT, LimitsProfile(), "Main books")

    assert refused == WrongTerms(
        "accounting_date",
        f"Main books takes accounting dates from 2025-11-20 to 2027-11-24; {day} is not one of them. "
        "Nothing was written.",
    )


@pytest.mark.parametrize("days", [-367, -366, 0, 366, 367])
def test_a_date_is_taken_up_to_a_day_beyond_its_bounds_since_days_differ_by_time_zone(days: int) -> None:
    day = TODAY + timedelta(days=days)

    assert wrong_terms(export(accounting_date=day), COMMITMENT, LimitsProfile(), "Main books") is None


def test_nothing_is_taken_before_the_books_open() -> None:
    limits = LimitsProfile(accounting_date_from=date(2026, 11, 1))

    assert wrong_terms(export(accounting_date=date(2026, 11, 1)), COMMITMENT, limits, "Main books") is None
    assert wrong_terms(export(accounting_date=date(2026, 10, 31)), COMMITMENT, limits, "Main books") is not None


@pytest.mark.parametrize(("code", "is_taken"), [("PO-777", True), ("PO-7777", False), ("P\n7", False), (None, True)])
def test_a_document_number_is_short_enough_and_readable(code: str | None, *, is_taken: bool) -> None:
    refused = wrong_terms(export(erp_code=code), COMMITMENT, SHORT, "Main books")

    assert (refused is None) == is_taken
    assert refused is None or refused.code == "erp_code"


def test_a_document_number_has_no_character_that_the_erp_forbids() -> None:
    limits = LimitsProfile(forbidden_number_characters="/")

    assert wrong_terms(export(erp_code="PO-7"), COMMITMENT, limits, "Main books") is None
    assert wrong_terms(export(erp_code="PO/7"), COMMITMENT, limits, "Main books") == WrongTerms(
        "erp_code", "Main books takes no / in the document number, as in PO/7. Nothing was written."
    )


def test_a_note_has_the_room_that_the_marker_leaves_in_the_memo() -> None:
    limits = LimitsProfile(memo_characters=len("c-1/1/") + 64 + 6)

    assert wrong_terms(export(note="short"), COMMITMENT, limits, "Main books") is None
    refused = wrong_terms(export(note="longer"), COMMITMENT, limits, "Main books")
    assert refused is not None
    assert (refused.code, refused.owner) == ("note", Owner.APPROVER)


def test_a_note_has_less_room_behind_the_marker_of_what_is_exported_again() -> None:
    again = exports_after(accepted_event(round=2, reopened=1, note="short")).by_revision[1]
    just_enough = LimitsProfile(memo_characters=len(again.marker) + 1 + len("short"))
    too_few = LimitsProfile(memo_characters=len(again.marker) + len("short"))

    assert wrong_terms(again, COMMITMENT, just_enough, "Main books") is None
    refused = wrong_terms(again, COMMITMENT, too_few, "Main books")
    assert refused is not None
    assert refused.code == "note"


def test_a_commitment_that_breaks_limits_is_the_project_managers_to_correct() -> None:
    limits = LimitsProfile(number_characters=6, title_characters=5, needs_cost_type=True)

    refused = wrong_terms(export(), COMMITMENT, limits, "Main books")

    assert refused is not None
    failure = failure_of(refused, is_in_erp=True)
    assert (failure.failure_class, failure.code, failure.owner, failure.in_erp) == (
        FailureClass.FIX_DATA,
        "limits",
        Owner.PROJECT_MANAGER,
        True,
    )
    assert failure.message == (
        "Main books takes 5 characters in the title; that of SC-014 (Concrete, level 2) has 17. "
        "Main books takes no line without a cost type; SC-014 has none in line 1. Nothing was written."
    )
    assert failure.remedy == "shorten the title and give every line a cost type"
    assert failure.next_step == (
        "An approver rejects it with this message; the project has to shorten the title and give every line a "
        "cost type, and re-send it."
    )


def test_limits_beyond_three_are_counted() -> None:
    limits = LimitsProfile(number_characters=1, title_characters=1, vendor_name_characters=1, job_code_characters=1)

    refused = wrong_terms(export(), COMMITMENT, limits, "Main books")

    assert refused is not None
    assert refused.message.endswith(" has 15. One more limit is broken. Nothing was written.")


@pytest.mark.parametrize(
    "limits",
    [
        LimitsProfile(number_characters=3, truncates_number=True),
        LimitsProfile(title_characters=3, truncates_title=True),
    ],
)
def test_what_the_erp_cuts_in_silence_was_accepted_so(limits: LimitsProfile) -> None:
    assert wrong_terms(export(), COMMITMENT, limits, "Main books") is None
