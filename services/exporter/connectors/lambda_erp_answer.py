"""Reads the orders in what Lambda ERP answers."""

from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

import httpx2
from pydantic import Field, TypeAdapter, ValidationError

from schemas.fields import Code, ErpId, Text
from services.exporter.connectors.http_body import json_of
from services.exporter.connectors.http_document import Body, Lenient
from services.exporter.connectors.lambda_erp_order import SOURCE, own_reference
from services.exporter.connectors.types import (
    ErpCopy,
    ErpLine,
    FoundDocument,
    UnreadableDocument,
)

_SUBMITTED = "1"
_CANCELLED = "2"


class Item(Body):
    """A line of an order."""

    description: Lenient[Text] = None
    amount: Lenient[str] = None
    position: Annotated[Lenient[int], Field(alias="external_line_reference")] = None


class Order(Body):
    """A purchase order as the ERP shows it; in lists it has no items."""

    name: Lenient[ErpId] = None
    source: Annotated[Lenient[Code], Field(alias="external_source")] = None
    reference: Annotated[Lenient[Code], Field(alias="external_reference")] = None
    remarks: Lenient[str] = None
    status: Annotated[Lenient[str], Field(alias="docstatus")] = None
    discarded: Lenient[str] = None
    currency: Lenient[Code] = None
    total: Annotated[Lenient[str], Field(alias="grand_total")] = None
    items: tuple[Item, ...] | None = None

    @property
    def is_ours(self) -> bool:
        """Whether the order came from us, so that its reference is taken for good."""
        return self.source == SOURCE

    @property
    def marker(self) -> str | None:
        """The first line of the remarks, where we write the marker."""
        return (self.remarks or "").partition("\n")[0].strip() or None

    @property
    def is_dead(self) -> bool:
        """Whether the order was cancelled or discarded, which nobody can undo."""
        return self.status == _CANCELLED or self.discarded not in (None, "0")

    @property
    def is_submitted(self) -> bool:
        """Whether accounting has made the order final."""
        return self.status == _SUBMITTED

    def found(self) -> FoundDocument | UnreadableDocument:
        """Return the order as a document."""
        if self.name is None:
            return UnreadableDocument()
        return FoundDocument(self.name, self.name, marker=self.marker)

    def copy_of(self, document: FoundDocument) -> ErpCopy:
        """Return what the ERP has in this order."""
        lines = tuple(
            ErpLine(amount, item.position, item.description)
            for item in self.items or ()
            if (amount := _decimal(item.amount)) is not None
        )
        is_whole = self.items is not None and len(lines) == len(self.items)
        reference = self.reference and own_reference(self.reference)
        return ErpCopy(document, reference, _decimal(self.total), self.currency, lines if is_whole else None)


_ORDERS: TypeAdapter[tuple[Order, ...]] = TypeAdapter(tuple[Order, ...])


def order_in(response: httpx2.Response) -> Order | None:
    """Return the order that a successful answer shows; None if it shows none."""
    try:
        order = Order.model_validate(json_of(response))
    except ValidationError:
        return None
    return order if order.name else None


def _rows_in(response: httpx2.Response) -> list[Any] | None:
    """Return the rows of a list; None if the answer is none."""
    body = json_of(response) if response.is_success else None
    rows = body.get("rows") if isinstance(body, dict) else None
    return rows if isinstance(rows, list) else None


def orders_in(response: httpx2.Response) -> tuple[Order, ...] | None:
    """Return the listed orders; None if the answer is no list of orders."""
    try:
        return _ORDERS.validate_python(_rows_in(response))
    except ValidationError:
        return None


def codes_in(response: httpx2.Response) -> list[str] | None:
    """Return the codes of the listed suppliers or companies; None if the answer is no list of them."""
    rows = _rows_in(response)
    codes = [row.get("name") if isinstance(row, dict) else None for row in rows or ()]
    known = [code for code in codes if isinstance(code, str)]
    return None if rows is None or len(known) < len(codes) else known


def _decimal(text: str | None) -> Decimal | None:
    try:
        number = Decimal(text or "")
    except InvalidOperation:
        return None
    return number if number.is_finite() else None
