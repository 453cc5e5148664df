"""What a company file answers to purchase orders, in QuickBooks' own codes."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sandbox.quickbooks.books import company_file
from sandbox.quickbooks.company_file import CompanyFile
from sandbox.quickbooks.journal import Did, Journal
from tests.qbxml_requests import HEAD, LINE, MARKER, Answered, a_mod, a_query, an_add, answered, message_set

ORDER = "PurchaseOrderRet"


def a_clock() -> Iterator[datetime]:
    now = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
    while True:
        now += timedelta(milliseconds=1)
        yield now


@pytest.fixture
def file() -> CompanyFile:
    made = company_file(Journal())
    ticks = a_clock()
    made._clock = lambda: next(ticks)
    return made


def ask(file: CompanyFile, *requests: str, **attributes: str) -> Answered:
    return answered(file.process(message_set(*requests, **attributes)))


def add(file: CompanyFile, *lines: dict[str, Any], **changes: Any) -> Answered:
    return ask(file, an_add(*lines, **changes), newMessageSetID=f"set-{len(file.journal.entries)}")


def change(file: CompanyFile, before: Answered, *lines: dict[str, Any], **changes: Any) -> Answered:
    request = a_mod(before.text(f"{ORDER}/TxnID"), before.text(f"{ORDER}/EditSequence"), *lines, **changes)
    return ask(file, request, newMessageSetID=f"set-{len(file.journal.entries)}")


def test_a_purchase_order_is_added_with_computed_amounts(file: CompanyFile) -> None:
    added = add(file, LINE, LINE | {"Quantity": "500"})

    assert (added.code, added.message, added.set_code) == (0, "Status OK", "0")
    assert added.texts(f"{ORDER}/PurchaseOrderLineRet/Amount") == ["81702.75", "398550.00"]
    assert added.text(f"{ORDER}/TotalAmount") == "480252.75"
    assert added.text(f"{ORDER}/TxnID").endswith("-1795867200")
    assert added.text(f"{ORDER}/VendorRef/ListID").startswith("80000001-")
    assert len(set(added.texts(f"{ORDER}/PurchaseOrderLineRet/TxnLineID"))) == 2
    assert file.journal.created() == {"commitment-8841": 1}


def test_a_number_may_be_there_twice_and_one_is_given_where_none_is_asked_for(file: CompanyFile) -> None:
    numbers = [add(file, RefNumber=number).text(f"{ORDER}/RefNumber") for number in ("SC-014", "SC-014", None, None)]

    assert numbers == ["SC-014", "SC-014", "1001", "1002"]
    assert file.journal.created() == {"commitment-8841": 4}


def test_a_rate_is_what_the_amount_makes_of_the_quantity_in_plain_digits(file: CompanyFile) -> None:
    told = answered(file.process(message_set(an_add({"ItemRef": LINE["ItemRef"], "Quantity": "3", "Amount": "30.00"}))))

    assert told.text("PurchaseOrderRet/PurchaseOrderLineRet/Rate") == "10"


@pytest.mark.parametrize(
    ("changes", "line", "code", "words"),
    [
        ({"VendorRef": {"FullName": "NOBODY"}}, {}, 3140, 'QuickBooks Vendor "NOBODY" in the PurchaseOrder.'),
        ({"VendorRef": {"ListID": "8F-1"}}, {}, 3140, 'QuickBooks Vendor "8F-1" in the PurchaseOrder.'),
        ({}, {"ItemRef": {"FullName": "99-999"}}, 3140, 'QuickBooks Item "99-999" in the PurchaseOrder line.'),
        ({}, {"CustomerRef": {"FullName": "J-0"}}, 3140, 'QuickBooks Customer "J-0" in the PurchaseOrder line.'),
        ({"RefNumber": "SC-014-LONG1"}, {}, 3070, 'The string "SC-014-LONG1" in the field "RefNumber" is too long.'),
        ({"Memo": "x" * 4096}, {}, 3070, 'in the field "Memo" is too long. The maximum length is 4095.'),
        ({"TxnDate": "28.11.2026"}, {}, 3020, '"28.11.2026" in the field "TxnDate"'),
        ({"VendorRef": {"ListID": "acme"}}, {}, 3000, 'object ID "acme" in the field "ListID" is invalid.'),
        ({}, {"Amount": "1.234", "Rate": None, "CustomerRef": None}, 3040, '"1.234" in the field "Amount"'),
        ({}, {"Rate": "1.234567"}, 3045, '"1.234567" in the field "Rate"'),
        ({}, {"Quantity": "many"}, 3060, '"many" in the field "Quantity"'),
        ({"VendorRef": None}, {}, 3180, "You must specify a vendor."),
    ],
)
def test_what_quickbooks_refuses_it_names_and_does_not_store(
    file: CompanyFile, changes: dict[str, Any], line: dict[str, Any], code: int, words: str
) -> None:
    refused = add(file, LINE | line, **changes)

    assert refused.code == code
    assert words in refused.message
    assert refused.first.get("statusSeverity") == "Error"
    assert not file.orders
    assert [each.did for each in file.journal.entries] == [Did.REFUSED]


def test_an_order_without_lines_is_refused(file: CompanyFile) -> None:
    request = (
        "<PurchaseOrderAddRq><PurchaseOrderAdd><VendorRef><FullName>ACME</FullName></VendorRef></PurchaseOrderAdd>"
    )

    assert ask(file, f"{request}</PurchaseOrderAddRq>").code == 3180


def test_a_change_keeps_the_id_and_gives_another_edit_sequence(file: CompanyFile) -> None:
    added = add(file)
    changed = change(file, added, Memo="by hand")

    assert changed.text(f"{ORDER}/TxnID") == added.text(f"{ORDER}/TxnID")
    assert changed.text(f"{ORDER}/EditSequence") != added.text(f"{ORDER}/EditSequence")
    assert changed.text(f"{ORDER}/Memo") == "by hand"
    assert changed.text(f"{ORDER}/RefNumber") == HEAD["RefNumber"]
    assert changed.texts(f"{ORDER}/PurchaseOrderLineRet/TxnLineID") == added.texts(
        f"{ORDER}/PurchaseOrderLineRet/TxnLineID"
    )


def test_lines_that_a_change_does_not_name_are_deleted_and_new_ones_are_added(file: CompanyFile) -> None:
    added = add(file, LINE, LINE | {"Desc": "Concrete, level 2"})
    first, second = added.texts(f"{ORDER}/PurchaseOrderLineRet/TxnLineID")
    changed = change(file, added, {"TxnLineID": second, "Quantity": "10"}, {"TxnLineID": "-1", **LINE, "Desc": "New"})

    ids = changed.texts(f"{ORDER}/PurchaseOrderLineRet/TxnLineID")
    assert (ids[0], ids[1] in (first, second)) == (second, False)
    assert changed.texts(f"{ORDER}/PurchaseOrderLineRet/Desc") == ["Concrete, level 2", "New"]
    assert changed.texts(f"{ORDER}/PurchaseOrderLineRet/Amount") == ["7971.00", "81702.75"]


def test_a_change_with_an_old_edit_sequence_is_refused(file: CompanyFile) -> None:
    added = add(file)
    change(file, added, Memo="first")
    stale = change(file, added, Memo="second")

    assert (stale.code, "is out-of-date" in stale.message) == (3200, True)
    (order,) = file.orders.values()
    assert order.head["Memo"] == "first"


def test_what_is_not_there_cannot_be_changed(file: CompanyFile) -> None:
    added = add(file)
    line = change(file, added, {"TxnLineID": "FF-1", "Desc": "x"})
    file.delete_by_hand(added.text(f"{ORDER}/TxnID"))
    order = change(file, added, Memo="x")

    assert (line.code, order.code) == (3120, 3120)
    assert 'Object "FF-1"' in line.message


def test_a_change_with_one_bad_line_changes_nothing(file: CompanyFile) -> None:
    added = add(file)
    (line,) = added.texts(f"{ORDER}/PurchaseOrderLineRet/TxnLineID")
    refused = change(
        file, added, {"TxnLineID": line, "Desc": "changed"}, {"TxnLineID": "-1", "ItemRef": {"FullName": "?"}}, Memo="x"
    )

    (order,) = file.orders.values()
    assert refused.code == 3140
    assert (order.head["Memo"], order.lines[0]["Desc"]) == (MARKER, LINE["Desc"])


def test_orders_are_found_by_id_by_number_and_by_the_time_of_their_change(file: CompanyFile) -> None:
    txn_id = add(file).text(f"{ORDER}/TxnID")
    add(file, RefNumber="PO-099")
    found = [
        ask(file, a_query("PurchaseOrder", **parts)).texts(f"{ORDER}/RefNumber")
        for parts in (
            {"TxnID": txn_id},
            {"RefNumber": ["sc-014", "po-099"]},
            {"RefNumberCaseSensitive": "sc-014"},
            {"RefNumberFilter": {"MatchCriterion": "StartsWith", "RefNumber": "PO"}},
            {"ModifiedDateRangeFilter": {"FromModifiedDate": "2026-11-28T11:00:00"}},
            {"ModifiedDateRangeFilter": {"ToModifiedDate": "2026-11-28T11:00:00+00:00"}},
        )
    ]

    assert found == [["SC-014"], ["SC-014", "PO-099"], [], ["PO-099"], ["SC-014", "PO-099"], []]


def test_a_query_returns_lines_and_elements_only_where_it_asks_for_them(file: CompanyFile) -> None:
    add(file)
    bare = ask(file, a_query("PurchaseOrder", RefNumber="SC-014"))
    whole = ask(file, a_query("PurchaseOrder", RefNumber="SC-014", IncludeLineItems="true"))
    few = ask(file, a_query("PurchaseOrder", RefNumber="SC-014", IncludeRetElement=["TxnID", "Memo"]))

    assert bare.texts(f"{ORDER}/PurchaseOrderLineRet") == []
    assert len(whole.texts(f"{ORDER}/PurchaseOrderLineRet")) == 1
    assert [each.tag for each in few.first[0]] == ["TxnID", "Memo"]


def test_a_query_without_a_match_says_so(file: CompanyFile) -> None:
    unknown = ask(file, a_query("PurchaseOrder", TxnID="1A2B-1700000000"))
    nothing = ask(file, a_query("PurchaseOrder", RefNumber="SC-014"))

    assert (unknown.code, unknown.first.get("statusSeverity")) == (500, "Warn")
    assert '"1A2B-1700000000"' in unknown.message
    assert (nothing.code, nothing.first.get("statusSeverity")) == (1, "Info")


def test_after_an_error_the_rest_of_a_set_is_left_out_unless_it_goes_on(file: CompanyFile) -> None:
    bad, good = a_query("PurchaseOrder", TxnID="?"), a_query("PurchaseOrder", RefNumber="SC-014")

    codes = {
        on_error: [each.get("statusCode") for each in ask(file, bad, good, onError=on_error).root[0]]
        for on_error in ("stopOnError", "continueOnError")
    }

    assert codes == {"stopOnError": ["3000", "3231"], "continueOnError": ["3000", "1"]}


def test_two_writes_in_a_set_and_a_write_without_an_id_break_rules(file: CompanyFile) -> None:
    ask(file, an_add(), an_add(), newMessageSetID="two")
    ask(file, an_add())

    assert file.journal.violations == ["2 writes in one message set", "PurchaseOrderAddRq without a newMessageSetID"]


def test_a_backup_brings_everything_back_but_the_journal(file: CompanyFile) -> None:
    add(file)
    backup = file.snapshot()
    kept = ask(file, an_add(RefNumber="PO-099"), newMessageSetID="after")
    file.restore(backup)
    forgotten = ask(file, newMessageSetID="after", oldMessageSetID="after")

    assert kept.code == 0
    assert [each.ref_number for each in file.orders.values()] == ["SC-014"]
    assert forgotten.set_code == "9002"
    assert len([each for each in file.journal.entries if each.did is Did.CREATED]) == 2
