"""What the approver asked for is checked once more before it is sent."""

from datetime import date, timedelta

import pytest

from schemas.events import LimitsProfile
from services.exporter.rules.export import Export
from services.exporter.rules.outcome import WrongTerms
from services.exporter.rules.terms import wrong_terms
from tests.unit.exporter.builders import NOW, accepted_event, exports_after

TODAY = NOW.date()
SHORT = LimitsProfile(number_characters=5)


def export(**asked: object) -> Export:
    return exports_after(accepted_event(**asked)).by_revision[1]


@pytest.mark.parametrize("day", [date(26, 11, 22), TODAY - timedelta(days=368), TODAY + timedelta(days=368)])
def test_a_date_that_is_too_far_away_is_refused_in_words(day: date) -> None:
    refused = wrong_terms(export(accounting_date=day), LimitsProfile(), "Main books")

    assert refused == WrongTerms(
        "accounting_date",
        f"Main books takes accounting dates from 2025-11-20 to 2027-11-24; {day} is not one of them. "
        "Nothing was written.",
    )


@pytest.mark.parametrize("days", [-367, -366, 0, 366, 367])
def test_a_date_is_taken_up_to_a_day_beyond_its_bounds_since_days_differ_by_time_zone(days: int) -> None:
    day = TODAY + timedelta(days=days)

    assert wrong_terms(export(accounting_date=day), LimitsProfile(), "Main books") is None


def test_nothing_is_taken_before_the_books_open() -> None:
    limits = LimitsProfile(accounting_date_from=date(2026, 11, 1))

    assert wrong_terms(export(accounting_date=date(2026, 11, 1)), limits, "Main books") is None
    assert wrong_terms(export(accounting_date=date(2026, 10, 31)), limits, "Main books") is not None


@pytest.mark.parametrize(("code", "is_taken"), [("PO-77", True), ("PO-777", False), ("P\n7", False), (None, True)])
def test_a_document_number_is_short_enough_and_readable(code: str | None, *, is_taken: bool) -> None:
    refused = wrong_terms(export(erp_code=code), SHORT, "Main books")

    assert (refused is None) == is_taken
    assert refused is None or refused.code == "erp_code"
