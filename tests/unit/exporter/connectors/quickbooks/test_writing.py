"""A write has landed only if the order comes back as it was sent; it is in doubt where that is unclear."""

from dataclasses import replace
from typing import Any

import pytest
from qbwc_kit.testing import FakeQuickBooks
from structlog.testing import capture_logs

from schemas.fields import FailureClass
from services.exporter.connectors.protocol import Connector
from services.exporter.connectors.pull import Occasion, Reply
from services.exporter.connectors.quickbooks.reply import MAX_TAGS
from services.exporter.connectors.types import Gone, Landed, Refused, Transient, Unknown, WriteAnswer
from tests.unit.exporter.connectors.quickbooks.order_requests import FIRST, HASH, line, request, speaking
from tests.unit.exporter.connectors.quickbooks.qbxml_checker import tree_of
from tests.unit.exporter.connectors.quickbooks.quickbooks_driver import (
    Driver,
    FilteringQuickBooks,
    answer,
    order_record,
    refused,
    ret,
)

MARKER = f"c-1/1/{HASH}"
ID = "A1-1700000999"
LATER = request(2, content_hash="cd" * 32, title="Changed")
OURS = ret([("TxnID", ID), ("RefNumber", "SC-014"), ("Memo", f"{MARKER} Concrete")])
OUT_OF_DATE = refused("PurchaseOrderMod", 3200, "The edit sequence is out of date.")


async def created(reply: Reply) -> WriteAnswer:
    return await speaking(Driver(scripted=[reply])).create(request())


def added(*returned: str, code: int = 0) -> Reply:
    return answer(f'<PurchaseOrderAddRs statusCode="{code}">{"".join(returned)}</PurchaseOrderAddRs>')


async def holding(**members: Any) -> tuple[Driver, Connector]:
    """A driver to a QuickBooks with one order of ours, and a connector that has found it."""
    quickbooks = FilteringQuickBooks()
    quickbooks.orders.append(order_record(Memo=MARKER, **members))
    driver = Driver(quickbooks)
    connector = speaking(driver, Occasion(FIRST, numbers=("SC-014",)))
    await connector.find("c-1")
    driver.asked.clear()
    return driver, connector


def lines_sent(driver: Driver) -> list[tuple[str | None, str | None]]:
    """The id and the description of each line of the last change."""
    lines = tree_of(driver.writes[-1].text).iter("PurchaseOrderLineMod")
    return [(each.findtext("TxnLineID"), each.findtext("Desc")) for each in lines]


async def test_a_created_order_has_landed() -> None:
    landed = await created(added(OURS))
    assert isinstance(landed, Landed)
    assert [(each.id, each.number, each.marker) for each in landed.documents] == [(ID, "SC-014", MARKER)]


async def test_an_order_that_landed_with_a_warning_is_logged() -> None:
    warned = OURS.replace("</PurchaseOrderRet>", "<TotalAmount>1.00</TotalAmount></PurchaseOrderRet>")
    with capture_logs() as logs:
        assert isinstance(await created(added(warned, code=550)), Landed)
    assert [each["event"] for each in logs] == ["quickbooks.warned", "quickbooks.total_differs"]
    assert logs[0] == {
        "event": "quickbooks.warned",
        "log_level": "warning",
        "code": 550,
        "connection": "qb",
        "commitment_id": "c-1",
    }


@pytest.mark.parametrize(
    "reply",
    [
        added(),
        added(OURS, OURS),
        added(OURS.replace("SC-014", "SC-015")),
        added(OURS.replace(HASH, "ef" * 32)),
        added(OURS.replace("TxnID", "Other")),
        added(OURS.replace(MARKER, "by hand")),
        answer(),
        answer(status="9005"),
        answer('<PurchaseOrderModRs statusCode="0"/>'),
        answer('<PurchaseOrderAddRs statusCode="3140"/>', '<PurchaseOrderAddRs statusCode="0"/>'),
        answer('<PurchaseOrderAddRs statusCode="ok"/>'),
        answer('<PurchaseOrderAddRs statusCode=""/>'),
        refused("PurchaseOrderAdd", 1000, "internal error"),
        refused("PurchaseOrderAdd", 9002, "no stored response"),
    ],
)
async def test_an_answer_that_does_not_show_the_order_leaves_it_in_doubt(reply: Reply) -> None:
    unknown = await created(reply)
    assert isinstance(unknown, Unknown)
    assert unknown.is_reached
    assert unknown.refusal is None


