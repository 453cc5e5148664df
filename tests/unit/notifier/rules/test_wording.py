"""How amounts, spans of time and people's words read."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.notifier.rules.wording import days, first_name, lines_of, listed, moment, money, one_line
from tests.unit.notifier.occasions import NOW


@pytest.mark.parametrize(
    ("amount", "currency", "expected"),
    [
        ("480250.00", "USD", "USD 480,250.00"),
        ("480250", "USD", "USD 480,250.00"),
        ("480250.00", "JPY", "JPY 480,250"),
        ("1.5", "KWD", "KWD 1.500"),
        ("0.125", "USD", "USD 0.125"),
        ("-50", "EUR", "-EUR 50.00"),
        ("7", "ZZZ", "ZZZ 7.00"),
    ],
)
def test_money_shows_its_currency_and_every_digit_it_has(amount: str, currency: str, expected: str) -> None:
    assert money(amount, currency) == expected


@settings(deadline=None)  # the first amount loads the locale
@given(st.from_regex(r"-?[0-9]{1,15}(\.[0-9]{1,6})?", fullmatch=True), st.sampled_from(["USD", "JPY", "KWD"]))
def test_money_is_never_rounded(amount: str, currency: str) -> None:
    shown = money(amount, currency).replace(currency, "").replace(" ", "").replace(",", "")
    assert Decimal(shown) == Decimal(amount)


@given(st.text())
def test_one_line_is_one_line(text: str) -> None:
    line = one_line(text)
    assert len(line.splitlines()) <= 1
    assert line == " ".join(line.split())
    assert one_line(line) == line


@given(st.text(), st.integers(min_value=1, max_value=40))
def test_a_line_is_cut_at_its_limit(text: str, limit: int) -> None:
    assert len(one_line(text, limit)) <= limit


def test_controls_that_would_turn_the_reading_direction_are_dropped() -> None:
    assert one_line("invoice\u202efdp.exe") == "invoicefdp.exe"


def test_empty_lines_say_nothing() -> None:
    assert lines_of("Line 3 is closed.\r\n\r\n  Use   03-310.\n") == ("Line 3 is closed.", "Use 03-310.")


@pytest.mark.parametrize(("count", "expected"), [(0, "today"), (1, "1 day"), (1200, "1,200 days")])
def test_days_read_as_people_say_them(count: int, expected: str) -> None:
    assert days(count) == expected


def test_an_enumeration_ends_with_and() -> None:
    assert listed(["a"]) == "a"
    assert listed(["a", "b", "c"]) == "a, b and c"


def test_a_moment_is_told_on_the_readers_clock() -> None:
    assert moment(NOW, "America/Chicago") == "Sunday, November 22, 2026, 06:00 CST"


@pytest.mark.parametrize(("name", "expected"), [("Sam Lee", "Sam"), ("Lee, Sam", "Lee"), ("石", "石")])
def test_the_first_name_is_the_first_word(name: str, expected: str) -> None:
    assert first_name(name) == expected
