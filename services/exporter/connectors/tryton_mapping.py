"""Decides which of Tryton's records a commitment means; what is missing or does not fit becomes a sentence."""

from dataclasses import dataclass, replace
from decimal import ROUND_HALF_EVEN, Decimal
from typing import TypeVar

from schemas.commitment import Commitment, Line
from services.exporter.connectors.problem import Problem
from services.exporter.connectors.tryton_lookup import Found, translated, unit_name
from services.exporter.connectors.tryton_rows import CurrencyRow, PartyRow, ProductRow, TaxRow, TermRow, UnitRow
from services.exporter.connectors.tryton_settings import TrytonSettings

MAX_QUANTITY_DIGITS = 15
"""Tryton keeps quantities in binary; these many digits survive that."""

_CENT = Decimal("0.01")

RowT = TypeVar("RowT", PartyRow, CurrencyRow, ProductRow, UnitRow, TaxRow, TermRow)


@dataclass(frozen=True, slots=True)
class MappedLine:
    """A line with the ids of what it names in Tryton."""

    line: Line
    product: int | None
    unit: int | None
    taxes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Mapped:
    """A commitment with the ids of what it names in Tryton."""

    party: PartyRow
    currency: int
    payment_term: int | None
    lines: tuple[MappedLine, ...]


def mapped(commitment: Commitment, settings: TrytonSettings, found: Found) -> Mapped | tuple[Problem, ...]:
    """Return the ids for every name in `commitment`, or all problems, of which the head's come first."""
    party = _party(commitment, settings, found)
    currency = _one("currency", commitment.currency, found.currencies)
    term = _one("payment_term", settings.payment_term, found.terms) if settings.payment_term else None
    lines = [_line(line, settings, found, currency) for line in commitment.lines]
    problems = [each for each in (party, currency, term, *lines) if isinstance(each, Problem)]
    if problems or isinstance(party, Problem) or isinstance(currency, Problem):
        return tuple(problems)
    return Mapped(
        party=party,
        currency=currency.id,
        payment_term=term.id if isinstance(term, TermRow) else party.supplier_payment_term,
        lines=tuple(each for each in lines if isinstance(each, MappedLine)),
    )


def _party(commitment: Commitment, settings: TrytonSettings, found: Found) -> PartyRow | Problem:
    vendor = commitment.vendor
    code = translated(vendor.erp_code, settings.vendors)
    if code is None:
        return _problem("vendor_unlinked", vendor=vendor.name)
    party = _one("party", code, found.parties)
    if isinstance(party, Problem):
        return _problem(party.code, vendor=vendor.name, value=code)
    return party


def _one(what: str, value: str, found: tuple[RowT, ...]) -> RowT | Problem:
    """Return the one active record of `found`."""
    active = [each for each in found if each.active]
    if len(active) == 1:
        return active[0]
    state = "ambiguous" if active else "inactive" if found else "missing"
    return _problem(f"{what}_{state}", value=value)


def _line(line: Line, settings: TrytonSettings, found: Found, currency: CurrencyRow | Problem) -> MappedLine | Problem:
    product = _product(line, settings, found) if settings.has_products else None
    if isinstance(product, Problem):
        return _on(line, product)
    unit = _unit(line, settings, found, product)
    if isinstance(unit, Problem):
        return _on(line, unit if line.unit else _of_default(unit))
    taxes = _taxes(line, settings, found)
    if isinstance(taxes, Problem):
        return _on(line, taxes)
    if differing := _amount_problem(line, settings, currency):
        return _on(line, differing)
    return MappedLine(line, product.id if product else None, unit.id if unit else None, taxes)


def _product(line: Line, settings: TrytonSettings, found: Found) -> ProductRow | Problem:
    """Return the product of the line's cost code, or else the default one."""
    code = translated(line.cost_code, settings.products)
    own = tuple(each for each in found.products if each.code == code)
    if not own and settings.default_product:
        code = settings.default_product
        own = tuple(each for each in found.products if each.code == code)
    if code is None:
        return _problem("cost_code_absent")
    product = _one("product", code, own)
    if isinstance(product, Problem):
        return _problem(product.code, cost_code=line.cost_code or "", value=code)
    return product if product.purchasable else _problem("product_not_bought", value=code)


def _unit(line: Line, settings: TrytonSettings, found: Found, product: ProductRow | None) -> UnitRow | Problem | None:
    """Return the line's unit, of the kind in which the product is bought; without one in the line, there is none."""
    name = unit_name(line, settings)
    if name is None:
        return None if product is None else _problem("unit_absent", value=product.code)
    by_symbol = tuple(each for each in found.units if each.symbol == name)
    bought_in = product.purchase_unit if product else None
    candidates = by_symbol or tuple(each for each in found.units if each.name == name)
    fitting = tuple(each for each in candidates if bought_in is None or each.category == bought_in.category)
    if candidates and not fitting and product and bought_in:
        return _problem("unit_of_other_kind", value=name, product=product.code, bought_in=bought_in.symbol)
    unit = _one("unit", name, fitting)
    if isinstance(unit, Problem):
        return unit
    return _quantity_problem(line, unit) or unit


def _of_default(problem: Problem) -> Problem:
    """Return `problem` with the unit that the settings give to a line without one: nobody has typed that unit."""
    is_of_unit = problem.code.startswith("unit_") and problem.code != "unit_absent"
    return replace(problem, code=f"default_{problem.code}") if is_of_unit else problem


def _quantity_problem(line: Line, unit: UnitRow) -> Problem | None:
    quantity = Decimal(line.quantity).normalize()
    if len(quantity.as_tuple().digits) > MAX_QUANTITY_DIGITS:
        return _problem("quantity_too_long", value=line.quantity)
    decimals = max(0, -int(quantity.as_tuple().exponent))
    if decimals > unit.digits:
        return _problem("quantity_too_precise", value=line.quantity, unit=unit.symbol, digits=str(unit.digits))
    return None


def _taxes(line: Line, settings: TrytonSettings, found: Found) -> tuple[int, ...] | Problem:
    name = translated(line.tax_code, settings.taxes)
    if name is None:
        return ()
    tax = _one("tax", name, tuple(each for each in found.taxes if each.name == name))
    return tax if isinstance(tax, Problem) else (tax.id,)


def _amount_problem(line: Line, settings: TrytonSettings, currency: CurrencyRow | Problem) -> Problem | None:
    """Tryton computes each amount itself, in the way that is done here; it must be the one that was approved."""
    rounding = currency.rounding if isinstance(currency, CurrencyRow) and currency.rounding else _CENT
    computed = Decimal(line.quantity) * Decimal(line.unit_cost)
    rounded = (computed / rounding).quantize(Decimal(1), ROUND_HALF_EVEN) * rounding
    if abs(rounded - Decimal(line.amount)) <= settings.rounding_tolerance:
        return None
    return _problem(
        "amount_differs", quantity=line.quantity, unit_cost=line.unit_cost, value=str(rounded), amount=line.amount
    )


def _problem(code: str, **values: str) -> Problem:
    return Problem(code, tuple(values.items()))


def _on(line: Line, problem: Problem) -> Problem:
    return replace(problem, values=(("line", str(line.position)), *problem.values))