async def test_every_beginning_of_an_answer_leaves_the_write_in_doubt() -> None:
    whole = added(OURS).text
    assert isinstance(await created(Reply(whole)), Landed)
    for length in range(len(whole)):
        assert isinstance(await created(Reply(whole[:length])), Unknown), length


@pytest.mark.parametrize(
    "before", ["\ufeff", "\n  ", '<?xml version="1.0" encoding="utf-16"?>\n<?qbxml version="13.0"?>']
)
async def test_what_stands_before_an_answer_does_not_matter(before: str) -> None:
    assert isinstance(await created(Reply(before + added(OURS).text)), Landed)


@pytest.mark.parametrize(
    "text",
    [
        '<!DOCTYPE QBXML [<!ENTITY a "b">]>' + added(OURS).text,
        '<?xml version="1.0"?><!DOCTYPE QBXML SYSTEM "file:///etc/passwd">' + added(OURS).text,
        added(OURS).text.replace("QBXMLMsgsRs", "QBXMLMsgsRq"),
        added(OURS).text.replace("QBXML>", "HTML>"),
        "<html>busy</html>",
        added(OURS).text.replace("SC-014", "&undefined;"),
        added(OURS).text.replace("SC-014", "\x00"),
        added(OURS).text + "\ud800",
        "<a>" * 100_000,
        added(OURS).text.replace("</QBXMLMsgsRs>", "<a/>" * MAX_TAGS + "</QBXMLMsgsRs>"),
    ],
)
async def test_a_text_that_is_no_answer_leaves_the_write_in_doubt(text: str) -> None:
    assert isinstance(await created(Reply(text)), Unknown)


@pytest.mark.parametrize("code", ["0x80040408", "0X8004040a", "-2147220472", " 0x80040414 ", "0x8004041D"])
async def test_a_write_that_certainly_did_not_reach_quickbooks_is_sent_again(code: str) -> None:
    transient = await created(Reply("", code, "Words of the Web Connector."))
    assert isinstance(transient, Transient)
    assert not transient.is_reached


@pytest.mark.parametrize("code", ["0x80040401", "0x80040402", "0x8004041C", "0x80010105", "0x1", "x", "-1"])
async def test_any_other_word_of_the_web_connector_leaves_a_write_in_doubt(code: str) -> None:
    unknown = await created(Reply("", code, "Unexpected error"))
    assert isinstance(unknown, Unknown)
    assert unknown.message == "Unexpected error."


@pytest.mark.parametrize("code", ["0x80040400", "0x80040423"])
async def test_a_request_that_cannot_be_read_is_for_the_admin(code: str) -> None:
    refusal = await created(Reply("", code, "error when parsing"))
    assert isinstance(refusal, Refused)
    assert refusal.failure_class == FailureClass.FIX_SETUP


@pytest.mark.parametrize(
    ("code", "words", "failure_class", "said"),
    [
        (3140, 'reference to QuickBooks Vendor "Acme"', "wait_for_dependency", "Vendor Acme is not in QuickBooks"),
        (3140, 'reference to QuickBooks Item "03-300" in the', "wait_for_dependency", "Line 1: Item 03-300 is not in"),
        (3140, 'reference to QuickBooks Customer "J-100"', "wait_for_dependency", "Job J-100 is not in QuickBooks"),
        (3140, 'reference to QuickBooks SalesTaxCode "X"', "wait_for_dependency", "Sales tax code X is not in"),
        (3070, "The string is too long", "fix_data", "The string is too long."),
        (3020, "There was an error converting the date", "fix_data", "converting the date"),
        (3171, "before the closing date of the company", "fix_data", "The books are closed for this date"),
        (3250, "This feature is not enabled", "fix_setup", "Purchase orders are not switched on"),
        (3260, "Insufficient permission level", "fix_setup", "may not do this in QuickBooks"),
        (3180, "There was an error when saving", "wait_for_dependency", "could not save the order"),
        (3999, "Something new", "fix_setup", "Something new."),
    ],
)  # fmt: skip
async def test_a_refusal_says_who_acts(code: int, words: str, failure_class: str, said: str) -> None:
    refusal = await created(refused("PurchaseOrderAdd", code, words))
    assert isinstance(refusal, Refused)
    assert (refusal.failure_class, refusal.code) == (failure_class, str(code))
    assert said in refusal.message


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (3170, "This list has been modified by another user."),
        (3180, "The internals could not be locked. They are in use."),
        (3180, "QuickBooks failed to acquire the lock"),
        (3170, "The list element is in use."),
        (3175, "The object is in use"),
        (3176, "A related object is in use"),
        (3231, "The request has not been processed."),
    ],
)
async def test_what_somebody_is_working_on_is_sent_again_later(code: int, words: str) -> None:
    transient = await created(refused("PurchaseOrderAdd", code, words))
    assert isinstance(transient, Transient)
    assert (transient.is_reached, transient.code) == (True, str(code))


