"""The desk looks for exactly the names that the QuickBooks connector writes into a purchase order."""

from typing import Any

import pytest

from schemas.commitment import Commitment
from schemas.events import ITEM, JOB, VENDOR, ErpConnection, ErpList
from schemas.examples.cast import CONCRETE_1
from services.approval.rules.references import asked
from services.exporter.connectors.quickbooks.elements import Element
from services.exporter.connectors.quickbooks.order import Order, order_of
from services.exporter.connectors.quickbooks.settings import QuickBooksDesktopSettings
from services.exporter.connectors.types import WriteRequest

LISTS = {"VendorRef": VENDOR, "ItemRef": ITEM, "CustomerRef": JOB}
MAPS: dict[str, Any] = {
    "vendors": {"ACME": "Acme, Inc."},
    "items": {"03-100": "Concrete"},
    "jobs": {"J-2607": "Riverside", "2026-07": "By number"},
    "default_item": "Subcontracts",
}


def connection(**members: Any) -> QuickBooksDesktopSettings:
    known = {"name": "books", "kind": "quickbooks_desktop", "title": "QuickBooks", "companies": ["company-204"]}
    return QuickBooksDesktopSettings.model_validate(known | {"user": "books"} | members)


def told(settings: QuickBooksDesktopSettings) -> ErpConnection:
    """The connection as the exporter announces it."""
    lists = tuple(ErpList(name=name) for name in (VENDOR, ITEM, JOB) if name != JOB or settings.sends_job)
    return ErpConnection(
        name="books",
        version=1,
        kind="quickbooks_desktop",
        title="QuickBooks",
        companies=("company-204",),
        lists=lists,
        mapped=settings.mapped,
    )


def commitment(**members: Any) -> Commitment:
    return Commitment.model_validate(CONCRETE_1.model_dump() | members)


def lines(*cost_codes: str | None) -> list[dict[str, Any]]:
    first = CONCRETE_1.lines[0].model_dump()
    return [first | {"position": place, "cost_code": code} for place, code in enumerate(cost_codes, start=1)]


def written(content: Commitment, settings: QuickBooksDesktopSettings) -> set[tuple[str, str]]:
    """The names in the order that the connector makes, each with its list."""
    order = order_of(WriteRequest(content.id, "c-1/1", "company-204", 1, content), settings)
    assert isinstance(order, Order), order
    elements = (*order.head, *(each for line in order.lines for each in line.elements))
    return {(LISTS[each.name], _text(each)) for each in elements if each.name in LISTS}


def _text(element: Element) -> str:
    content = element.content
    return content if isinstance(content, str) else "".join(map(_text, content))


@pytest.mark.parametrize("maps", [{}, MAPS], ids=["nothing mapped", "mapped"])
@pytest.mark.parametrize("sends_job", [True, False])
@pytest.mark.parametrize(
    "content",
    [
        commitment(lines=lines("03-100", "03-200", " 03-100 ")),
        commitment(vendor={"id": "v", "name": "Acme", "erp_code": " ACME "}, lines=lines("03-100")),
        commitment(vendor={"id": "v", "name": "ACME", "erp_code": "80000012-1479168000"}, lines=lines("03-300")),
        commitment(project={"id": "p", "name": "Tower", "number": "2026-07", "erp_job_code": "J-9"}, lines=lines("1")),
    ],
    ids=["cost codes", "with spaces", "an id", "another job"],
)
def test_what_is_looked_for_is_what_is_written(maps: dict[str, Any], sends_job: bool, content: Commitment) -> None:  # noqa: FBT001 - a case
    settings = connection(sends_job=sends_job, **maps)
    assert {(each.list_name, each.name) for each in asked(content, told(settings))} == written(content, settings)


@pytest.mark.parametrize(
    "content",
    [
        commitment(lines=lines(None, "03-100", "")),
        commitment(project={"id": "p", "name": "Tower", "number": "2026-07"}, lines=lines("03-100")),
    ],
    ids=["the default item", "a job by its number"],
)
def test_what_stands_in_for_a_code_is_looked_for_as_well(content: Commitment) -> None:
    settings = connection(**MAPS)
    assert {(each.list_name, each.name) for each in asked(content, told(settings))} == written(content, settings)
