"""Orders are found by marker, number, id and the kept answer to a lost write, whatever else an answer holds."""

from datetime import UTC, datetime

import pytest
from qbwc_kit.testing import FakeQuickBooks

from services.exporter.connectors.pull import LostWrite, Occasion, Reply
from services.exporter.connectors.types import FoundDocument, Landed, Refused, Transient, UnreadableDocument
from tests.unit.exporter.connectors.quickbooks.order_requests import FIRST, HASH, request, speaking
from tests.unit.exporter.connectors.quickbooks.quickbooks_driver import (
    Driver,
    FilteringQuickBooks,
    answer,
    order_record,
    refused,
    ret,
)

SENT_AT = datetime(2026, 11, 29, 7, 30, tzinfo=UTC)
MARKER = f"c-1/1/{HASH}"
LOST = Occasion("set-2", numbers=("SC-014",), lost=LostWrite(FIRST, SENT_AT))
NO_MATCH = '<PurchaseOrderQueryRs requestID="1" statusCode="1" statusSeverity="Info" statusMessage="none"/>'


def holding(*orders: dict[str, str]) -> Driver:
    quickbooks = FilteringQuickBooks()
    quickbooks.orders.extend(orders)
    return Driver(quickbooks)


async def test_an_order_of_ours_is_found_by_its_number() -> None:
    driver = Driver()
    assert await speaking(driver).find("c-1") == ()
    await speaking(driver).create(request())
    found = FoundDocument("1-1700000001", "SC-014", None, MARKER)
    assert await speaking(driver).find("c-1") == (found,)


async def test_a_marker_is_found_wherever_people_have_moved_it() -> None:
    driver = holding(order_record(Memo=f"Paid? {MARKER} see Kim"))
    assert [each.marker for each in await speaking(driver).find("c-1")] == [MARKER]


async def test_an_order_with_our_number_and_without_a_marker_may_be_ours() -> None:
    driver = holding(order_record(RefNumber="sc-014"))
    assert await speaking(driver).find("c-1") == (FoundDocument("A1-1700000999", "sc-014"),)
    assert await speaking(driver, allows_duplicate_numbers=True).find("c-1") == ()


async def test_an_order_of_another_commitment_is_not_ours_although_it_has_our_number() -> None:
    assert await speaking(holding(order_record(Memo=f"c-10/1/{HASH}"))).find("c-1") == ()


async def test_a_marker_that_the_text_of_another_order_quotes_does_not_count() -> None:
    driver = Driver()
    await speaking(driver).create(request(id="c-10", description=f"Was {MARKER} before"))
    assert await speaking(driver).find("c-1") == ()


async def test_a_known_order_is_found_by_its_id_although_people_have_changed_number_and_memo() -> None:
    driver = holding(order_record(RefNumber="OTHER", Memo=""))
    occasion = Occasion(FIRST, numbers=("SC-014",), document_ids=("A1-1700000999",))
    assert await speaking(driver, occasion).find("c-1") == (FoundDocument("A1-1700000999", "OTHER"),)


async def test_a_document_that_is_known_by_its_number_is_asked_for_by_it() -> None:
    driver = holding(order_record(RefNumber="PO-9"))
    occasion = Occasion(FIRST, document_ids=("PO-9",))
    assert await speaking(driver, occasion, allows_duplicate_numbers=True).find("c-1") == (
        FoundDocument("A1-1700000999", "PO-9"),
    )


async def test_both_orders_are_found_where_there_are_two() -> None:
    driver = holding(order_record(Memo=MARKER), order_record(TxnID="A2-1700000999", Memo=f"c-1/2/{HASH}"))
    assert [each.id for each in await speaking(driver).find("c-1")] == ["A1-1700000999", "A2-1700000999"]


async def test_a_number_that_no_order_can_have_is_not_asked_for() -> None:
    driver = Driver()
    assert await speaking(driver, Occasion(FIRST, numbers=("SC-014-LONGER", "Ő", " "))).find("c-1") == ()
    assert driver.asked == []