async def test_an_operator_knows_quickbooks_better() -> None:
    own = {"code": "3180", "contains": "budget", "class": "fix_data", "sentence": "{erp} has no budget: {text}"}
    driver = Driver(scripted=[refused("PurchaseOrderAdd", 3180, "over budget")])
    refusal = await speaking(driver, failure=[own]).create(request())
    assert isinstance(refusal, Refused)
    assert refusal.message == "QuickBooks has no budget: over budget."


async def test_a_change_keeps_the_lines_in_their_places_and_drops_the_others() -> None:
    driver = Driver()
    await speaking(driver).create(request(lines=[line(1), line(2, description="Wall"), line(3)]))
    connector = speaking(driver, Occasion("set-2", numbers=("SC-014",)))
    [found] = await connector.find("c-1")  # type: ignore[misc]
    changed = request(2, lines=[line(1, amount="7.00"), line(2, description="Roof")])
    assert isinstance(await connector.update(found.id, changed), Landed)
    assert lines_sent(driver) == [("1F-1700000000", "Slab"), ("2F-1700000000", "Roof")]
    grown = request(3, lines=[line(each) for each in (1, 2, 3, 4)])
    connector = speaking(driver, Occasion("set-3", numbers=("SC-014",)))
    await connector.find("c-1")
    assert isinstance(await connector.update(found.id, grown), Landed)
    assert [each for each, _ in lines_sent(driver)] == ["1F-1700000000", "2F-1700000000", "-1", "-1"]
    assert len(driver.quickbooks.orders) == 1  # type: ignore[attr-defined]


async def test_a_line_whose_former_one_has_a_part_that_it_lacks_is_a_new_one() -> None:
    driver = Driver()
    await speaking(driver).create(request(lines=[line(1, tax_code="V19"), line(2)]))
    connector = speaking(driver, Occasion("set-2", numbers=("SC-014",)))
    await connector.find("c-1")
    assert isinstance(await connector.update("1-1700000001", request(2, lines=[line(1), line(2)])), Landed)
    assert [each for each, _ in lines_sent(driver)] == ["-1", "2F-1700000000"]


async def test_an_order_that_was_not_found_before_is_asked_for() -> None:
    driver = Driver()
    await speaking(driver).create(request())
    driver.asked.clear()
    assert isinstance(await speaking(driver, Occasion("set-2")).update("1-1700000001", LATER), Landed)
    assert [each.is_write for each in driver.asked] == [False, True]


async def test_an_order_that_is_not_there_is_gone() -> None:
    driver = Driver()
    assert isinstance(await speaking(driver).update(ID, LATER), Gone)
    assert driver.writes == []


async def test_an_order_that_goes_at_the_last_moment_is_gone() -> None:
    driver, connector = await holding()
    driver.quickbooks.orders[0]["PurchaseOrderLineRet"] = {"TxnLineID": "1F-1"}  # type: ignore[attr-defined]
    driver.scripted = [
        None,
        refused("PurchaseOrderMod", 3120, f'Object "{ID}" specified in the request cannot be found.'),
    ]
    driver.scripted[0] = Reply(driver.quickbooks(_question_for_the_order()))
    assert isinstance(await connector.update(ID, LATER), Gone)


async def test_something_else_that_is_not_found_is_no_reason_to_call_the_order_gone() -> None:
    driver, connector = await holding(PurchaseOrderLineRet={"TxnLineID": "1F-1"})
    driver.scripted = [refused("PurchaseOrderMod", 3120, 'Object "80000001-1" cannot be found.')]
    refusal = await connector.update(ID, LATER)
    assert isinstance(refusal, Refused)
    assert not isinstance(refusal, Gone)


async def test_a_change_after_somebody_elses_is_made_once_more_with_an_id_of_its_own() -> None:
    driver, connector = await holding(PurchaseOrderLineRet={"TxnLineID": "1F-1"})
    driver.quickbooks.orders[0]["EditSequence"] = "8"  # type: ignore[attr-defined]
    assert isinstance(await connector.update(ID, LATER), Landed)
    assert [each.message_set_id for each in driver.asked] == [FIRST, None, f"{FIRST}2"]
    assert [
        f"<EditSequence>{each}<" in question.text for each, question in zip((7, 8), driver.writes, strict=True)
    ] == [
        True,
        True,
    ]


