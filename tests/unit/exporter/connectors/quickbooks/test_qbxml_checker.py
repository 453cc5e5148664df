"""The checker of requests, which all tests of this folder rely on, finds each kind of mistake."""

import pytest

from tests.unit.exporter.connectors.quickbooks.qbxml_checker import problems

PROLOGUE = '<?xml version="1.0" encoding="utf-8"?><?qbxml version="13.0"?>'
LINE = "<PurchaseOrderLineAdd><ItemRef><FullName>A</FullName></ItemRef><Amount>1.00</Amount></PurchaseOrderLineAdd>"
HEAD = "<RefNumber>SC-014</RefNumber><Memo>m</Memo>"
ADD = (
    '<PurchaseOrderAddRq requestID="1"><PurchaseOrderAdd><VendorRef><FullName>Acme</FullName></VendorRef>'
    f"{HEAD}{LINE}</PurchaseOrderAdd></PurchaseOrderAddRq>"
)
ASK = '<PurchaseOrderQueryRq requestID="2"><RefNumber>SC-014</RefNumber></PurchaseOrderQueryRq>'
WRITE = 'onError="stopOnError" newMessageSetID="s"'
READ = 'onError="continueOnError"'


def message_set(requests: str, attributes: str = WRITE) -> str:
    return f"{PROLOGUE}<QBXML><QBXMLMsgsRq {attributes}>{requests}</QBXMLMsgsRq></QBXML>"


@pytest.mark.parametrize(
    "text",
    [message_set(ADD), message_set(ASK, READ), message_set("", f'{READ} oldMessageSetID="s" newMessageSetID="s"')],
)
def test_what_is_right_passes(text: str) -> None:
    assert problems(text) == []


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("<Memo>m</Memo>", "", []),
        (HEAD, "<Memo>m</Memo><RefNumber>1</RefNumber>", ["the order in PurchaseOrderAdd is wrong"]),
        ("SC-014", "SC-014-LONGER", ["RefNumber in PurchaseOrderAdd has 13 characters"]),
        ("Acme", "A" * 42, ["FullName in VendorRef has 42 characters"]),
        ("Acme", "Å", ["it has characters beyond ASCII"]),
        ("Acme", "&#337;", ["FullName in VendorRef has a character that QuickBooks does not keep"]),
        ("Memo", "Note", ["Note is unknown in PurchaseOrderAdd"]),
        ("1.00", "1.001", ["Amount in PurchaseOrderLineAdd is 1.001"]),
        ("<Memo>m</Memo>", "<Memo>m</Memo><Memo>n</Memo>", ["an element is repeated in PurchaseOrderAdd"]),
        ("</PurchaseOrderAddRq>", f"</PurchaseOrderAddRq>{ADD}", ["a write is not alone", "two requests have one id"]),
        ("</PurchaseOrderAddRq>", f"</PurchaseOrderAddRq>{ASK}", ["a write is not alone"]),
        (' newMessageSetID="s"', "", ["a write cannot be asked for later"]),
        ('"s"', f'"{"s" * 24}"', ["an id of the set is too long"]),
        (' requestID="1"', "", ["two requests have one id", "its attributes are wrong"]),
        ("<?qbxml", "<?qb", ["it does not begin as qbXML"]),
    ],
)  # fmt: skip
def test_a_mistake_is_found(old: str, new: str, found: list[str]) -> None:
    text = message_set(ADD)
    assert old in text
    assert [each for each in problems(text.replace(old, new)) if each != "two requests have one id"] == [
        each for each in found if each != "two requests have one id"
    ]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (message_set("", 'onError="stopOnError" oldMessageSetID="s"'), "it makes QuickBooks forget an answer"),
        (message_set(ASK, WRITE), "a question has an id"),
        (message_set(ASK, 'onError="ignore"'), "onError is none"),
        (message_set(ASK + ASK, READ), "two requests have one id"),
    ],
)
def test_a_wrong_message_set_is_found(text: str, found: str) -> None:
    assert problems(text) == [found]
