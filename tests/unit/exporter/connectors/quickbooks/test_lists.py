"""Vendors, items and jobs are read part by part, to the last one."""

from typing import Any

import pytest
from qbwc_kit.testing import FakeQuickBooks

from services.exporter.connectors.pull import ListEntry, ListPage, PullConnector, Reply
from services.exporter.connectors.quickbooks.connector import QuickBooksDesktop
from services.exporter.connectors.types import Refused, Transient
from tests.unit.exporter.connectors.quickbooks.order_requests import settings
from tests.unit.exporter.connectors.quickbooks.qbxml_checker import problems
from tests.unit.exporter.connectors.quickbooks.quickbooks_driver import answer, refused

CONNECTOR: PullConnector = QuickBooksDesktop(settings(), None)


def entries(quickbooks: FakeQuickBooks, name: str) -> list[ListPage]:
    """All parts of a list."""
    pages, page = [], None
    while not pages or page is not None:
        question = CONNECTOR.list_question(name, page)
        assert problems(question.text) == []
        assert not question.is_write
        read = CONNECTOR.list_page(name, Reply(quickbooks(question.text)))
        assert isinstance(read, ListPage)
        pages.append(read)
        page = read.next_page
    return pages


def test_all_lists_can_be_asked_for() -> None:
    assert CONNECTOR.lists == ("vendor", "item", "job")
    for name, asked in (("vendor", "VendorQueryRq"), ("item", "ItemQueryRq"), ("job", "CustomerQueryRq")):
        assert f'<{asked} requestID="1" iterator="Start">' in CONNECTOR.list_question(name, None).text


@pytest.mark.parametrize(
    ("number", "sizes", "remaining"), [(0, [0], [0]), (3, [3], [0]), (1_100, [500, 500, 100], [600, 100, 0])]
)
def test_a_list_is_read_to_its_end(number: int, sizes: list[int], remaining: list[int]) -> None:
    vendors: list[dict[str, Any]] = [{"ListID": f"8{each:07X}-1", "Name": f"Vendor {each}"} for each in range(number)]
    pages = entries(FakeQuickBooks({"Vendor": vendors}), "vendor")
    assert ([len(each.entries) for each in pages], [each.remaining for each in pages]) == (sizes, remaining)
    assert len({each.id for page in pages for each in page.entries}) == number


def test_an_entry_has_its_full_name_and_whether_it_is_active() -> None:
    rets = (
        "<ItemServiceRet><ListID>8-1</ListID><Name>Slabs</Name><FullName>Concrete:Slabs</FullName></ItemServiceRet>"
        "<ItemGroupRet><ListID>8-2</ListID><Name>Set</Name><IsActive>false</IsActive></ItemGroupRet>"
        "<ItemServiceRet><Name>No id</Name></ItemServiceRet>"
    )
    page = CONNECTOR.list_page("item", answer(f'<ItemQueryRs statusCode="0">{rets}</ItemQueryRs>'))
    assert page == ListPage((ListEntry("8-1", "Concrete:Slabs"), ListEntry("8-2", "Set", is_active=False)))


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (Reply(""), Transient),
        (Reply("", "0x80040408", "Could not start QuickBooks."), Transient),
        (answer(), Transient),
        (answer('<ItemQueryRs statusCode="0"/>'), Transient),
        (answer('<VendorQueryRs statusCode="0" iteratorRemainingCount="7"/>'), Transient),
        (refused("VendorQuery", 1000, "internal"), Transient),
        (refused("VendorQuery", 3260, "Insufficient permission"), Refused),
    ],
)
def test_a_part_without_an_answer_is_no_empty_list(reply: Reply, expected: type) -> None:
    assert isinstance(CONNECTOR.list_page("vendor", reply), expected)