async def test_a_change_that_is_always_too_late_is_tried_again_later() -> None:
    driver, connector = await holding(PurchaseOrderLineRet={"TxnLineID": "1F-1"})
    read = Reply(driver.quickbooks(_question_for_the_order()))
    driver.scripted = [OUT_OF_DATE, read, OUT_OF_DATE]
    assert isinstance(await connector.update(ID, LATER), Transient)
    assert len(driver.writes) == 2


async def test_a_change_that_landed_although_it_seemed_too_late_has_landed() -> None:
    driver, connector = await holding(PurchaseOrderLineRet={"TxnLineID": "1F-1"})
    driver.quickbooks.orders[0]["Memo"] = LATER.marker  # type: ignore[attr-defined]
    driver.scripted = [OUT_OF_DATE]
    assert isinstance(await connector.update(ID, LATER), Landed)
    assert len(driver.writes) == 1


async def test_a_change_that_is_made_already_is_not_made_again() -> None:
    driver, connector = await holding()
    assert isinstance(await connector.update(ID, request()), Landed)
    assert driver.writes == []


async def test_an_order_of_another_commitment_is_not_changed() -> None:
    quickbooks = FilteringQuickBooks()
    quickbooks.orders.append(order_record(Memo=f"c-10/1/{HASH}"))
    driver = Driver(quickbooks)
    assert isinstance(await speaking(driver).update(ID, LATER), Gone)
    assert driver.writes == []


@pytest.mark.parametrize(
    "members",
    [
        {"IsManuallyClosed": "true"},
        {"IsFullyReceived": "true", "PurchaseOrderLineRet": {"TxnLineID": "1F-1", "ReceivedQuantity": "2"}},
    ],
)
async def test_a_closed_order_is_not_changed(members: dict[str, Any]) -> None:
    driver, connector = await holding(**members)
    refusal = await connector.update(ID, LATER)
    assert isinstance(refusal, Refused)
    assert refusal.code == "document_closed"
    assert driver.writes == []


async def test_an_order_of_lump_sums_counts_as_received_and_is_changed() -> None:
    _, connector = await holding(IsFullyReceived="true", PurchaseOrderLineRet={"TxnLineID": "1F-1"})
    assert isinstance(await connector.update(ID, LATER), Landed)


async def test_a_change_that_names_another_order_is_in_doubt() -> None:
    driver, connector = await holding(PurchaseOrderLineRet={"TxnLineID": "1F-1"})
    other = ret([("TxnID", "B2-1700000999"), ("RefNumber", "SC-014"), ("Memo", LATER.marker)])
    driver.scripted = [answer(f'<PurchaseOrderModRs statusCode="0">{other}</PurchaseOrderModRs>')]
    assert isinstance(await connector.update(ID, LATER), Unknown)


async def test_the_independent_quickbooks_as_it_is_takes_both_kinds_of_write() -> None:
    quickbooks = FakeQuickBooks()
    driver = Driver(quickbooks)
    landed = await speaking(driver).create(request())
    assert isinstance(landed, Landed)
    assert [(each.id, each.marker) for each in landed.documents] == [("PURCHASEORDER-1", MARKER)]
    quickbooks.entities["PurchaseOrder"].append(order_record(RefNumber="SC-015", Memo=f"c-2/1/{HASH}"))
    changed = replace(request(2, id="c-2", number="SC-015"), reference="c-2")
    assert isinstance(await speaking(driver, Occasion("set-2")).update(ID, changed), Landed)


async def test_a_repeated_write_is_not_carried_out_twice() -> None:
    driver = Driver()
    await speaking(driver).create(request())
    assert isinstance(await speaking(driver).create(request()), Landed)
    assert len(driver.quickbooks.orders) == 1  # type: ignore[attr-defined]


def _question_for_the_order() -> str:
    query = f"<PurchaseOrderQueryRq><TxnID>{ID}</TxnID></PurchaseOrderQueryRq>"
    return f'<QBXML><QBXMLMsgsRq onError="stopOnError">{query}</QBXMLMsgsRq></QBXML>'


async def test_the_refusal_of_another_order_fails_none() -> None:
    refusal = '<PurchaseOrderAddRs requestID="set-0-2-1" statusCode="3140" statusSeverity="Error" statusMessage="x"/>'
    driver = Driver(scripted=[answer(refusal)])

    unknown = await speaking(driver).create(request())

    assert isinstance(unknown, Unknown)
    assert "another question" in unknown.message
