"""The elements that each qbXML request may have, in the only order that QuickBooks takes, with their types and lengths.

Order, types and lengths are those of consolibyte/quickbooks-php (QuickBooks/QBXML/Schema/Object) and of Intuit's
reference of qbXML 13.0, which adds the elements about inventory sites and exchange rates. Item groups are left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from sandbox.quickbooks.elements import Element, name_of, parts_of


class Kind(StrEnum):
    """The type of an element's text, as QuickBooks names it in messages; a group has parts instead."""

    ID = "object ID"
    TEXT = "string"
    DATE = "date"
    MOMENT = "date-time"
    FLAG = "boolean"
    QUANTITY = "quantity"
    PRICE = "price"
    AMOUNT = "amount"
    NUMBER = "number"
    CHOICE = "enum"
    GROUP = "aggregate"


@dataclass(frozen=True, slots=True)
class Part:
    """One element of a request; `characters` is its longest text, 0 for any."""

    name: str
    kind: Kind = Kind.TEXT
    characters: int = 0
    is_required: bool = False
    repeats: bool = False
    parts: tuple["Part", ...] = ()
    choices: tuple[str, ...] = ()


def flaw_of(element: Element, parts: Sequence[Part]) -> str | None:
    """Return why the parser refuses `element`: an unknown or missing element, or a wrong order; None if it is right."""
    place = 0
    for child in parts_of(element):
        skipped = place
        while place < len(parts) and parts[place].name != name_of(child):
            place += 1
        if place == len(parts):
            return f"element {name_of(child)} is unknown or in the wrong place in {name_of(element)}"
        if missing := _missing(parts[skipped:place]):
            return f"element {missing} is missing before {name_of(child)}"
        if flaw := _inner_flaw(child, parts[place]):
            return flaw
        place, parts = _behind(place, parts)
    missing = _missing(parts[place:])
    return f"element {missing} is missing in {name_of(element)}" if missing else None


def mixture_in(query: Element) -> str | None:
    """Return why the parser refuses a query that names what it wants in two ways, or filters it too; None otherwise."""
    names = list(dict.fromkeys(name for name in map(name_of, parts_of(query)) if name not in _BESIDE_ANY))
    if len(names) > 1 and _NAMING & set(names):
        return f"elements {names[0]} and {names[1]} exclude each other"
    return None


def _behind(place: int, parts: Sequence[Part]) -> tuple[int, Sequence[Part]]:
    """Return where the next element may be: one that repeats may be here again, but need not."""
    if not parts[place].repeats:
        return place + 1, parts
    return place, [*parts[:place], replace(parts[place], is_required=False), *parts[place + 1 :]]


def _missing(parts: Sequence[Part]) -> str | None:
    return next((each.name for each in parts if each.is_required), None)


def _inner_flaw(element: Element, part: Part) -> str | None:
    if part.kind is Kind.GROUP:
        return flaw_of(element, part.parts)
    if len(element):
        return f"element {name_of(element)} has parts"
    if part.choices and (element.text or "").strip() not in part.choices:
        return f"element {name_of(element)} has a value that it cannot have"
    return None


def _group(name: str, *parts: Part, is_required: bool = False, repeats: bool = False) -> Part:
    return Part(name, Kind.GROUP, is_required=is_required, repeats=repeats, parts=parts)


def _ref(name: str, characters: int = 41, *, is_required: bool = False) -> Part:
    return _group(name, Part("ListID", Kind.ID), Part("FullName", Kind.TEXT, characters), is_required=is_required)


def _address(name: str) -> Part:
    lengths = {f"Addr{number}": 41 for number in range(1, 6)}
    lengths |= {"City": 31, "State": 21, "PostalCode": 13, "Country": 31, "Note": 41}
    return _group(name, *(Part(each, Kind.TEXT, length) for each, length in lengths.items()))


def _flags(*names: str) -> tuple[Part, ...]:
    return tuple(Part(name, Kind.FLAG) for name in names)


_NAMING = {"ListID", "FullName", "TxnID", "RefNumber", "RefNumberCaseSensitive"}
_BESIDE_ANY = {"IncludeLineItems", "IncludeLinkedTxns", "IncludeRetElement", "OwnerID"}
_INCLUDED = (Part("IncludeRetElement", Kind.TEXT, 50, repeats=True), Part("OwnerID", repeats=True))
_MATCH = Part("MatchCriterion", Kind.CHOICE, is_required=True, choices=("StartsWith", "Contains", "EndsWith"))

