"""Formats amounts and enumerations, the same way on pages and in mails."""

from collections.abc import Iterable
from decimal import Decimal

from babel.numbers import format_currency, get_currency_precision

LOCALE = "en_US"
_MAX_DECIMALS = 6


def money(amount: str | Decimal, currency: str) -> str:
    """`amount` with its currency, never rounded: the currency's number of decimals, or more if the amount has more."""
    digits = get_currency_precision(currency)
    decimals = "0" * digits + "#" * (_MAX_DECIMALS - digits)
    pattern = f"¤¤ #,##0.{decimals};¤¤ -#,##0.{decimals}"
    return format_currency(Decimal(amount), currency, format=pattern, currency_digits=False, locale=LOCALE)


def enumeration(parts: Iterable[str]) -> str:
    """`parts` in one phrase: "a, b and c"."""
    *head, last = parts
    return f"{', '.join(head)} and {last}" if head else last
