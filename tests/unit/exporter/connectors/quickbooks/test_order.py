"""What a commitment becomes, and what keeps it from being sent."""

from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from schemas.limits import MAX_LINES
from services.exporter.connectors.types import Landed, Refused, Transient, Unknown
from tests.unit.exporter.connectors.quickbooks.order_requests import DAY, HASH, line, request, speaking
from tests.unit.exporter.connectors.quickbooks.qbxml_checker import tree_of
from tests.unit.exporter.connectors.quickbooks.quickbooks_driver import Driver


async def sent(settings: dict[str, Any] | None = None, **members: Any) -> ET.Element:
    """The order that is sent for a commitment with these members."""
    driver = Driver()
    answer = await speaking(driver, **(settings or {})).create(request(**members))
    assert isinstance(answer, Landed), answer
    [write] = driver.writes
    order = tree_of(write.text).find(".//PurchaseOrderAdd")
    assert order is not None
    return order


async def refused(settings: dict[str, Any] | None = None, **members: Any) -> Refused:
    """Why nothing was sent for a commitment with these members."""
    driver = Driver()
    answer = await speaking(driver, **(settings or {})).create(request(**members))
    assert isinstance(answer, Refused), answer
    assert driver.asked == []
    return answer


async def test_a_commitment_becomes_an_order() -> None:
    order = await sent(accounting_date=DAY, note="Call first", description="The whole scope")
    assert order.findtext("VendorRef/FullName") == "V-9"
    assert order.findtext("TxnDate") == "2026-11-30"
    assert order.findtext("RefNumber") == "SC-014"
    assert order.findtext("Memo") == f"c-1/1/{HASH} Concrete, level 2 Retainage 10.0 %. Call first The whole scope"
    [only] = order.findall("PurchaseOrderLineAdd")
    assert only.findtext("ItemRef/FullName") == "03-300"
    assert (only.findtext("Desc"), only.findtext("Quantity"), only.findtext("Amount")) == ("Slab", "12.5", "480250.00")
    assert only.findtext("CustomerRef/FullName") == "J-100"
    assert only.find("UnitOfMeasure") is None
    assert only.find("Rate") is None


async def test_the_number_that_an_approver_asked_for_comes_first() -> None:
    assert (await sent(erp_code="PO-77")).findtext("RefNumber") == "PO-77"


async def test_codes_are_mapped_and_what_looks_like_a_list_id_refers_by_it() -> None:
    mapped = {
        "vendors": {"V-9": "800000CD-1389650341"},
        "items": {"03-300": "Concrete:Slabs"},
        "jobs": {"J-100": "80000001-1389650342"},
        "units": {"m3": "cubic meter"},
        "tax_codes": {"V19": "Tax"},
        "sends_units": True,
    }
    order = await sent(mapped, lines=[line(tax_code="V19")])
    [only] = order.findall("PurchaseOrderLineAdd")
    assert order.findtext("VendorRef/ListID") == "800000CD-1389650341"
    assert only.findtext("ItemRef/FullName") == "Concrete:Slabs"
    assert only.findtext("CustomerRef/ListID") == "80000001-1389650342"
    assert (only.findtext("UnitOfMeasure"), only.findtext("SalesTaxCodeRef/FullName")) == ("cubic meter", "Tax")


async def test_names_may_look_like_list_ids_where_the_settings_say_so() -> None:
    mapped = {"vendors": {"V-9": "800000CD-1389650341"}, "refers_by_name": True}
    assert (await sent(mapped)).findtext("VendorRef/FullName") == "800000CD-1389650341"


async def test_a_project_without_a_job_code_is_known_by_its_number() -> None:
    project = {"id": "pr-1", "name": "Harbour Hall", "number": "P-204"}
    order = await sent({"jobs": {"P-204": "Harbor Group:Hall 3"}}, project=project)
    assert order.findtext("PurchaseOrderLineAdd/CustomerRef/FullName") == "Harbor Group:Hall 3"
    assert (await refused(project=project)).code == "job_unlinked"
    assert (await sent({"sends_job": False}, project=project)).find("PurchaseOrderLineAdd/CustomerRef") is None


async def test_a_line_without_a_cost_code_needs_a_default_item() -> None:
    lines = [line(cost_code=None)]
    assert (await refused(lines=lines)).code == "cost_code_absent"
    assert (await sent({"default_item": "Misc"}, lines=lines)).findtext(
        "PurchaseOrderLineAdd/ItemRef/FullName"
    ) == "Misc"


