"""Checks amounts: the total against the lines, each line against itself, and both against the currency."""

from collections.abc import Iterator
from decimal import Decimal

from schemas.commitment import Commitment, Line
from schemas.events import ErpConnection
from services.approval.rules.finding import Finding
from services.pipeline.formats import EXACT, decimals_of, enumeration, money

MAX_NAMED_LINES = 3


def amount_findings(commitment: Commitment, erp: ErpConnection | None) -> Iterator[Finding]:
    """What is odd about the amounts; `erp` says which rounding difference its company lets an approver accept."""
    yield from _total(commitment, erp)
    yield from _fractions(commitment)
    yield from _products(commitment)


def line_sum(commitment: Commitment) -> Decimal:
    """The sum of the lines' amounts, in the commitment's currency."""
    return sum((Decimal(line.amount) for line in commitment.lines), Decimal(0))


def excess_over_lines(commitment: Commitment) -> Decimal:
    """By how much the stated total exceeds the lines."""
    return Decimal(commitment.total) - line_sum(commitment)


def accepted_rounding(commitment: Commitment, erp: ErpConnection | None) -> Decimal:
    """By how much the total differs from the lines if an approver may accept that as rounding; otherwise 0."""
    excess = excess_over_lines(commitment)
    limit = (erp.limits.rounding_minor_units or 0) * minor_unit(commitment.currency) if erp else Decimal(0)
    return excess if abs(excess) <= limit else Decimal(0)


def minor_unit(currency: str) -> Decimal:
    """The smallest amount of `currency` (ISO 4217): 0.01 USD, 1 JPY."""
    return Decimal(1).scaleb(-decimals_of(currency))


def _total(commitment: Commitment, erp: ErpConnection | None) -> Iterator[Finding]:
    excess = excess_over_lines(commitment)
    if not excess:
        return
    amount, number = money(abs(excess), commitment.currency), commitment.number
    comparison = "more" if excess > 0 else "less"
    if accepted_rounding(commitment, erp):
        text = f"The total of {number} is {amount} {comparison} than its lines. Accepting it accepts this rounding."
        yield Finding("total", text, is_blocking=False)
        return
    missing = "tax, freight and other charges" if excess > 0 else "discounts and credits"
    text = f"{number} cannot be accepted: its total is {amount} {comparison} than its lines. "
    yield Finding("total", f"{text}If it includes {missing}, they have to be lines of their own.")


def _fractions(commitment: Commitment) -> Iterator[Finding]:
    """Amounts that nobody can book: the ERP would round them, and the document would not be what was accepted."""
    unit = minor_unit(commitment.currency)
    odd = [f"line {line.position}" for line in commitment.lines if Decimal(line.amount) % unit]
    if Decimal(commitment.total) % unit:
        odd.insert(0, "its total")
    if odd:
        smallest = money(unit, commitment.currency)
        has = "has" if len(odd) == 1 else "have"
        text = f"the smallest amount of {commitment.currency} is {smallest}, but {_named(odd)} {has} a fraction of it."
        yield Finding("fraction", f"{commitment.number} cannot be accepted: {text}")


def _products(commitment: Commitment) -> Iterator[Finding]:
    odd = [line for line in commitment.lines if abs(_deviation(line)) >= minor_unit(commitment.currency)]
    if odd:
        differences = [_difference(line, commitment.currency) for line in odd[:MAX_NAMED_LINES]]
        more = f" {len(odd) - MAX_NAMED_LINES} more lines differ." if len(odd) > MAX_NAMED_LINES else ""
        yield Finding("line amounts", f"{' '.join(differences)}{more}", is_blocking=False)


def _deviation(line: Line) -> Decimal:
    """By how much the amount exceeds quantity times unit cost; a line without either is a lump sum."""
    quantity, unit_cost = Decimal(line.quantity), Decimal(line.unit_cost)
    is_lump_sum = not (quantity or unit_cost)
    return Decimal(0) if is_lump_sum else EXACT.subtract(Decimal(line.amount), EXACT.multiply(quantity, unit_cost))


def _difference(line: Line, currency: str) -> str:
    deviation = _deviation(line)
    product = EXACT.multiply(Decimal(line.quantity), Decimal(line.unit_cost))
    comparison = "more" if deviation > 0 else "less"
    return (
        f"Line {line.position}: its amount is {money(deviation.copy_abs(), currency)} {comparison} than "
        f"quantity times unit cost, {money(product, currency)}."
    )


def _named(names: list[str]) -> str:
    """The first names in one phrase."""
    shown = names if len(names) <= MAX_NAMED_LINES + 1 else [*names[:MAX_NAMED_LINES], "others"]
    return enumeration(shown)
