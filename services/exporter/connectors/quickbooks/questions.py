"""Makes message sets: what the Web Connector passes on to QuickBooks, each with the id of every request in it.

Reads may share a set, and each is carried out whatever became of those before it. A write stands alone in its set,
whose id QuickBooks keeps together with the answer. A set without requests, with that id as the old and the new one,
asks for the kept answer; with the old one only it would make QuickBooks forget it (IntuitDeveloper/QBXML_SDK_Samples,
xmlfiles/legacy/ErrRecovery2.xml and ErrRecovery3.xml).
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from services.exporter.connectors.pull import Question
from services.exporter.connectors.quickbooks.elements import Element, rendered
from services.exporter.connectors.quickbooks.order import Order, OrderLine
from services.exporter.connectors.quickbooks.purchase_order import PurchaseOrder

NEW_LINE = "-1"
"""The id of a line that an order does not have yet; lines that a change does not name are removed."""

_LOOK_BACK = timedelta(days=1)
"""QuickBooks reads a time without an offset as that of its computer, which nobody knows here."""


class Questions:
    """Makes the message sets of one connection, in its `version` of qbXML."""

    def __init__(self, version: str) -> None:
        self._version = version

    def add(self, order: Order, message_set_id: str) -> Question:
        """Return the write that creates `order`."""
        lines = [Element("PurchaseOrderLineAdd", each.elements) for each in order.lines]
        request = Element("PurchaseOrderAddRq", (Element("PurchaseOrderAdd", (*order.head, *lines)),))
        return self._write(request, message_set_id)

    def change(self, order: Order, current: PurchaseOrder, message_set_id: str) -> Question:
        """Return the write that makes `order` of `current`, whose lines keep their ids where they can."""
        known = (Element("TxnID", current.id), Element("EditSequence", current.edit_sequence))
        lines = [Element("PurchaseOrderLineMod", each) for each in _changed_lines(order.lines, current)]
        request = Element("PurchaseOrderModRq", (Element("PurchaseOrderMod", (*known, *order.head, *lines)),))
        return self._write(request, message_set_id)

    def what_became_of(self, message_set_id: str) -> Question:
        """Return the question for the kept answer to a write."""
        return Question(self._set("", {"oldMessageSetID": message_set_id, "newMessageSetID": message_set_id}))

    def orders(self, ids: Sequence[str], numbers: Sequence[str], changed_since: datetime | None = None) -> Question:
        """Return the question for orders by id, by number, and by when they were last changed; one of them at least.

        Each id is asked for by itself, since one that is none would spoil the answer to the others.
        """
        with_lines = Element("IncludeLineItems", "true")
        requests = [Element("PurchaseOrderQueryRq", (Element("TxnID", each), with_lines)) for each in ids]
        if numbers:
            asked = [Element("RefNumber", each) for each in numbers]
            requests.append(Element("PurchaseOrderQueryRq", (*asked, with_lines)))
        if changed_since:
            requests.append(_changed_orders(changed_since))
        return self.reads([(each, {}) for each in requests])

    def reads(self, requests: Iterable[tuple[Element, Mapping[str, str]]]) -> Question:
        """Return one question of several reads, each with the attributes of its element."""
        numbered = enumerate(requests, start=1)
        texts = [rendered(each, {"requestID": str(number), **stated}) for number, (each, stated) in numbered]
        return Question(self._set("".join(texts), {}, on_error="continueOnError"))

    def _write(self, request: Element, message_set_id: str) -> Question:
        text = rendered(request, {"requestID": "1"})
        return Question(self._set(text, {"newMessageSetID": message_set_id}), message_set_id)

    def _set(self, requests: str, ids: Mapping[str, str], on_error: str = "stopOnError") -> str:
        stated = "".join(f' {name}="{value}"' for name, value in {"onError": on_error, **ids}.items())
        return (
            f'<?xml version="1.0" encoding="utf-8"?><?qbxml version="{self._version}"?>'
            f"<QBXML><QBXMLMsgsRq{stated}>{requests}</QBXMLMsgsRq></QBXML>"
        )


def _changed_orders(since: datetime) -> Element:
    """Return the request for all orders changed since `since`, without their lines: there may be many."""
    from_then = (since - _LOOK_BACK).strftime("%Y-%m-%dT%H:%M:%S")
    wanted = [Element("IncludeRetElement", each) for each in ("TxnID", "EditSequence", "RefNumber", "Memo")]
    date_range = Element("ModifiedDateRangeFilter", (Element("FromModifiedDate", from_then),))
    return Element("PurchaseOrderQueryRq", (date_range, *wanted))


def _changed_lines(lines: Sequence[OrderLine], current: PurchaseOrder) -> list[tuple[Element, ...]]:
    """Return each line with the id of the one in its place, unless that has something which would remain in it."""
    places = [*current.lines, *[None] * len(lines)]
    return [
        (Element("TxnLineID", former.id if former and former.members <= line.members else NEW_LINE), *line.elements)
        for line, former in zip(lines, places, strict=False)
    ]