async def test_answers_that_hold_more_than_was_asked_for_are_looked_through() -> None:
    """The independent QuickBooks as it is ignores all filters, and gives orders a ListID."""
    quickbooks = FakeQuickBooks()
    driver = Driver(quickbooks)
    for number in ("SC-014", "SC-015", "SC-016"):
        await speaking(driver).create(request(id=f"c-{number}", number=number))
    found = await speaking(driver, Occasion("set-9", numbers=("SC-015",))).find("c-SC-015")
    assert [(each.id, each.number) for each in found] == [("PURCHASEORDER-2", "SC-015")]


async def test_an_order_without_an_id_is_not_overlooked() -> None:
    ours = ret([("RefNumber", "SC-014"), ("Memo", MARKER)])
    driver = Driver(scripted=[answer(f'<PurchaseOrderQueryRs statusCode="0">{ours}</PurchaseOrderQueryRs>')])
    assert await speaking(driver).find("c-1") == (UnreadableDocument("SC-014"),)


async def test_after_a_lost_write_its_kept_answer_says_that_it_landed() -> None:
    driver = Driver(scripted=[None])
    await speaking(driver).create(request())
    driver.asked.clear()
    found = await speaking(driver, LOST).find("c-1")
    assert [each.marker for each in found] == [MARKER]
    [question] = driver.asked
    assert f'oldMessageSetID="{FIRST}" newMessageSetID="{FIRST}"' in question.text
    assert not question.is_write


async def test_without_a_kept_answer_what_was_changed_since_the_day_before_is_looked_through() -> None:
    driver = holding(order_record(RefNumber="CHANGED", Memo=MARKER))
    found = await speaking(driver, LOST).find("c-1")
    assert [each.number for each in found] == ["CHANGED"]
    assert "<FromModifiedDate>2026-11-28T07:30:00</FromModifiedDate>" in driver.asked[1].text


@pytest.mark.parametrize(
    "kept",
    [
        answer(status="600"),
        answer(status="9001"),
        refused("PurchaseOrderAdd", 3140, 'There is an invalid reference to QuickBooks Vendor "V-9"'),
        Reply("<QBXML>"),
        Reply(""),
        answer(f'<PurchaseOrderAddRs statusCode="0">{ret([("TxnID", "1-1"), ("Memo", "other")])}</PurchaseOrderAddRs>'),
    ],
)
async def test_a_kept_answer_without_our_order_leads_to_the_question_for_it(kept: Reply) -> None:
    driver = Driver(scripted=[kept])
    assert await speaking(driver, LOST).find("c-1") == ()
    assert len(driver.asked) == 2


async def test_where_quickbooks_cannot_be_reached_the_question_ends_there() -> None:
    driver = Driver(scripted=[Reply("", "0x80040408", "Could not start QuickBooks.")])
    found = await speaking(driver, LOST).find("c-1")
    assert isinstance(found, Transient)
    assert not found.is_reached
    assert len(driver.asked) == 1


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (Reply(""), Transient),
        (Reply("<QBXML><QBXMLMsgsRs>"), Transient),
        (answer(), Transient),
        (answer(NO_MATCH, NO_MATCH), Transient),
        (refused("PurchaseOrderQuery", 1000, "internal"), Transient),
        (refused("PurchaseOrderQuery", 3250, "not enabled"), Refused),
        (Reply("", "0x80040400", "parse"), Refused),
        (Reply("", "0x80049999", "whatever"), Transient),
    ],
)
async def test_a_question_without_an_answer_says_nothing_of_the_orders(reply: Reply, expected: type) -> None:
    assert isinstance(await speaking(Driver(scripted=[reply])).find("c-1"), expected)


async def test_an_id_that_quickbooks_does_not_know_is_no_order() -> None:
    occasion = Occasion(FIRST, numbers=("SC-014",), document_ids=("A1-1700000999",))
    unknown = '<PurchaseOrderQueryRs requestID="1" statusCode="3000" statusSeverity="Error" statusMessage="invalid"/>'
    driver = Driver(scripted=[answer(unknown, NO_MATCH)])
    assert await speaking(driver, occasion).find("c-1") == ()


async def test_the_same_replies_lead_to_the_same_questions() -> None:
    asked = []
    for _ in range(2):
        driver = Driver(scripted=[None])
        await speaking(driver).create(request())
        connector = speaking(driver, LOST)
        await connector.find("c-1")
        assert isinstance(await connector.update("1-1700000001", request(2)), Landed)
        asked.append([each.text for each in driver.asked])
    assert asked[0] == asked[1]
