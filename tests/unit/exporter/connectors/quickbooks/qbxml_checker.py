"""Checks a request by a table of its own, written from Intuit's reference and not from the connector's.

What it knows: the order of the elements, their longest texts, the forms of dates, amounts, quantities and ids, and what
may stand together in a message set.
"""

import re
from collections.abc import Iterator
from xml.etree import ElementTree as ET

LINE_HEAD = "ItemRef ManufacturerPartNumber Desc Quantity UnitOfMeasure"
LINE_TAIL = "Rate ClassRef Amount CustomerRef ServiceDate SalesTaxCodeRef"
HEAD = (
    "VendorRef ClassRef ShipToEntityRef TemplateRef TxnDate RefNumber VendorAddress ShipAddress TermsRef DueDate "
    "ExpectedDate ShipMethodRef FOB"
)
TAIL = "Memo VendorMsg IsToBePrinted IsToBeEmailed IsTaxIncluded SalesTaxCodeRef Other1 Other2"
LIST_QUERY = "ListID FullName MaxReturned ActiveStatus FromModifiedDate ToModifiedDate NameFilter NameRangeFilter"
ORDER = {
    "PurchaseOrderAddRq": "PurchaseOrderAdd IncludeRetElement",
    "PurchaseOrderAdd": f"{HEAD} {TAIL} PurchaseOrderLineAdd PurchaseOrderLineGroupAdd",
    "PurchaseOrderLineAdd": f"{LINE_HEAD} {LINE_TAIL} OverrideItemAccountRef Other1 Other2 DataExt",
    "PurchaseOrderModRq": "PurchaseOrderMod IncludeRetElement",
    "PurchaseOrderMod": f"TxnID EditSequence {HEAD} IsManuallyClosed {TAIL} PurchaseOrderLineMod",
    "PurchaseOrderLineMod": f"TxnLineID {LINE_HEAD} OverrideUOMSetRef {LINE_TAIL} IsManuallyClosed "
    "OverrideItemAccountRef Other1 Other2",
    "PurchaseOrderQueryRq": "TxnID RefNumber RefNumberCaseSensitive MaxReturned ModifiedDateRangeFilter "
    "TxnDateRangeFilter EntityFilter AccountFilter RefNumberFilter RefNumberRangeFilter IncludeLineItems "
    "IncludeLinkedTxns IncludeRetElement OwnerID",
    "ModifiedDateRangeFilter": "FromModifiedDate ToModifiedDate",
    "VendorQueryRq": f"{LIST_QUERY} TotalBalanceFilter IncludeRetElement OwnerID",
    "CustomerQueryRq": f"{LIST_QUERY} TotalBalanceFilter IncludeRetElement OwnerID",
    "ItemQueryRq": f"{LIST_QUERY} IncludeRetElement OwnerID",
    "VendorRef": "ListID FullName",
    "ItemRef": "ListID FullName",
    "CustomerRef": "ListID FullName",
    "SalesTaxCodeRef": "ListID FullName",
}
REPEATED = {"PurchaseOrderLineAdd", "PurchaseOrderLineMod", "RefNumber in PurchaseOrderQueryRq", "IncludeRetElement"}
LONGEST = {
    "RefNumber": 11,
    "Memo": 4095,
    "Desc": 4095,
    "UnitOfMeasure": 31,
    "EditSequence": 16,
    "FullName in VendorRef": 41,
    "FullName in ItemRef": 159,
    "FullName in CustomerRef": 209,
    "FullName in SalesTaxCodeRef": 41,
}
FORMS = {
    "TxnDate": r"\d{4}-\d\d-\d\d",
    "FromModifiedDate": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d",
    "Amount": r"-?\d+\.\d\d",
    "Quantity": r"-?\d+(\.\d{1,5})?",
    "TxnLineID": r"-1|[0-9A-F]+-\d+",
    "IncludeLineItems": r"true|false",
    "MaxReturned": r"[1-9]\d*",
    "ActiveStatus": "ActiveOnly|InactiveOnly|All",
}
SET_ATTRIBUTES = {"onError", "newMessageSetID", "oldMessageSetID"}
REQUEST_ATTRIBUTES = {"requestID", "iterator", "iteratorID"}


