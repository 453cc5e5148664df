"""Numbers are read as people type them, and what is ambiguous is not guessed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.pipeline.typed_number import plain_number


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("1,200.50", "1200.50"),
        ("1,200,300", "1200300"),
        ("1 200.50", "1200.50"),
        ("1\u00a0200.50", "1200.50"),
        ("1\u202f200", "1200"),
        ("1'200.5", "1200.5"),
        ("1\u2019200.5", "1200.5"),
        (" 12 ", "12"),
        ("+3", "3"),
        ("-3.10", "-3.10"),
        ("\u22123", "-3"),
        ("- 3", "-3"),
        (".5", "0.5"),
        ("5.", "5"),
        ("480250.00", "480250.00"),
    ],
)
def test_separators_of_thousands_are_left_out(typed: str, read: str) -> None:
    assert plain_number(typed) == read


@pytest.mark.parametrize(
    "typed", ["", ".", "-", "12,5", "1,20.50", "1,2000", "1,200 300", "1.200,50", "1e3", "$5", "many", "\u0663"]
)
def test_what_may_mean_something_else_stays_as_it_is(typed: str) -> None:
    assert plain_number(typed) == typed


@given(st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**14), max_value=10**14))
def test_the_digits_stay_exact(number: object) -> None:
    assert plain_number(f"{number:,}") == str(number) == plain_number(str(number))


def test_what_is_no_text_is_left_to_the_field() -> None:
    assert plain_number(12) == 12
