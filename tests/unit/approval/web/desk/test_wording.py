"""The formats of times, figures and names on the desk."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.commitment import Person, summarise
from schemas.examples.cast import ANA, CONCRETE_1, SAM
from services.approval.rules.times import moment
from services.approval.web.desk.wording import (
    figure,
    segment,
    totals,
    waited,
    who_is_mailed,
)

NOW = datetime(2026, 11, 22, 15, 0, tzinfo=UTC)


def test_a_figure_leaves_the_currency_to_the_heading() -> None:
    assert figure("480250.00", "USD") == "480,250.00"


@pytest.mark.parametrize(
    ("zone", "text"),
    [
        ("America/Chicago", "Nov 22, 2026, 09:00 CST"),
        ("Europe/Berlin", "Nov 22, 2026, 16:00 CET"),
        ("Asia/Kolkata", "Nov 22, 2026, 20:30 IST"),
        ("UTC", "Nov 22, 2026, 15:00 UTC"),
    ],
)
def test_a_moment_is_shown_in_a_time_zone(zone: str, text: str) -> None:
    assert moment(NOW, zone) == text


@pytest.mark.parametrize(
    ("span", "text"),
    [
        (timedelta(seconds=-5), "0 min"),
        (timedelta(minutes=59, seconds=59), "59 min"),
        (timedelta(hours=1), "1 h"),
        (timedelta(hours=23, minutes=59), "23 h"),
        (timedelta(days=1), "1 day"),
        (timedelta(days=1200), "1,200 days"),
    ],
)
def test_a_wait_is_shown_in_its_largest_unit(span: timedelta, text: str) -> None:
    assert waited(NOW - span, NOW) == text


def test_people_who_get_a_mail_are_named_once() -> None:
    assert who_is_mailed(summarise(CONCRETE_1, SAM)) == "Ana Gil and Sam Lee will get an email."
    assert who_is_mailed(summarise(CONCRETE_1, ANA)) == "Ana Gil will get an email."
    without = SAM.model_copy(update={"email": None})
    assert who_is_mailed(summarise(CONCRETE_1, without)) == (
        "Ana Gil will get an email. Sam Lee has no mail address and must be told otherwise."
    )


def test_there_is_a_total_for_each_currency() -> None:
    person = Person(id="p", name="P", email="p@example.org")
    dollars, euros = summarise(CONCRETE_1, person), summarise(CONCRETE_1, person).model_copy(update={"currency": "EUR"})
    assert [each.replace("\N{NO-BREAK SPACE}", " ") for each in totals([dollars, euros, dollars])] == [
        "EUR 480,250.00",
        "USD 960,500.00",
    ]


@given(st.text(st.characters(codec="utf-8")))
def test_a_segment_contains_nothing_that_ends_it(text: str) -> None:
    assert not set(segment(text)) & set("/?#&\"'<> ")
