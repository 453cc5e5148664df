"""An order can be read by its id or its number, as QuickBooks has it now."""

from decimal import Decimal

import pytest

from services.exporter.connectors.protocol import reader_of
from services.exporter.connectors.pull import Occasion, Reply
from services.exporter.connectors.types import ErpCopy, ErpLine, Gone, ReadAnswer, Refused, Transient
from tests.unit.exporter.connectors.quickbooks.order_requests import HASH, line, request, speaking
from tests.unit.exporter.connectors.quickbooks.quickbooks_driver import Driver, FilteringQuickBooks, order_record


async def read(driver: Driver, name: str) -> ReadAnswer:
    reader = reader_of(speaking(driver, Occasion("s")))
    assert reader is not None
    return await reader.read(name)


@pytest.mark.parametrize("name", ["1-1700000001", "SC-014", "sc-014"])
async def test_an_order_of_ours_is_read_by_id_or_number(name: str) -> None:
    driver = Driver()
    await speaking(driver).create(request(lines=[line(1), line(2, amount="0.05", description="Wall")]))
    driver.quickbooks.orders[0]["TotalAmount"] = "10.05"  # type: ignore[attr-defined]
    copy = await read(driver, name)
    assert isinstance(copy, ErpCopy)
    assert (copy.document.id, copy.document.marker, copy.reference) == ("1-1700000001", f"c-1/1/{HASH}", "c-1")
    assert (copy.total, copy.currency) == (Decimal("10.05"), None)
    assert copy.lines == (ErpLine(Decimal("10.00"), 1, "Slab"), ErpLine(Decimal("0.05"), 2, "Wall"))


async def test_an_order_by_hand_has_no_reference() -> None:
    quickbooks = FilteringQuickBooks()
    quickbooks.orders.append(order_record(TotalAmount="much"))
    copy = await read(Driver(quickbooks), "SC-014")
    assert isinstance(copy, ErpCopy)
    assert (copy.reference, copy.document.marker, copy.total, copy.lines) == (None, None, None, None)


async def test_an_id_comes_before_a_number_that_is_like_it() -> None:
    quickbooks = FilteringQuickBooks()
    quickbooks.orders.extend([order_record(TxnID="B1-1", RefNumber="A1-1"), order_record(TxnID="A1-1")])
    copy = await read(Driver(quickbooks), "A1-1")
    assert isinstance(copy, ErpCopy)
    assert copy.document.id == "A1-1"


async def test_a_number_that_several_orders_have_names_none() -> None:
    quickbooks = FilteringQuickBooks()
    quickbooks.orders.extend([order_record(), order_record(TxnID="A2-1")])
    refusal = await read(Driver(quickbooks), "SC-014")
    assert isinstance(refusal, Refused)
    assert (refusal.code, refusal.message) == (
        "document_ambiguous",
        "QuickBooks has 2 purchase orders with the number SC-014.",
    )


@pytest.mark.parametrize("name", ["SC-014", "A1-1700000999", "a number that no order can have"])
async def test_an_order_that_is_not_there_is_gone(name: str) -> None:
    assert isinstance(await read(Driver(), name), Gone)


async def test_without_an_answer_nothing_is_known_of_the_order() -> None:
    assert isinstance(await read(Driver(scripted=[Reply("")]), "SC-014"), Transient)
