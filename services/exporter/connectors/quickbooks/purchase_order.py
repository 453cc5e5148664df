"""A purchase order as QuickBooks returns it: what of it is needed to know it again, to change it and to show it."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from pydantic import TypeAdapter

from schemas.fields import ErpId, valid_or_none
from services.exporter.connectors.quickbooks.marker import marker_in, reference_in
from services.exporter.connectors.quickbooks.reply import MessageSet, text_of
from services.exporter.connectors.types import ErpCopy, ErpLine, FoundDocument, UnreadableDocument

RETURNED = "PurchaseOrderRet"
_ID: TypeAdapter[str] = TypeAdapter(ErpId)
_LINE = "PurchaseOrderLineRet"
_KEPT_MEMBERS = ("ItemRef", "Desc", "Quantity", "UnitOfMeasure", "CustomerRef", "SalesTaxCodeRef")
"""Members of a line that a change leaves as they are if it does not name them."""


@dataclass(frozen=True, slots=True)
class ReturnedLine:
    """A line; `members` are those of its parts that a change would have to name."""

    id: str
    members: frozenset[str]
    amount: Decimal | None = None
    description: str | None = None
    received: Decimal | None = None


@dataclass(frozen=True, slots=True)
class PurchaseOrder:
    """An order; `id` is empty if the answer names none that can be used.

    `stated_lines` is None where the answer leaves the lines out, and `edit_sequence` is another one after every change.
    """

    id: str
    edit_sequence: str
    number: str | None
    memo: str | None
    total: Decimal | None
    stated_lines: tuple[ReturnedLine, ...] | None
    is_closed: bool

    @property
    def lines(self) -> tuple[ReturnedLine, ...]:
        """Its lines; none where the answer leaves them out."""
        return self.stated_lines or ()

    @property
    def is_whole(self) -> bool:
        """Whether the answer tells everything that a change needs."""
        return bool(self.edit_sequence) and self.stated_lines is not None

    @property
    def marker(self) -> str | None:
        """The marker of ours in its memo, of whichever commitment."""
        return marker_in(self.memo)

    def document(self, marker: str | None) -> FoundDocument:
        """Return it as a document that has `marker`; it must have an id."""
        return FoundDocument(self.id, self.number, None, marker)

    def listed(self, marker: str | None) -> FoundDocument | UnreadableDocument:
        """Return it as a document that has `marker`, or as one without an id that can be used."""
        return self.document(marker) if self.id else UnreadableDocument(self.number)

    def copy(self) -> ErpCopy:
        """Return what QuickBooks tells of it; it tells no currency that everybody would name alike."""
        lines = tuple(
            ErpLine(each.amount, position, each.description)
            for position, each in enumerate(self.lines, start=1)
            if each.amount is not None
        )
        return ErpCopy(
            self.document(self.marker),
            reference=reference_in(self.marker),
            total=self.total,
            lines=None if self.stated_lines is None else lines,
        )


def orders_in(answers: MessageSet) -> tuple[PurchaseOrder, ...]:
    """Return every order in `answers`, each once: as it was told with its lines, where it was told several times."""
    orders: dict[str, PurchaseOrder] = {}
    for place, each in enumerate(_told(answers)):
        key = each.id or f"without an id, {place}"
        if key not in orders or (each.is_whole and not orders[key].is_whole):
            orders[key] = each
    return tuple(orders.values())


def order_in(element: Any) -> PurchaseOrder:
    """Return the order that `element` is; some counterparts call its id ListID."""
    returned = tuple(map(_line, element.findall(_LINE)))
    return PurchaseOrder(
        id=valid_or_none(_ID, text_of(element, "TxnID") or text_of(element, "ListID")) or "",
        edit_sequence=text_of(element, "EditSequence") or "",
        number=text_of(element, "RefNumber"),
        memo=text_of(element, "Memo"),
        total=_decimal(text_of(element, "TotalAmount")),
        stated_lines=returned or None,
        is_closed=_is_closed(element, returned),
    )


def _told(answers: MessageSet) -> Iterator[PurchaseOrder]:
    for response in answers.responses:
        for element in response.returned_as(RETURNED):
            yield order_in(element)


def _line(element: Any) -> ReturnedLine:
    return ReturnedLine(
        id=text_of(element, "TxnLineID") or "",
        members=frozenset(name for name in _KEPT_MEMBERS if _has(element, name)),
        amount=_decimal(text_of(element, "Amount")),
        description=text_of(element, "Desc"),
        received=_decimal(text_of(element, "ReceivedQuantity")),
    )


def _has(element: Any, name: str) -> bool:
    part = element.find(name)
    return part is not None and bool(len(part) or (part.text or "").strip())


def _is_closed(element: Any, lines: tuple[ReturnedLine, ...]) -> bool:
    """Whether somebody has closed the order, or received all; one of lump sums counts as received from the start."""
    is_received = text_of(element, "IsFullyReceived") == "true" and any(each.received for each in lines)
    return text_of(element, "IsManuallyClosed") == "true" or is_received


def _decimal(text: str | None) -> Decimal | None:
    try:
        number = Decimal(text) if text else None
    except InvalidOperation:
        return None
    return number if number is None or number.is_finite() else None
