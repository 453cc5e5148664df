"""Fills an empty Tryton with a company that buys: parties, products for cost codes, units, and the connector's user."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sandbox.tryton.rpc import TrytonRpc
from schemas.examples.cast import ACME, IRONLINE

COMPANY_NAME = "Harbor Builders"
CONNECTOR_USER = "countersign"
CURRENCIES = (("USD", "US Dollar", "$"), ("EUR", "Euro", "€"))
COST_CODES = {
    "03-100": ("Formwork", "ft²"),
    "03-200": ("Reinforcing steel", "t"),
    "03-300": ("Cast-in-place concrete", "m³"),
    "03-310": ("Structural concrete", "m³"),
    "03-350": ("Slab finishing", "ft²"),
    "03-390": ("Curing and winter protection", "u"),
    "05-050": ("Bolts", "u"),
    "05-120": ("Structural steel", "t"),
    "01-650": ("Delivery", "u"),
}
"""What is bought under each cost code, and in which unit."""
UNITS = (("Weight", "Tonne", "t", 1000.0, 3), ("Volume", "Cubic yard", "cy", 0.764554858, 2))
"""Units that Tryton does not come with: kind, name, symbol, size in the kind's base unit, decimals."""
UNIT_SYMBOLS = {"m3": "m³", "sf": "ft²", "ls": "u", "ea": "u"}
"""What the project's tool calls units that have other symbols here."""
DEFAULT_UNIT = "m³"
"""The unit of a line that has none, so that concrete, the first thing that people try, needs no more."""
SUPPLIERS = {"ACME": ACME.name, "IRON": IRONLINE.name}


@dataclass(frozen=True, slots=True)
class BookIds:
    """The ids of what tests look at or change."""

    company: int
    connector_user: int


def fill_books(rpc: TrytonRpc, connector_password: str) -> BookIds:
    """Create everything that a purchase needs, and a user with the rights to write purchases and no others."""
    for code, name, symbol in CURRENCIES:
        rpc.create("currency.currency", code=code, name=name, symbol=symbol, rounding=Decimal("0.01"), digits=2)
    company = _company(rpc)
    rpc.context["company"] = company
    for code, name in SUPPLIERS.items():
        rpc.create("party.party", code=code, name=name, addresses=[["create", [{"city": "Portland"}]]])
    for category, name, symbol, factor, digits in UNITS:
        _unit(rpc, category, name, symbol, factor, digits)
    for code, (name, unit) in COST_CODES.items():
        create_product(rpc, code, name, unit)
    _payment_term(rpc)
    return BookIds(company, _connector_user(rpc, company, connector_password))


def create_product(rpc: TrytonRpc, code: str, name: str, unit: str) -> int:
    """Create a service that can be bought, with `code` as its code, and return the product's id."""
    uom = rpc.id_of("product.uom", symbol=unit)
    template = rpc.create(
        "product.template",
        name=name,
        code=code,
        type="service",
        default_uom=uom,
        purchasable=True,
        purchase_uom=uom,
        products=[["create", [{}]]],
    )
    return rpc.id_of("product.product", template=template)


def _company(rpc: TrytonRpc) -> int:
    party = rpc.create("party.party", code="HARBOR", name=COMPANY_NAME, addresses=[["create", [{"city": "Portland"}]]])
    currency = rpc.id_of("currency.currency", code=CURRENCIES[0][0])
    company = rpc.create("company.company", party=party, currency=currency)
    admin = rpc.id_of("res.user", login="admin")
    rpc.call("res.user", "write", [admin], {"companies": [["add", [company]]], "company": company})
    return company


def _unit(rpc: TrytonRpc, category: str, name: str, symbol: str, factor: float, digits: int) -> None:
    size = {"factor": factor, "rate": round(1 / factor, 12), "rounding": 10.0**-digits, "digits": digits}
    rpc.create(
        "product.uom", category=rpc.id_of("product.uom.category", name=category), name=name, symbol=symbol, **size
    )


def _payment_term(rpc: TrytonRpc) -> None:
    line: dict[str, Any] = {"type": "remainder", "relativedeltas": [["create", [{"days": 30}]]]}
    rpc.create("account.invoice.payment_term", name="30 days", lines=[["create", [line]]])


def _connector_user(rpc: TrytonRpc, company: int, password: str) -> int:
    return rpc.create(
        "res.user",
        name="Countersign",
        login=CONNECTOR_USER,
        password=password,
        companies=[["add", [company]]],
        company=company,
        groups=[["add", [rpc.id_of("res.group", name="Purchase")]]],
    )
