"""Independent fakes of the Web Connector and of QuickBooks, with a network and programs that fail by chance."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any
from xml.etree import ElementTree as ET

import httpx2
from qbwc_kit.testing import FakeQuickBooks, FakeWebConnector

from services.exporter.rules.marker import marked_revision

TXN_SECONDS = 1_700_000_000


class LostError(Exception):
    """Something has failed that ends the Web Connector's session without a word."""


class BooksOfOrders(FakeQuickBooks):
    """QuickBooks as the independent fake has it, whose purchase orders get a TxnID as real ones do.

    It remembers nothing of message sets, and returns every order whatever was asked for.
    """

    def _add(self, response_name: str, attrs: str, entity: str, node: ET.Element) -> str:
        added = node.find(f"{entity}Add")
        if added is not None:
            number = len(self.entities.get(entity, ())) + 1
            ET.SubElement(added, "TxnID").text = f"{number:X}-{TXN_SECONDS + number}"
        return super()._add(response_name, attrs, entity, node)


@dataclass
class FailingOffice:
    """A Web Connector with its QuickBooks, of which any call fails with this probability: before it, or after it."""

    url: str
    password: str
    quickbooks: FakeQuickBooks
    chance: Random
    probability: float
    user: str = "harbor"
    faults: Counter[str] = field(default_factory=Counter)
    sessions: int = 0

    def poll(self) -> None:
        """Hold one session; whatever fails ends it without closing the connection."""
        self.sessions += 1
        with httpx2.Client(trust_env=False, timeout=30) as http:
            connector = FakeWebConnector(self._transport(http), username=self.user, password=self.password)
            try:
                connector.run_update(self._failing("quickbooks", self.quickbooks))
            except LostError:
                return

    @property
    def orders(self) -> list[dict[str, Any]]:
        """The purchase orders that QuickBooks has."""
        return self.quickbooks.entities.get("PurchaseOrder", [])

    def orders_of(self, ids: list[str]) -> dict[str, int]:
        """How many orders there are for each of these commitments, by the markers in their memos."""
        counted = Counter(
            id_ for order in self.orders for id_ in ids if marked_revision(_first_line(order), id_) is not None
        )
        return {id_: counted[id_] for id_ in ids}

    def _transport(self, http: httpx2.Client) -> Callable[[str], str]:
        def send(body: str) -> str:
            answer = http.post(self.url, content=body.encode(), headers={"content-type": "text/xml; charset=utf-8"})
            return answer.text

        def named(body: str) -> str:
            method = ET.fromstring(body)[0][0].tag.partition("}")[2]  # noqa: S314 - our own fake wrote it
            return self._failing(method, send)(body)

        return named

    def _failing(self, what: str, call: Callable[[str], str]) -> Callable[[str], str]:
        def may_fail(text: str) -> str:
            if self.chance.random() < self.probability:
                self.faults[f"before {what}"] += 1
                raise LostError(what)
            answer = call(text)
            if self.chance.random() < self.probability:
                self.faults[f"after {what}"] += 1
                raise LostError(what)
            return answer

        return may_fail


def _first_line(order: dict[str, Any]) -> str:
    return str(order.get("Memo", "")).split("\n")[0].split(" ")[0]