@pytest.mark.parametrize(
    ("quantity", "amount", "written"),
    [
        ("2.50000", "10", ("2.5", "10.00")),
        ("100", "-0.10", ("100", "-0.10")),
        ("0.00001", "999999999999999.99", ("0.00001", "999999999999999.99")),
        ("-1.5", "-0.00", ("-1.5", "0.00")),
        ("0", "500.00", (None, "500.00")),
        ("1", "10.500000", ("1", "10.50")),
    ],
)
async def test_amounts_have_cents_and_quantities_no_zeros(
    quantity: str, amount: str, written: tuple[str | None, str]
) -> None:
    order = await sent(lines=[line(quantity=quantity, amount=amount)])
    [only] = order.findall("PurchaseOrderLineAdd")
    assert (only.findtext("Quantity"), only.findtext("Amount")) == written


@pytest.mark.parametrize(
    ("members", "code", "words"),
    [
        ({"number": "SC-014-LONGER"}, "number_too_long", "SC-014-LONGER is longer than the 11 characters"),
        ({"erp_code": "SC-014-LONGER"}, "number_too_long", "SC-014-LONGER is longer than the 11 characters"),
        ({"number": "SC-Ő"}, "number_characters", "The number SC-Ő has characters"),
        ({"lines": []}, "lines_absent", "It has no lines"),
        ({"vendor": {"id": "v", "name": "Acme"}}, "vendor_unlinked", "Acme has no ERP code"),
        ({"vendor": {"id": "v", "name": "A", "erp_code": "A" * 42}}, "name_too_long", "longer than the 41 characters"),
        ({"vendor": {"id": "v", "name": "A", "erp_code": "中"}}, "name_characters", "The vendor 中 has characters"),
        ({"lines": [line(7, amount="1.001")]}, "amount_too_precise", "Line 7: The amount 1.001 has more than 2"),
        ({"lines": [line(7, quantity="1.000001")]}, "quantity_too_precise", "Line 7: The quantity 1.000001"),
        ({"lines": [line(7, description="x" * 4096)]}, "description_too_long", "Line 7: Its description"),
        ({"lines": [line(7, cost_code="x" * 160)]}, "name_too_long", "Line 7: The item"),
        ({"id": "c-中"}, "marker_characters", "c-中"),
    ],
)
async def test_what_cannot_be_written_is_refused_before_anything_is_sent(
    members: dict[str, Any], code: str, words: str
) -> None:
    refusal = await refused(**members)
    assert refusal.code == code
    assert words in refusal.message


async def test_all_lines_with_the_same_problem_are_named() -> None:
    refusal = await refused(lines=[line(each, amount="0.001") for each in (1, 2)])
    assert "Line 1:" in refusal.message
    assert "Line 2:" in refusal.message


async def test_a_long_memo_is_cut_behind_the_marker() -> None:
    memo = (await sent(description="x" * 20_000)).findtext("Memo") or ""
    assert len(memo) == 4_095
    assert memo.startswith(f"c-1/1/{HASH} Concrete")
    assert memo.endswith("...")


async def test_the_largest_commitment_is_written_whole() -> None:
    lines = [line(each, description="Größe " * 600) for each in range(1, MAX_LINES + 1)]
    order = await sent(lines=lines)
    assert len(order.findall("PurchaseOrderLineAdd")) == MAX_LINES


TEXTS = st.text(max_size=80).filter(lambda text: "\x00" not in text)
DECIMALS = st.decimals(-(10**9), 10**9, places=4).map(str)
LINES = st.lists(
    st.builds(
        line,
        cost_code=st.none() | TEXTS,
        description=st.none() | TEXTS,
        unit=st.none() | TEXTS,
        tax_code=st.none() | TEXTS,
        quantity=DECIMALS,
        amount=DECIMALS,
    ),
    max_size=4,
)


@hypothesis_settings(max_examples=150, deadline=None)
@given(number=TEXTS.filter(len), title=TEXTS.filter(len), vendor=st.none() | TEXTS, job=TEXTS, note=TEXTS, lines=LINES)
async def test_whatever_the_texts_a_request_is_right_or_refused(
    number: str, title: str, vendor: str | None, job: str, note: str, lines: list[dict[str, Any]]
) -> None:
    driver = Driver()
    asked = request(
        number=number,
        title=title,
        note=note,
        vendor={"id": "v", "name": "A", "erp_code": vendor},
        project={"id": "p", "name": "P", "erp_job_code": job},
        lines=[each | {"position": position} for position, each in enumerate(lines, start=1)],
    )
    answer = await speaking(driver, sends_units=True).create(asked)
    assert not isinstance(answer, (Transient, Unknown))
    assert isinstance(answer, Landed) == bool(driver.asked)
