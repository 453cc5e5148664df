"""Whatever QuickBooks' parser refuses makes the whole set fail, with nothing done."""

import pytest

from sandbox.quickbooks.books import company_file
from sandbox.quickbooks.hresult import Hresult, HresultError
from sandbox.quickbooks.journal import Did, Journal
from tests.qbxml_requests import a_query, an_add, message_set

GOOD = an_add()
NO_ID = "<PurchaseOrderMod><EditSequence>1</EditSequence></PurchaseOrderMod>"


@pytest.mark.parametrize(
    ("text", "flaw"),
    [
        ("", "Document is empty"),
        (message_set(GOOD)[:-20], "line 1"),
        (message_set(GOOD).replace("?><?qbxml", "?><!DOCTYPE QBXML []><?qbxml"), "DOCTYPE"),
        (message_set(GOOD).replace('<?qbxml version="13.0"?>', ""), "qbxml version"),
        (message_set(GOOD, version="17.0"), "qbxml version"),
        (message_set(GOOD).replace(' onError="stopOnError"', ""), "onError"),
        (message_set(GOOD, onError="rollbackOnError"), "onError"),
        (message_set(GOOD, messageSetID="x"), "no attribute messageSetID"),
        (message_set("<VendorAddRq/>"), "VendorAddRq is unknown"),
        (message_set(GOOD.replace('requestID="1"', 'requestId="1"')), "no attribute requestId"),
        (message_set(GOOD.replace('requestID="1"', f'requestID="{"1" * 51}"')), "requestID is too long"),
        (message_set(a_query("Vendor", 'iterator="Next"')), "iterator"),
        (message_set(a_query("Vendor", ActiveStatus="Some")), "element ActiveStatus has a value"),
        (
            message_set(a_query("Vendor", MaxReturned="5", FullName="ACME")),
            "element FullName is unknown or in the wrong",
        ),
        (
            message_set(a_query("Vendor", FullName="ACME", MaxReturned="5")),
            "FullName and MaxReturned exclude each other",
        ),
        (message_set(a_query("PurchaseOrder", TxnID="1-1", RefNumber="1")), "TxnID and RefNumber exclude each other"),
        (message_set(GOOD.replace("Memo>", "Note>")), "element Note is unknown or in the wrong place"),
        (message_set("<PurchaseOrderAddRq/>"), "element PurchaseOrderAdd is missing in PurchaseOrderAddRq"),
        (
            message_set(GOOD.replace("<RefNumber>SC-014</RefNumber>", "").replace("</Memo>", "</Memo><RefNumber/>")),
            "element RefNumber is unknown or in the wrong place in PurchaseOrderAdd",
        ),
        (
            message_set(an_add({"Desc": "x", "ItemRef": {"FullName": "03-300"}})),
            "element ItemRef is unknown or in the wrong place in PurchaseOrderLineAdd",
        ),
        (message_set(GOOD.replace("<Memo>", "<Memo>1</Memo><Memo>")), "element Memo is unknown or in the wrong place"),
        (message_set(GOOD.replace("<Memo>", "<Memo><b/>")), "element Memo has parts"),
        (
            message_set(
                "<PurchaseOrderModRq><PurchaseOrderMod><EditSequence>1</EditSequence></PurchaseOrderMod></PurchaseOrderModRq>"
            ),
            "element TxnID is missing before EditSequence",
        ),
    ],
)
def test_a_set_that_the_parser_refuses_fails_as_a_whole(text: str, flaw: str) -> None:
    file = company_file(Journal())

    with pytest.raises(HresultError) as failed:
        file.process(text)

    assert failed.value.hresult is Hresult.UNREADABLE
    assert flaw in failed.value.detail
    assert not file.orders
    assert [each.did for each in file.journal.entries] == [Did.FAILED]


def test_comments_change_nothing() -> None:
    file = company_file(Journal())

    file.process(message_set("<!-- before -->", GOOD.replace("<Memo>", "<!-- a memo --><Memo>")))

    assert len(file.orders) == 1
