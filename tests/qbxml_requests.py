"""qbXML for tests of the sandbox's QuickBooks: message sets and purchase orders, and the answers to them."""

from dataclasses import dataclass
from typing import Any

from lxml import etree

MARKER = f"commitment-8841/1/{'9f86d081' * 8}"
LINE = {
    "ItemRef": {"FullName": "03-300"},
    "Desc": "Concrete, level 1",
    "Quantity": "102.5",
    "Rate": "797.10",
    "CustomerRef": {"FullName": "J-2607"},
}
HEAD = {"VendorRef": {"FullName": "ACME"}, "TxnDate": None, "RefNumber": "SC-014", "Memo": MARKER}


@dataclass(frozen=True, slots=True)
class Answered:
    """A set of responses, or the first one in it."""

    root: Any

    @property
    def set_code(self) -> str | None:
        return self.root[0].get("messageSetStatusCode")

    @property
    def code(self) -> int:
        return int(self.first.get("statusCode"))

    @property
    def message(self) -> str:
        return str(self.first.get("statusMessage"))

    @property
    def first(self) -> Any:
        return self.root[0][0]

    def texts(self, path: str) -> list[str]:
        return [each.text for each in self.root.iterfind(f"QBXMLMsgsRs/*/{path}")]

    def text(self, path: str) -> str:
        (found,) = self.texts(path)
        return found


def answered(text: str) -> Answered:
    """Read a set of responses."""
    return Answered(etree.fromstring(text.encode()))


def message_set(*requests: str, version: str = "13.0", **attributes: str) -> str:
    """Return a set of requests; `attributes` are those of the set."""
    stated = "".join(f' {name}="{value}"' for name, value in {"onError": "stopOnError", **attributes}.items())
    body = f"<QBXML><QBXMLMsgsRq{stated}>{''.join(requests)}</QBXMLMsgsRq></QBXML>"
    return f'<?xml version="1.0" encoding="utf-8"?><?qbxml version="{version}"?>{body}'


def xml(name: str, value: Any) -> str:
    """Return an element; a list becomes several of one name, None becomes nothing."""
    if isinstance(value, list):
        return "".join(xml(name, each) for each in value)
    if isinstance(value, dict):
        value = "".join(xml(part, each) for part, each in value.items())
    return "" if value is None else f"<{name}>{value}</{name}>"


def an_add(*lines: dict[str, Any], **changes: Any) -> str:
    """Return the request that adds SC-014, with `changes` in its head."""
    added = HEAD | changes | {"PurchaseOrderLineAdd": list(lines or [LINE])}
    return f'<PurchaseOrderAddRq requestID="1">{xml("PurchaseOrderAdd", added)}</PurchaseOrderAddRq>'


def a_mod(txn_id: str, edit_sequence: str, *lines: dict[str, Any], **changes: Any) -> str:
    """Return the request that changes a purchase order."""
    changed = {"TxnID": txn_id, "EditSequence": edit_sequence} | changes
    changed |= {"PurchaseOrderLineMod": list(lines)} if lines else {}
    return f'<PurchaseOrderModRq requestID="1">{xml("PurchaseOrderMod", changed)}</PurchaseOrderModRq>'


def a_query(entity: str, attributes: str = "", **parts: Any) -> str:
    """Return a query of a list or of purchase orders."""
    return f'<{entity}QueryRq requestID="1" {attributes}>{xml("Q", parts)[3:-4]}</{entity}QueryRq>'
