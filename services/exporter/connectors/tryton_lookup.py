"""Looks up in Tryton everything that a commitment names, all at once, before anything is written."""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from schemas.commitment import Commitment, Line
from services.exporter.connectors.tryton_rows import CurrencyRow, PartyRow, ProductRow, TaxRow, TermRow, UnitRow
from services.exporter.connectors.tryton_rpc import Domain, RowT, TrytonRpc
from services.exporter.connectors.tryton_settings import TrytonSettings


@dataclass(frozen=True, slots=True)
class Found:
    """What Tryton has under the names that a commitment and the settings use; the mapping decides what fits."""

    parties: tuple[PartyRow, ...] = ()
    currencies: tuple[CurrencyRow, ...] = ()
    products: tuple[ProductRow, ...] = ()
    units: tuple[UnitRow, ...] = ()
    taxes: tuple[TaxRow, ...] = ()
    terms: tuple[TermRow, ...] = ()


@dataclass(frozen=True, slots=True)
class Names:
    """The names under which Tryton knows the vendor and the codes of a commitment."""

    party: str | None
    currency: str
    products: frozenset[str]
    units: frozenset[str]
    taxes: frozenset[str]
    term: str | None


def names_of(commitment: Commitment, settings: TrytonSettings) -> Names:
    """Return what has to be looked up for `commitment`."""
    lines = commitment.lines
    products = {translated(line.cost_code, settings.products) for line in lines} | {settings.default_product}
    return Names(
        party=translated(commitment.vendor.erp_code, settings.vendors),
        currency=commitment.currency,
        products=frozenset(filter(None, products)) if settings.has_products else frozenset(),
        units=frozenset(filter(None, (unit_name(line, settings) for line in lines))),
        taxes=frozenset(filter(None, (translated(line.tax_code, settings.taxes) for line in lines))),
        term=settings.payment_term,
    )


def unit_name(line: Line, settings: TrytonSettings) -> str | None:
    """Return what the line's unit is called in Tryton; None if neither the line nor the settings have one."""
    return translated(line.unit, settings.units) or settings.default_unit


def translated(code: str | None, table: Mapping[str, str]) -> str | None:
    """Return what `code` is called in Tryton: the entry of the settings' table, or else the code itself."""
    return table.get(code, code) if code else None


def units_called(names: Collection[str]) -> Domain:
    """Return where units with these symbols or names are found."""
    return ["OR", ["symbol", "in", [*names]], ["name", "in", [*names]]]


def taxes_called(names: Collection[str], company: int) -> Domain:
    """Return where the company's own taxes with these names are found."""
    return [["name", "in", [*names]], ["company", "=", company], ["parent", "=", None]]


async def look_up(rpc: TrytonRpc, names: Names, company: int, deadline: float) -> Found:
    """Return what Tryton has under `names`; raises Stopped if it cannot be asked."""

    async def rows(row_type: type[RowT], domain: Domain, wanted: object) -> tuple[RowT, ...]:
        return await rpc.rows(row_type, domain, deadline, {"company": company}) if wanted else ()

    await rpc.sign_in(deadline)
    parties, currencies, products, units, taxes, terms = await asyncio.gather(
        rows(PartyRow, [["code", "=", names.party]], names.party),
        rows(CurrencyRow, [["code", "=", names.currency]], names.currency),
        rows(ProductRow, [["code", "in", [*names.products]]], names.products),
        rows(UnitRow, units_called(names.units), names.units),
        rows(TaxRow, taxes_called(names.taxes, company), names.taxes),
        rows(TermRow, [["name", "=", names.term]], names.term),
    )
    return Found(parties, currencies, products, units, taxes, terms)
