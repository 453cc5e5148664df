"""Tests of the content of a purchase, and of which of Tryton's records a commitment means."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from schemas.fields import Owner
from schemas.snapshot import Snapshot
from services.exporter.connectors.problem import Problem, refusal_of
from services.exporter.connectors.tryton_answer import FAILURES
from services.exporter.connectors.tryton_lookup import Found, names_of
from services.exporter.connectors.tryton_mapping import Mapped, mapped
from services.exporter.connectors.tryton_purchase import created_values, document_of, marker_in, updated_values
from services.exporter.connectors.tryton_rows import (
    CurrencyRow,
    PartyRow,
    ProductRow,
    PurchaseRow,
    UnitCategory,
    UnitRow,
)
from services.exporter.connectors.tryton_settings import TrytonSettings
from services.exporter.connectors.types import WriteRequest
from services.exporter.rules.failures import failure_of
from tests.unit.exporter.builders import commitment_json

FOUND = Found(
    parties=(PartyRow(id=2, code="V-9", name="Strong Concrete", addresses=(5, 6), supplier_payment_term=9),),
    currencies=(CurrencyRow(id=3, code="USD", rounding=Decimal("0.01")),),
    products=(ProductRow(id=4, code="03-300", purchasable=True, purchase_unit=UnitCategory(category=7, symbol="m³")),),
    units=(UnitRow(id=8, name="Cubic meter", symbol="m3", category=7, digits=2),),
)
LUMP_SUM = UnitRow(id=9, name="Lump sum", symbol="ls", category=1, digits=2)
ASLEEP = UnitRow(id=9, name="Lump sum", symbol="ls", category=7, digits=2, active=False)


def settings(**members: Any) -> TrytonSettings:
    required = {"name": "t", "kind": "tryton", "title": "T", "companies": ["co-1"], "url": "http://t.example"}
    return TrytonSettings.model_validate({**required, "database": "db", "user": "u", **members})


def a_request(**members: Any) -> WriteRequest:
    commitment = Snapshot.of(commitment_json() | members).commitment
    return WriteRequest("c-1", "c-1/1/abc", "co-1", 1, commitment)


def with_line(**members: Any) -> WriteRequest:
    return a_request(lines=[commitment_json()["lines"][0] | members])


def mapping_of(request: WriteRequest, found: Found = FOUND, **members: Any) -> Mapped | tuple[Problem, ...]:
    return mapped(request.commitment, settings(**members), found)


def mapped_well(request: WriteRequest) -> Mapped:
    mapping = mapping_of(request)
    assert isinstance(mapping, Mapped), mapping
    return mapping


def test_a_new_purchase_names_tryton_s_records_by_id() -> None:
    request = a_request()

    values = created_values(request, mapped_well(request), company=1)

    assert (values["company"], values["party"], values["invoice_address"]) == (1, 2, 5)
    assert (values["currency"], values["payment_term"]) == (3, 9)
    ((operation, (line,)),) = values["lines"]
    assert operation == "create"
    assert (line["product"], line["unit"], line["quantity"], line["sequence"]) == (4, 8, 12.5, 1)


@pytest.mark.parametrize(
    ("unit_cost", "written"), [("38420.00", "38420"), ("38420.5000", "38420.5"), ("1000", "1000"), ("0.00", "0")]
)
def test_zeros_at_the_end_of_a_price_do_not_count_as_digits(unit_cost: str, written: str) -> None:
    amount = str(Decimal(unit_cost) * Decimal("12.5"))
    request = with_line(unit_cost=unit_cost, amount=amount)

    values = created_values(request, mapped_well(request), company=1)

    assert str(values["lines"][0][1][0]["unit_price"]) == written


def test_an_update_replaces_the_lines_and_leaves_the_company() -> None:
    request = a_request()

    values = updated_values(request, mapped_well(request), PurchaseRow(id=1, state="draft", lines=(11, 12)))

    assert values["lines"][0] == ["delete", [11, 12]]
    assert values["lines"][1][0] == "create"
    assert "company" not in values


def test_an_update_leaves_alone_what_nobody_has_asked_for() -> None:
    """An accountant may have given the draft a date and a payment term."""
    request = a_request()
    (party,) = FOUND.parties
    found = replace(FOUND, parties=(party.model_copy(update={"supplier_payment_term": None}),))
    mapping = mapping_of(request, found)
    assert isinstance(mapping, Mapped)

    values = updated_values(request, mapping, PurchaseRow(id=1, state="draft"))

    assert values.keys().isdisjoint({"purchase_date", "payment_term", "company"})


def test_a_connection_s_own_failures_come_first() -> None:
    own = {"code": "UserError", "contains": "moon", "class": "retry_later", "sentence": "Wait for the sun."}

    table = FAILURES.after(settings(failure=[own]).failure)

    assert table.refusal("UserError", "The moon is full.").message == "Wait for the sun."
    assert table.refusal("UserError", "Something else.").message == "Something else."


def test_names_are_translated_by_the_settings() -> None:
    names = names_of(a_request().commitment, settings(vendors={"V-9": "P-1"}, units={"m3": "cbm"}, products={"x": "y"}))

    assert (names.party, names.units, names.products) == ("P-1", {"cbm"}, {"03-300"})


def test_all_lines_with_the_same_problem_are_told_at_once() -> None:
    first = commitment_json()["lines"][0]
    request = a_request(lines=[first | {"position": place, "cost_code": "09-900"} for place in (2, 5)])

    problems = mapping_of(request)

    assert isinstance(problems, tuple)
    message = refusal_of(problems, FAILURES).message
    assert "Line 2: cost code 09-900" in message
    assert "Line 5: cost code 09-900" in message


@pytest.mark.parametrize(
    ("units", "code", "owner", "words"),
    [
        ((), "default_unit_missing", Owner.ERP_ADMIN, "is not in Tryton."),
        ((ASLEEP,), "default_unit_inactive", Owner.ERP_ADMIN, "is deactivated"),
        (
            (LUMP_SUM,),
            "default_unit_of_other_kind",
            Owner.PROJECT_MANAGER,
            "does not fit product 03-300, which is bought in m³.",
        ),
    ],
)
def test_a_unit_that_nobody_typed_is_told_as_that_of_the_connection(
    units: tuple[UnitRow, ...], code: str, owner: Owner, words: str
) -> None:
    problems = mapping_of(with_line(unit=None), replace(FOUND, units=units), default_unit="ls")

    assert isinstance(problems, tuple)
    failure = failure_of(refusal_of(problems, FAILURES), is_in_erp=False)
    assert (failure.code, failure.owner) == (code, owner)
    assert failure.message.startswith("Line 1 has no unit, and ls, the unit of this connection for such lines, ")
    assert words in failure.message
    assert "default_unit" in failure.next_step


def test_a_unit_that_somebody_typed_is_told_as_the_line_s() -> None:
    problems = mapping_of(with_line(unit="ls"), replace(FOUND, units=(LUMP_SUM,)), default_unit="ls")

    assert isinstance(problems, tuple)
    assert [each.code for each in problems] == ["unit_of_other_kind"]


def test_a_quantity_beyond_what_tryton_keeps_exactly_is_refused() -> None:
    quantity = "123456789012345.5"

    problems = mapping_of(with_line(quantity=quantity, unit_cost="1", amount=quantity))

    assert isinstance(problems, tuple)
    assert [each.code for each in problems] == ["quantity_too_long"]


@pytest.mark.parametrize(
    ("quantity", "unit_cost", "amount"), [("1.5", "33.31", "49.96"), ("1.5", "33.33", "50.00"), ("-1", "2", "-2.00")]
)
def test_an_amount_is_rounded_as_tryton_rounds(quantity: str, unit_cost: str, amount: str) -> None:
    """To the even neighbour, which 49.965 and 49.995 show."""
    assert isinstance(mapping_of(with_line(quantity=quantity, unit_cost=unit_cost, amount=amount)), Mapped)


def test_every_problem_has_an_entry_of_its_own_in_the_table() -> None:
    codes = ("vendor_unlinked", "party_missing", "party_inactive", "product_missing", "product_inactive")
    codes += ("product_ambiguous", "product_not_bought", "cost_code_absent", "unit_absent", "unit_missing")
    codes += ("unit_inactive", "unit_ambiguous", "unit_of_other_kind", "quantity_too_long", "quantity_too_precise")
    codes += ("default_unit_missing", "default_unit_inactive", "default_unit_ambiguous", "default_unit_of_other_kind")
    codes += ("tax_missing", "tax_inactive", "tax_ambiguous", "currency_missing", "currency_inactive")
    codes += ("payment_term_missing", "amount_differs", "state_quotation", "state_processing", "state_done")

    assert [code for code in codes if FAILURES.find(code, "") is None] == []


def test_the_marker_is_the_line_that_looks_like_one() -> None:
    assert marker_in("Hello\n c-1/2/abc \nc-2/9/x", "c-1") == "c-1/2/abc"
    assert marker_in("c-11/2/abc", "c-1") is None
    assert marker_in(None, "c-1") is None


def test_a_document_opens_where_the_settings_say() -> None:
    with_page = settings(document_url="https://t.example/#db/model/purchase.purchase/{id}")

    assert document_of(7, with_page, None, None).url == "https://t.example/#db/model/purchase.purchase/7"
    assert document_of(7, settings(), None, None).url is None


@pytest.mark.parametrize(
    "member", [{"document_url": "https://t.example/"}, {"rounding_tolerance": "-1"}, {"databse": "x"}]
)
def test_settings_that_cannot_work_are_refused(member: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=next(iter(member))):
        settings(**member)