def problems(text: str) -> list[str]:
    """What QuickBooks would not take of a request, or what it could not take apart."""
    if not re.match(r'<\?xml version="1\.0"[^>]*\?>\s*<\?qbxml version="\d+\.\d"\?>\s*<QBXML>', text):
        return ["it does not begin as qbXML"]
    if not text.isascii():
        return ["it has characters beyond ASCII"]
    sets = list(tree_of(text))
    if [each.tag for each in sets] != ["QBXMLMsgsRq"]:
        return ["it is not one message set"]
    return [*_of_set(sets[0]), *(flaw for request in sets[0] for flaw in _of_request(request))]


def tree_of(text: str) -> ET.Element:
    """Return the root element of a request of ours."""
    return ET.fromstring(text)  # noqa: S314 - it is our own text


def _of_set(message_set: ET.Element) -> Iterator[str]:
    attributes = message_set.attrib
    writes = [each for each in message_set if not each.tag.endswith("QueryRq")]
    if attributes.get("onError") not in {"stopOnError", "continueOnError"}:
        yield "onError is none"
    if attributes.keys() - SET_ATTRIBUTES:
        yield "an attribute of the set is unknown"
    if any(not 1 <= len(attributes[name]) <= 23 for name in attributes if name != "onError"):
        yield "an id of the set is too long"
    if writes and len(message_set) > 1:
        yield "a write is not alone"
    if writes and ("newMessageSetID" not in attributes or "oldMessageSetID" in attributes):
        yield "a write cannot be asked for later"
    if len(message_set) and not writes and len(attributes) > 1:
        yield "a question has an id"
    if not len(message_set) and attributes.get("oldMessageSetID") != attributes.get("newMessageSetID"):
        yield "it makes QuickBooks forget an answer"
    if len({each.get("requestID") for each in message_set}) != len(message_set):
        yield "two requests have one id"


def _of_request(request: ET.Element) -> Iterator[str]:
    if not 1 <= len(request.get("requestID", "")) <= 50 or request.attrib.keys() - REQUEST_ATTRIBUTES:
        yield "its attributes are wrong"
    yield from _of_aggregate(request)


def _of_aggregate(element: ET.Element) -> Iterator[str]:
    if element.tag not in ORDER:
        yield f"{element.tag} is unknown"
        return
    names = ORDER[element.tag].split()
    unknown = [each.tag for each in element if each.tag not in names]
    if unknown:
        yield f"{unknown[0]} is unknown in {element.tag}"
        return
    places = [names.index(each.tag) for each in element]
    if places != sorted(places):
        yield f"the order in {element.tag} is wrong"
    repeated = {each.tag for each in element if len(element.findall(each.tag)) > 1}
    if any(not REPEATED & {name, f"{name} in {element.tag}"} for name in repeated):
        yield f"an element is repeated in {element.tag}"
    if element.tag.endswith("Ref") and len(element) != 1:
        yield f"{element.tag} does not name one thing"
    for each in element:
        yield from _of_aggregate(each) if each.tag in ORDER else _of_text(element, each)


def _of_text(parent: ET.Element, element: ET.Element) -> Iterator[str]:
    text = element.text or ""
    place = f"{element.tag} in {parent.tag}"
    length = LONGEST.get(place, LONGEST.get(element.tag))
    if length is not None and not 1 <= len(text) <= length:
        yield f"{place} has {len(text)} characters"
    if element.tag in FORMS and not re.fullmatch(FORMS[element.tag], text):
        yield f"{place} is {text}"
    if any(ord(each) < 32 for each in text) or not _is_windows_1252(text):
        yield f"{place} has a character that QuickBooks does not keep"


def _is_windows_1252(text: str) -> bool:
    try:
        text.encode("cp1252")
    except UnicodeEncodeError:
        return False
    return True
