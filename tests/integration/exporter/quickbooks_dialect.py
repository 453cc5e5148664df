"""How QuickBooks speaks; the conformance tests play it: every text is a message set in qbXML."""

from collections.abc import Iterable
from typing import Any
from xml.sax.saxutils import quoteattr

from lxml import etree

from services.exporter.connector_tests import Call, Document, PullBooks, PullDialect
from services.exporter.connector_tests.round_trips import ODD_REFERENCES
from services.exporter.connectors.pull import ListEntry, PullConnector, Reply
from services.exporter.connectors.quickbooks.connector import QuickBooksDesktop
from services.exporter.connectors.quickbooks.settings import QuickBooksDesktopSettings

WRITES = {"PurchaseOrderAddRq": Call.CREATE, "PurchaseOrderModRq": Call.UPDATE}
LISTS = {"VendorQueryRq": "vendor", "ItemQueryRq": "item", "CustomerQueryRq": "job"}


class CompanyFile(PullBooks):
    """Documents whose ids look like those of QuickBooks."""

    def new_id(self, serial: int) -> str:
        return f"{serial:X}-1700000000"


def refused(name: str, code: int, words: str = "No.") -> bytes:
    """A message set in which QuickBooks refuses one request."""
    return answers(f'<{name} statusCode="{code}" statusSeverity="Error" statusMessage={quoteattr(words)}/>').encode()


def message_set(text: str) -> Any:
    """The message set in a text."""
    return etree.fromstring(text.encode())[0]


def answers(responses: str) -> str:
    return f'<?xml version="1.0" ?><QBXML><QBXMLMsgsRs>{responses}</QBXMLMsgsRs></QBXML>'


def answer(request: Any, books: PullBooks) -> str:
    """Carry out one request."""
    name = request.tag[: -len("Rq")]
    if request.tag in WRITES:
        return written(name, request[0], books)
    if request.tag in LISTS:
        return part(name, request, books.lists.get(LISTS[request.tag], []))
    ids, numbers = ([each.text for each in request.findall(element)] for element in ("TxnID", "RefNumber"))
    everything = books.documents if request.find("ModifiedDateRangeFilter") is not None else []
    found = everything or books.asked_for(numbers=numbers, ids=ids)
    return response(name, map(order, found), status=0 if found else 1)


def written(name: str, content: Any, books: PullBooks) -> str:
    marker = content.findtext("Memo").split()[0]
    kept = {"number": content.findtext("RefNumber")}
    if name == "PurchaseOrderAdd":
        return response(name, [order(books.create(marker.rsplit("/", 2)[0], marker, kept))])
    changed = books.update(content.findtext("TxnID"), marker, kept)
    return response(name, [order(changed)]) if changed else response(name, [], status=3120)


def part(name: str, request: Any, entries: list[ListEntry]) -> str:
    """A part of a list; where it begins is the id of the iterator."""
    begin, many = int(request.get("iteratorID") or 0), int(request.findtext("MaxReturned"))
    found, left = entries[begin : begin + many], max(len(entries) - begin - many, 0)
    iterator = f' iteratorRemainingCount="{left}" iteratorID="{begin + many}"'
    shown = (
        f"<Ret>{element('ListID', each.id)}{element('FullName', each.name)}"
        f"{element('IsActive', 'true' if each.is_active else 'false')}</Ret>"
        for each in found
    )
    return response(name, shown, status=0 if found else 1, more=iterator)


def response(name: str, returned: Iterable[str], status: int = 0, more: str = "") -> str:
    return f'<{name}Rs statusCode="{status}"{more}>{"".join(returned)}</{name}Rs>'


def order(document: Document) -> str:
    """The order that `document` is."""
    line = "<PurchaseOrderLineRet><TxnLineID>1-1700000000</TxnLineID></PurchaseOrderLineRet>"
    members = {"TxnID": document.id, "EditSequence": "7", "RefNumber": document.number, "Memo": document.marker}
    return f"<PurchaseOrderRet>{''.join(element(*each) for each in members.items())}{line}</PurchaseOrderRet>"


def element(name: str, value: Any) -> str:
    """An element; what is no text is put into elements of its own, since all of XML is text."""
    if value is None:
        return ""
    made = etree.Element(name)
    if isinstance(value, (str, int)):
        made.text = str(value)
    else:
        etree.SubElement(made, "Odd").text = str(value)
    return etree.tostring(made, encoding="unicode")


class QuickBooksDialect(PullDialect):
    """Purchase orders in qbXML; errors of QuickBooks' own kinds come with a status code."""

    refused_references = frozenset({ODD_REFERENCES["other than ASCII"], ODD_REFERENCES["beyond the basic plane"]})
    own_errors = tuple(
        refused(f"PurchaseOrder{kind}Rs", code)
        for kind in ("Add", "Mod", "Query")
        for code in (1000, 3000, 3100, 3120, 3171, 3200, 3231, 9001)
    )
    not_reached = (
        Reply("", "0x80040408", "Could not start QuickBooks."),
        Reply("", "0x8004040a", "Another company file is open."),
        Reply("", "-2147220458", "QuickBooks is not running."),
    )
    not_taken = (Reply("", "0x80040400", "QuickBooks found an error when parsing the provided XML text stream."),)
    kind: type[Any] = QuickBooksDesktop

    def pull_connector(self) -> PullConnector:
        settings = QuickBooksDesktopSettings(
            name="main",
            kind="quickbooks_desktop",
            title="Main",
            companies=("company-204",),
            user="countersign",
        )
        connector: PullConnector = self.kind(settings, None)
        return connector

    def books(self) -> PullBooks:
        return CompanyFile()

    def call_about(self, text: str) -> Call:
        requests = message_set(text)
        names = [each.tag for each in requests]
        if writes := [WRITES[each] for each in names if each in WRITES]:
            return writes[0]
        if "PurchaseOrderQueryRq" not in names:
            return Call.OTHER
        return Call.FIND if requests.find(".//RefNumber") is not None else Call.READ

    def answer_to(self, text: str, books: PullBooks) -> str:
        requests = message_set(text)
        if lost := requests.get("oldMessageSetID"):
            return books.kept.get(lost, '<QBXML><QBXMLMsgsRs messageSetStatusCode="9002"/></QBXML>')
        return answers("".join(answer(each, books) for each in requests))
