"""The records of Tryton that the connector reads, with the fields of them that it needs."""

from collections.abc import Iterator
from decimal import Decimal
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field


class Row(BaseModel):
    """A record of the model MODEL; its fields are named as Tryton names them."""

    MODEL: ClassVar[str]
    RELATED: ClassVar[tuple[str, ...]] = ()
    """Fields of related records, such as currency.code; they arrive in a member of their own, `currency.`."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True, populate_by_name=True)

    id: int

    @classmethod
    def fields(cls) -> Iterator[str]:
        """Yield the names of the fields to read."""
        yield from (name for name, each in cls.model_fields.items() if not each.alias)
        yield from cls.RELATED


class CurrencyCode(BaseModel):
    """The code of a currency."""

    model_config = ConfigDict(frozen=True)
    code: str


class UnitCategory(BaseModel):
    """The kind of a unit, such as volume; a line takes units of its product's kind only."""

    model_config = ConfigDict(frozen=True)
    category: int
    symbol: str


class CompanyRow(Row):
    """A company that keeps books."""

    MODEL = "company.company"
    RELATED = ("currency.code",)

    rec_name: str
    currency: CurrencyCode = Field(alias="currency.")


class PartyRow(Row):
    """A party: a supplier, where it is a vendor of ours."""

    MODEL = "party.party"

    name: str | None = None
    code: str
    active: bool = True
    addresses: tuple[int, ...] = ()
    supplier_payment_term: int | None = None


class CurrencyRow(Row):
    """A currency; amounts are multiples of `rounding`."""

    MODEL = "currency.currency"

    code: str
    active: bool = True
    rounding: Decimal | None = None


class ProductRow(Row):
    """A product."""

    MODEL = "product.product"
    RELATED = ("purchase_uom.category", "purchase_uom.symbol")

    code: str
    active: bool = True
    purchasable: bool = False
    purchase_unit: UnitCategory | None = Field(default=None, alias="purchase_uom.")


class UnitRow(Row):
    """A unit of measure."""

    MODEL = "product.uom"

    name: str
    symbol: str
    active: bool = True
    category: int
    digits: int


class TaxRow(Row):
    """A tax."""

    MODEL = "account.tax"

    name: str
    active: bool = True


class TermRow(Row):
    """A payment term."""

    MODEL = "account.invoice.payment_term"

    name: str
    active: bool = True


class PurchaseRow(Row):
    """The head of a purchase; `timestamp` changes with every change of it."""

    MODEL = "purchase.purchase"
    RELATED = ("_timestamp",)

    number: str | None = None
    reference: str | None = None
    comment: str | None = None
    state: str
    lines: tuple[int, ...] = ()
    timestamp: str | None = Field(default=None, alias="_timestamp")


class PurchaseAmountRow(Row):
    """The amount of a purchase, without taxes."""

    MODEL = "purchase.purchase"
    RELATED = ("currency.code",)

    untaxed_amount: Decimal | None = None
    currency: CurrencyCode = Field(alias="currency.")


class LineRow(Row):
    """A line of a purchase; `sequence` is the position that we gave it."""

    MODEL = "purchase.line"

    sequence: int | None = None
    amount: Decimal | None = None
    description: str | None = None
