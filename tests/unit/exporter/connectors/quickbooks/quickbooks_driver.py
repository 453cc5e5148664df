"""Two counterparts of the connector, and what carries texts between them: no Web Connector, and no time passes."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any
from xml.etree import ElementTree as ET

from qbwc_kit.testing import FakeQuickBooks

from services.exporter.connectors.pull import Question, Reply
from tests.unit.exporter.connectors.quickbooks.qbxml_checker import problems, tree_of

Responder = Callable[[str], str]


class FilteringQuickBooks(FakeQuickBooks):
    """The independent counterpart, with what it lacks of purchase orders.

    An added order gets a TxnID, its lines become returned lines, the answer to a write is kept under the id of its
    message set, and queries by id, by number and by time return what was asked for.
    """

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[str, str] = {}

    @property
    def orders(self) -> list[dict[str, Any]]:
        """The orders, as they were entered."""
        return self.entities.setdefault("PurchaseOrder", [])

    def __call__(self, request_xml: str) -> str:
        message_set = tree_of(request_xml)[0]
        new, old = message_set.get("newMessageSetID"), message_set.get("oldMessageSetID")
        if old == new and old is not None and old not in self.kept:
            return '<QBXML><QBXMLMsgsRs messageSetStatusCode="600"/></QBXML>'
        if new is not None and new in self.kept:
            return self.kept[new]
        answer = super().__call__(request_xml)
        if new is not None:
            self.kept[new] = answer
        return answer

    def _query(self, response_name: str, attrs: str, entity: str, node: ET.Element) -> str:
        if entity != "PurchaseOrder":
            return super()._query(response_name, attrs, entity, node)
        every = self.orders
        self.entities[entity] = [each for each in every if _is_asked_for(each, node)]
        try:
            return super()._query(response_name, attrs, entity, node)
        finally:
            self.entities[entity] = every

    def _add(self, response_name: str, attrs: str, entity: str, node: ET.Element) -> str:
        added = node.find(f"{entity}Add")
        assert added is not None
        number = len(self.orders) + 1
        ET.SubElement(added, "TxnID").text = f"{number:X}-{1_700_000_000 + number}"
        _as_returned(added, "PurchaseOrderLineAdd")
        return super()._add(response_name, attrs, entity, node)

    def _mod(self, response_name: str, attrs: str, entity: str, node: ET.Element) -> str:
        changed = node.find(f"{entity}Mod")
        assert changed is not None
        _as_returned(changed, "PurchaseOrderLineMod")
        return super()._mod(response_name, attrs, entity, node)


@dataclass
class Driver:
    """Carries each question to `quickbooks`, checks it on the way, and remembers it; `scripted` replies come first."""

    quickbooks: Responder = field(default_factory=FilteringQuickBooks)
    scripted: list[Reply | None] = field(default_factory=list)
    """A reply instead of QuickBooks' own; None is one that gets lost after QuickBooks has done its work."""

    asked: list[Question] = field(default_factory=list)

    async def __call__(self, question: Question) -> Reply:
        assert problems(question.text) == []
        self.asked.append(question)
        if self.scripted:
            scripted = self.scripted.pop(0)
            if scripted is None:
                self.quickbooks(question.text)
                return Reply("")
            return scripted
        return Reply(self.quickbooks(question.text))

    @property
    def writes(self) -> list[Question]:
        """The writes among what was asked."""
        return [each for each in self.asked if each.is_write]


def order_record(**members: Any) -> dict[str, Any]:
    """An order as somebody has entered it by hand."""
    return {"TxnID": "A1-1700000999", "EditSequence": "7", "RefNumber": "SC-014", "Memo": "by hand"} | members


def answer(*responses: str, status: str = "0") -> Reply:
    """A reply with these answers."""
    return Reply(f'<QBXML><QBXMLMsgsRs messageSetStatusCode="{status}">{"".join(responses)}</QBXMLMsgsRs></QBXML>')


def refused(name: str, code: int, words: str = "") -> Reply:
    """A reply in which QuickBooks refuses a request."""
    text = words.replace("&", "&amp;").replace('"', "&quot;")
    return answer(f'<{name}Rs requestID="1" statusCode="{code}" statusSeverity="Error" statusMessage="{text}"/>')


def ret(members: Iterable[tuple[str, str]], lines: str = "") -> str:
    """A returned order."""
    return (
        f"<PurchaseOrderRet>{''.join(f'<{name}>{text}</{name}>' for name, text in members)}{lines}</PurchaseOrderRet>"
    )


def _is_asked_for(order: dict[str, Any], node: ET.Element) -> bool:
    ids = [each.text for each in node.findall("TxnID")]
    numbers = [(each.text or "").casefold() for each in node.findall("RefNumber")]
    is_by_time = node.find("ModifiedDateRangeFilter") is not None
    return order["TxnID"] in ids or order["RefNumber"].casefold() in numbers or is_by_time


def _as_returned(order: ET.Element, line_name: str) -> None:
    for number, line in enumerate(order.findall(line_name), start=1):
        line.tag = "PurchaseOrderLineRet"
        line_id = line.find("TxnLineID")
        if line_id is None:
            line_id = ET.SubElement(line, "TxnLineID")
        if line_id.text in (None, "-1"):
            line_id.text = f"{number:X}F-1700000000"
