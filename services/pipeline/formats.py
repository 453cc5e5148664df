"""Formats amounts and enumerations, the same way on pages and in mails."""

from collections.abc import Iterable
from decimal import Context, Decimal, localcontext

from babel.numbers import format_currency, format_decimal

LOCALE = "en_US"
EXACT = Context(prec=60)
"""Keeps every digit of a sum or a product of two amounts; Python's default of 28 does not."""
_MAX_DECIMALS = 6
_USUAL_DECIMALS = 2
_CURRENCIES_BY_DECIMALS = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
"""Of the currencies that have another number of them (ISO 4217). CLDR's numbers are those that people use in shops, and
leave out the cents in which invoices in dinars or rials may be written."""
_THREE_DIGITS = 100
_COMPACT = ((Decimal(10) ** 9, "bn"), (Decimal(10) ** 6, "M"), (Decimal(1000), "k"))
_DECIMALS = {name: count for count, names in _CURRENCIES_BY_DECIMALS.items() for name in names.split()}


def decimals_of(currency: str) -> int:
    """How many decimals amounts in `currency` have."""
    return _DECIMALS.get(currency, _USUAL_DECIMALS)


def money(amount: str | Decimal, currency: str) -> str:
    """`amount` with its currency, never rounded: the currency's number of decimals, or more if the amount has more."""
    digits = decimals_of(currency)
    decimals = "0" * digits + "#" * (_MAX_DECIMALS - digits)
    pattern = f"¤¤ #,##0.{decimals};¤¤ -#,##0.{decimals}"
    with localcontext(EXACT):
        return format_currency(Decimal(amount), currency, format=pattern, currency_digits=False, locale=LOCALE)


def compact_money(amount: Decimal, currency: str) -> str:
    """`amount` as a person reads it at a glance, rounded: "USD 1.2 M", "EUR 90 k"; below 1,000 it is exact."""
    size, unit = next(((size, unit) for size, unit in _COMPACT if abs(amount) >= size), (None, ""))
    if size is None:
        return money(amount, currency)
    with localcontext(EXACT):
        shown = amount / size
    digits = "#,##0.#" if abs(shown) < _THREE_DIGITS else "#,##0"
    return f"{currency} {format_decimal(shown, format=digits, locale=LOCALE)} {unit}"


def quantity(amount: str | Decimal) -> str:
    """A quantity with thousands separators, never rounded."""
    return format_decimal(Decimal(amount), format="#,##0.######", locale=LOCALE)


def delta(before: Decimal, after: Decimal, currency: str = "") -> str:
    """By how much `after` is another amount than `before`, and in per cent if it is any: "-33.70 (-16.8 %)"."""
    with localcontext(EXACT):
        change = after - before
        share = change / before.copy_abs() * 100 if before else Decimal(0)
    sign = "\N{MINUS SIGN}" if change < 0 else "+"
    amount = money(change.copy_abs(), currency).removeprefix(currency).strip() if currency else quantity(abs(change))
    percent = f"{share.copy_abs():,.1f}"
    return f"{sign}{amount} ({sign}{percent} %)" if before and percent != "0.0" else f"{sign}{amount}"


def enumeration(parts: Iterable[str], conjunction: str = "and") -> str:
    """`parts` in one phrase: "a, b and c"."""
    *head, last = parts
    return f"{', '.join(head)} {conjunction} {last}" if head else last