_HEAD_TO_FOB = (
    _ref("ClassRef", 159),
    _ref("InventorySiteRef", 31),
    _ref("ShipToEntityRef", 209),
    _ref("TemplateRef", 31),
    Part("TxnDate", Kind.DATE),
    Part("RefNumber", Kind.TEXT, 11),
    _address("VendorAddress"),
    _address("ShipAddress"),
    _ref("TermsRef", 31),
    Part("DueDate", Kind.DATE),
    Part("ExpectedDate", Kind.DATE),
    _ref("ShipMethodRef", 15),
    Part("FOB", Kind.TEXT, 13),
)
_HEAD_FROM_MEMO = (
    Part("Memo", Kind.TEXT, 4095),
    Part("VendorMsg", Kind.TEXT, 99),
    *_flags("IsToBePrinted", "IsToBeEmailed", "IsTaxIncluded"),
    _ref("SalesTaxCodeRef", 3),
    Part("Other1", Kind.TEXT, 25),
    Part("Other2", Kind.TEXT, 29),
    Part("ExchangeRate", Kind.QUANTITY),
)
_LINE_TO_UNIT = (
    _ref("ItemRef", 159),
    Part("ManufacturerPartNumber", Kind.TEXT, 31),
    Part("Desc", Kind.TEXT, 4095),
    Part("Quantity", Kind.QUANTITY),
    Part("UnitOfMeasure", Kind.TEXT, 31),
)
_LINE_FROM_RATE = (
    Part("Rate", Kind.PRICE),
    _ref("ClassRef", 159),
    Part("Amount", Kind.AMOUNT),
    _ref("InventorySiteLocationRef", 31),
    _ref("CustomerRef", 209),
    Part("ServiceDate", Kind.DATE),
    _ref("SalesTaxCodeRef", 3),
)
_LINE_END = (_ref("OverrideItemAccountRef", 159), Part("Other1", Kind.TEXT, 25), Part("Other2", Kind.TEXT, 29))
_ADDED_LINE = (*_LINE_TO_UNIT, *_LINE_FROM_RATE, *_LINE_END)
_CHANGED_LINE = (
    Part("TxnLineID", Kind.ID, is_required=True),
    *_LINE_TO_UNIT,
    _ref("OverrideUOMSetRef", 31),
    *_LINE_FROM_RATE,
    *_flags("IsManuallyClosed"),
    *_LINE_END,
)


def _list_query(*filters: Part) -> tuple[Part, ...]:
    return (
        Part("ListID", Kind.ID, repeats=True),
        Part("FullName", Kind.TEXT, repeats=True),
        Part("MaxReturned", Kind.NUMBER),
        Part("ActiveStatus", Kind.CHOICE, choices=("ActiveOnly", "InactiveOnly", "All")),
        Part("FromModifiedDate", Kind.MOMENT),
        Part("ToModifiedDate", Kind.MOMENT),
        _group("NameFilter", _MATCH, Part("Name", is_required=True)),
        _group("NameRangeFilter", Part("FromName"), Part("ToName")),
        *filters,
        *_INCLUDED,
    )


_BALANCE = _group("TotalBalanceFilter", Part("Operator", is_required=True), Part("Amount", Kind.AMOUNT))
_ENTITY = (Part(name, repeats=True) for name in ("ListID", "FullName", "ListIDWithChildren", "FullNameWithChildren"))

REQUESTS: dict[str, tuple[Part, ...]] = {
    "VendorQueryRq": _list_query(_BALANCE),
    "CustomerQueryRq": _list_query(_BALANCE),
    "ItemQueryRq": _list_query(),
    "PurchaseOrderQueryRq": (
        Part("TxnID", Kind.ID, repeats=True),
        Part("RefNumber", repeats=True),
        Part("RefNumberCaseSensitive", repeats=True),
        Part("MaxReturned", Kind.NUMBER),
        _group("ModifiedDateRangeFilter", Part("FromModifiedDate", Kind.MOMENT), Part("ToModifiedDate", Kind.MOMENT)),
        _group("TxnDateRangeFilter", Part("FromTxnDate", Kind.DATE), Part("ToTxnDate", Kind.DATE)),
        _group("EntityFilter", *_ENTITY),
        _group("RefNumberFilter", _MATCH, Part("RefNumber", is_required=True)),
        _group("RefNumberRangeFilter", Part("FromRefNumber"), Part("ToRefNumber")),
        *_flags("IncludeLineItems", "IncludeLinkedTxns"),
        *_INCLUDED,
    ),
    "PurchaseOrderAddRq": (
        _group(
            "PurchaseOrderAdd",
            _ref("VendorRef"),
            *_HEAD_TO_FOB,
            *_HEAD_FROM_MEMO,
            Part("ExternalGUID"),
            _group("PurchaseOrderLineAdd", *_ADDED_LINE, repeats=True),
            is_required=True,
        ),
        _INCLUDED[0],
    ),
    "PurchaseOrderModRq": (
        _group(
            "PurchaseOrderMod",
            Part("TxnID", Kind.ID, is_required=True),
            Part("EditSequence", Kind.TEXT, 16, is_required=True),
            _ref("VendorRef"),
            *_HEAD_TO_FOB,
            *_flags("IsManuallyClosed"),
            *_HEAD_FROM_MEMO,
            _group("PurchaseOrderLineMod", *_CHANGED_LINE, repeats=True),
            is_required=True,
        ),
        _INCLUDED[0],
    ),
}
"""The requests that the company file answers, by name."""
