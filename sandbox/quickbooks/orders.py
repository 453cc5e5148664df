"""The purchase orders of a company file, and what an Add, a Mod and a Query of them do.

A Mod changes what it names. If it names any line, those that it does not name are deleted, and TxnLineID -1 adds one
(Intuit's reference of PurchaseOrderMod). QuickBooks keeps no RefNumber unique.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal

from sandbox.quickbooks.elements import Element
from sandbox.quickbooks.lists import ListKind, Lists
from sandbox.quickbooks.qbxml import OK, Answer, Status, Values, element_of, texts_of, values_of
from sandbox.quickbooks.queries import Iterators, is_within, name_matches, only, stamp
from sandbox.quickbooks.wording import (
    no_such_object,
    no_such_reference,
    not_found,
    out_of_date,
    required_is_missing,
)

FIRST_NUMBER = 1001
NEW_LINE = "-1"
_CENT = Decimal("0.01")
_HEAD_REFS = {"VendorRef": ListKind.VENDOR}
_LINE_REFS = {"ItemRef": ListKind.ITEM, "CustomerRef": ListKind.CUSTOMER}
_HEAD_ORDER = (
    *("VendorRef", "ClassRef", "InventorySiteRef", "ShipToEntityRef", "TemplateRef", "TxnDate", "RefNumber"),
    *("VendorAddress", "ShipAddress", "TermsRef", "DueDate", "ExpectedDate", "ShipMethodRef", "FOB", "TotalAmount"),
    *("IsManuallyClosed", "IsFullyReceived", "Memo", "VendorMsg", "IsToBePrinted", "IsToBeEmailed", "IsTaxIncluded"),
    *("SalesTaxCodeRef", "Other1", "Other2", "ExternalGUID"),
)
_LINE_ORDER = (
    *("TxnLineID", "ItemRef", "ManufacturerPartNumber", "Desc", "Quantity", "UnitOfMeasure", "Rate", "ClassRef"),
    *("Amount", "InventorySiteLocationRef", "CustomerRef", "ServiceDate", "SalesTaxCodeRef", "Other1", "Other2"),
)


class RefusedError(Exception):
    """QuickBooks refuses a request; nothing was changed."""

    def __init__(self, status: Status) -> None:
        super().__init__(status.message)
        self.status = status


@dataclass(slots=True)
class PurchaseOrder:
    """One purchase order; `head` and `lines` are as the last Add or Mod left them."""

    txn_id: str
    edit_sequence: int
    txn_number: int
    created_at: datetime
    changed_at: datetime
    head: Values
    lines: list[Values] = field(default_factory=list)

    @property
    def ref_number(self) -> str:
        """The number that people see."""
        return str(self.head["RefNumber"])

    @property
    def total(self) -> Decimal:
        """The sum of the lines."""
        return sum((Decimal(str(each.get("Amount", "0"))) for each in self.lines), Decimal("0.00"))

    def element(self, *, has_lines: bool) -> Element:
        """The element that a response contains."""
        head = self.head | {"TotalAmount": str(self.total)}
        values: Values = {
            "TxnID": self.txn_id,
            "TimeCreated": stamp(self.created_at),
            "TimeModified": stamp(self.changed_at),
            "EditSequence": str(self.edit_sequence),
            "TxnNumber": str(self.txn_number),
            **{name: head[name] for name in _HEAD_ORDER if name in head},
        }
        element = element_of("PurchaseOrderRet", values)
        for line in self.lines if has_lines else ():
            ordered = {name: line[name] for name in _LINE_ORDER if name in line}
            element.append(element_of("PurchaseOrderLineRet", ordered))
        return element


class PurchaseOrders:
    """The purchase orders of a company file, oldest first; `lists` are what they may refer to."""

    def __init__(self, lists: Lists) -> None:
        self.orders: dict[str, PurchaseOrder] = {}
        self._lists = lists
        self._given = 0

    def add(self, request: Element, now: datetime) -> PurchaseOrder:
        """Carry out PurchaseOrderAdd. RefusedError if QuickBooks refuses it."""
        (added,) = request.findall("PurchaseOrderAdd")
        if added.find("VendorRef") is None:
            raise RefusedError(required_is_missing("You must specify a vendor."))
        lines = [_without_lines(each) for each in added.findall("PurchaseOrderLineAdd")]
        if not lines:
            raise RefusedError(required_is_missing("You cannot save a transaction without lines."))
        head = self._with_refs(_without_lines(added), _HEAD_REFS, "PurchaseOrder")
        lines = [self._line({}, each) for each in lines]
        head = {"TxnDate": now.date().isoformat(), "RefNumber": self._next_number()} | head
        head = {"IsManuallyClosed": "false", "IsFullyReceived": "false"} | head
        txn_id = self._new_id(now)
        order = PurchaseOrder(txn_id, int(now.timestamp()), self._given, now, now, head)
        order.lines = [{"TxnLineID": self._new_id(now)} | each for each in lines]
        self.orders[txn_id] = order
        return order

    def change(self, request: Element, now: datetime) -> PurchaseOrder:
        """Carry out PurchaseOrderMod. RefusedError if QuickBooks refuses it."""
        (changed,) = request.findall("PurchaseOrderMod")
        values = _without_lines(changed)
        txn_id, edit_sequence = str(values.pop("TxnID")), str(values.pop("EditSequence"))
        order = self.orders.get(txn_id)
        if order is None:
            raise RefusedError(no_such_object(txn_id))
        if edit_sequence != str(order.edit_sequence):
            raise RefusedError(out_of_date(edit_sequence))
        head = order.head | self._with_refs(values, _HEAD_REFS, "PurchaseOrder")
        named = [_without_lines(each) for each in changed.findall("PurchaseOrderLineMod")]
        lines = self._changed_lines(order, named, now) if named else order.lines
        order.head, order.lines = head, lines
        order.edit_sequence, order.changed_at = max(int(now.timestamp()), order.edit_sequence + 1), now
        return order

    def delete(self, txn_id: str) -> None:
        """Delete a purchase order, as a person does."""
        self.orders.pop(txn_id, None)

    def query(self, request: Element, iterators: Iterators) -> Answer:
        """Answer PurchaseOrderQuery."""
        has_lines = (request.findtext("IncludeLineItems") or "").strip() in ("true", "1")
        ids = texts_of(request, "TxnID")
        missing = next((each for each in ids if each not in self.orders), None)
        found = [self.orders[each] for each in ids if each in self.orders] if ids else self._filtered(request)
        return iterators.answer(
            request,
            lambda: [each.element(has_lines=has_lines) for each in found],
            not_found(missing) if missing is not None else None,
        )

    def _filtered(self, request: Element) -> list[PurchaseOrder]:
        tests = [_of_numbers(request), _of_dates(request)]
        return [each for each in self.orders.values() if all(test(each) for test in tests)]

    def _changed_lines(self, order: PurchaseOrder, named: Iterable[Values], now: datetime) -> list[Values]:
        present = {str(each["TxnLineID"]): each for each in order.lines}
        lines: list[Values] = []
        for values in named:
            line_id = str(values.pop("TxnLineID"))
            if line_id == NEW_LINE:
                lines.append({"TxnLineID": self._new_id(now)} | self._line({}, values))
            elif line_id in present:
                lines.append(self._line(present.pop(line_id), values))
            else:
                raise RefusedError(no_such_object(line_id))
        return lines

    def _line(self, present: Values, values: Values) -> Values:
        return _with_amount(present, self._with_refs(values, _LINE_REFS, "PurchaseOrder line"))

    def _with_refs(self, values: Values, kinds: dict[str, ListKind], where: str) -> Values:
        """Return `values` with every reference complete. RefusedError if one of them means nothing."""
        found: Values = {}
        for name, kind in kinds.items():
            ref = values.get(name)
            if isinstance(ref, dict):
                entry = self._lists.referred(kind, ref)
                if entry is None:
                    value = str(ref.get("ListID") or ref.get("FullName") or "")
                    raise RefusedError(no_such_reference(kind, value, where))
                found[name] = entry.ref
        return values | found

    def _next_number(self) -> str:
        numbers = [int(each.ref_number) for each in self.orders.values() if each.ref_number.isdigit()]
        return str(max(numbers, default=FIRST_NUMBER - 1) + 1)

    def _new_id(self, now: datetime) -> str:
        self._given += 1
        return f"{0x1A00 + self._given:X}-{int(now.timestamp())}"


def answer_with(order: PurchaseOrder, request: Element) -> Answer:
    """The answer to an Add or a Mod that was carried out."""
    return Answer(OK, (only(order.element(has_lines=True), texts_of(request, "IncludeRetElement")),))


def _without_lines(element: Element) -> Values:
    return {name: value for name, value in values_of(element).items() if not name.startswith("PurchaseOrderLine")}


def _with_amount(present: Values, values: Values) -> Values:
    """A line with its amount: that which is given, or else quantity times rate; a rate that is not given follows."""
    line = present | values
    quantity = Decimal(str(line.get("Quantity", "1")))
    if "Amount" in values:
        if "Rate" not in values and quantity:
            rate = (Decimal(str(values["Amount"])) / quantity).quantize(Decimal("0.00001"))
            line["Rate"] = f"{rate.normalize():f}"
    elif "Rate" in line:
        line["Amount"] = str((quantity * Decimal(str(line["Rate"]))).quantize(_CENT, ROUND_HALF_UP))
    return line


Test = Callable[[PurchaseOrder], bool]


def _of_numbers(request: Element) -> Test:
    exact, any_case = texts_of(request, "RefNumberCaseSensitive"), texts_of(request, "RefNumber")
    lowered, criterion = [each.lower() for each in any_case], request.find("RefNumberFilter")

    def test(order: PurchaseOrder) -> bool:
        if exact or lowered:
            return order.ref_number in exact or order.ref_number.lower() in lowered
        return name_matches(criterion, "RefNumber", order.ref_number)

    return test


def _of_dates(request: Element) -> Test:
    dates = request.find("ModifiedDateRangeFilter")
    first = dates.findtext("FromModifiedDate") if dates is not None else None
    last = dates.findtext("ToModifiedDate") if dates is not None else None
    return lambda order: is_within(first, last, order.changed_at)
