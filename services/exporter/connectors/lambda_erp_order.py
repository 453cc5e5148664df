"""The purchase order that a commitment becomes in Lambda ERP, or why it cannot become one."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import count
from typing import Any

from schemas.commitment import Commitment, Line
from services.exporter.connectors.types import WriteRequest

SOURCE = "countersign"
"""The ERP keeps references apart by their source, and takes each only once from one source."""

_SUCCESSOR = "~"


@dataclass(frozen=True, slots=True)
class Unfit:
    """Why the ERP could not hold a commitment as it was approved; `code` stands in the table of failures."""

    code: str
    value: str


def references(reference: str) -> Iterator[str]:
    """Yield the references under which the ERP may hold a commitment, in the order of use.

    The ERP never frees a reference: a document that replaces a cancelled one takes the next.
    """
    yield reference
    yield from (f"{reference}{_SUCCESSOR}{number}" for number in count(2))


def own_reference(reference: str) -> str:
    """The commitment's reference in that of one of its documents."""
    own, separator, number = reference.rpartition(_SUCCESSOR)
    return own if separator and number.isdigit() else reference


def unfit(request: WriteRequest) -> Unfit | None:
    """Return why the ERP would store something else than was approved; None if it would not."""
    commitment = request.commitment
    if request.erp_code and "/" in request.erp_code:
        return Unfit("number_with_slash", request.erp_code)
    for line in commitment.lines:
        if Decimal(line.amount) < 0:
            return Unfit("negative_line", str(line.position))
        if not _is_exact(line.amount):
            return Unfit("amount_precision", str(line.position))
    if commitment.lines and sum(Decimal(line.amount) for line in commitment.lines) != Decimal(commitment.total):
        return Unfit("total_differs", commitment.total)
    return None


def order_of(request: WriteRequest, company: str, supplier: str) -> dict[str, Any]:
    """Return the order as the ERP's API takes it, for a new one and for one that is replaced."""
    order: dict[str, Any] = {
        "company": company,
        "supplier": supplier,
        "currency": request.commitment.currency,
        "conversion_rate": None,  # looked up by the ERP, also when an update changes the currency
        "remarks": _remarks(request),
        "items": [_item(line, request.commitment) for line in request.commitment.lines],
        "taxes": [],  # absent, the ERP would add its company's usual tax to the approved total
    }
    if request.accounting_date:
        order["transaction_date"] = request.accounting_date.isoformat()
    return order


def identity_of(reference: str) -> dict[str, str]:
    """Return the fields by which the ERP knows an order as ours; once they are set, it lets nobody change them."""
    return {"external_source": SOURCE, "external_reference": reference}


def _remarks(request: WriteRequest) -> str:
    """Return the marker in a line of its own, then what people should know and the ERP has no field for."""
    commitment = request.commitment
    retainage = f"Retainage: {commitment.retainage_percent} %" if commitment.retainage_percent else None
    parts = (request.marker, f"{commitment.number} {commitment.title}", retainage, request.note, commitment.url)
    return "\n".join(part for part in parts if part)


def _item(line: Line, commitment: Commitment) -> dict[str, Any]:
    description = line.description or commitment.title
    quantity, rate = line.quantity, line.unit_cost
    if not _multiplies(line):
        quantity, rate = "1", line.amount
        description = f"{description} ({line.quantity} {line.unit or ''} at {line.unit_cost})".replace("  ", " ")
    return {
        "item_name": " ".join(filter(None, (line.cost_code, line.cost_type))) or None,
        "description": description,
        "qty": quantity,
        "uom": line.unit or None,
        "rate": rate,
        "external_line_reference": str(line.position),
    }


def _multiplies(line: Line) -> bool:
    """Whether the ERP, which counts in binary fractions, would come to the line's amount by itself."""
    quantity, rate = float(line.quantity), float(line.unit_cost)
    return quantity > 0 and rate >= 0 and round(rate * quantity, 2) == float(line.amount)


def _is_exact(amount: str) -> bool:
    """Whether the ERP keeps `amount` as it is: in two decimals, and in a binary fraction."""
    return Decimal(str(round(float(amount), 2))) == Decimal(amount)
