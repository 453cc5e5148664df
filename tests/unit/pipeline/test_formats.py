"""Formats of amounts and enumerations."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.pipeline.formats import enumeration, money, quantity


@pytest.mark.parametrize(
    ("amount", "currency", "expected"),
    [
        ("480250.00", "USD", "USD 480,250.00"),
        ("480250", "USD", "USD 480,250.00"),
        ("480250.00", "JPY", "JPY 480,250"),
        ("1.2345", "USD", "USD 1.2345"),
        ("1.5", "KWD", "KWD 1.500"),
        ("1.5", "BHD", "BHD 1.500"),
        ("0.125", "USD", "USD 0.125"),
        ("-50", "EUR", "EUR -50.00"),
        ("999999999999999.999999", "USD", "USD 999,999,999,999,999.999999"),
        ("7", "ZZZ", "ZZZ 7.00"),
        ("12.5", "RSD", "RSD 12.50"),
        ("12.5", "IQD", "IQD 12.500"),
        ("9" * 30 + ".999999", "USD", f"USD {','.join(['999'] * 10)}.999999"),
    ],
)
def test_money_shows_its_currency_and_all_digits(amount: str, currency: str, expected: str) -> None:
    assert money(amount, currency).replace("\N{NO-BREAK SPACE}", " ") == expected


@settings(deadline=None)  # the first amount loads the locale
@given(st.from_regex(r"-?[0-9]{1,15}(\.[0-9]{1,6})?", fullmatch=True), st.sampled_from(["USD", "JPY", "KWD"]))
def test_money_is_never_rounded(amount: str, currency: str) -> None:
    shown = money(amount, currency).replace(currency, "").replace(" ", "").replace(",", "")

    assert Decimal(shown) == Decimal(amount)


def test_an_enumeration_has_one_and_before_its_last_part() -> None:
    assert enumeration(["a"]) == "a"
    assert enumeration(["a", "b", "c"]) == "a, b and c"


@pytest.mark.parametrize(
    ("amount", "text"), [("1", "1"), ("18500", "18,500"), ("38.50", "38.5"), ("0.000001", "0.000001")]
)
def test_a_quantity_is_never_rounded(amount: str, text: str) -> None:
    assert quantity(amount) == text
