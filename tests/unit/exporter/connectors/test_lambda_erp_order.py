"""An order of Lambda ERP is exactly what was approved, or it is not written."""

from datetime import date
from decimal import Decimal
from itertools import islice
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.commitment import Commitment
from services.exporter.connectors.lambda_erp_order import Unfit, order_of, own_reference, references, unfit
from services.exporter.connectors.types import WriteRequest
from tests.unit.exporter.builders import commitment_json

_AMOUNTS = st.decimals(0, Decimal("9999999999.99"), places=2)
_FACTORS = st.decimals(0, 100_000, places=6)


def request(erp_code: str | None = None, **members: Any) -> WriteRequest:
    commitment = Commitment.model_validate(commitment_json() | members)
    return WriteRequest("c-1", "c-1/1/abc", "co-1", 1, commitment, erp_code)


def line(amount: str, quantity: str = "1", unit_cost: str | None = None, position: int = 1) -> dict[str, Any]:
    return {"position": position, "quantity": quantity, "unit_cost": unit_cost or amount, "amount": amount}


def erp_amount(item: dict[str, Any]) -> float:
    """What Lambda ERP makes of an item: it multiplies in binary fractions and rounds to two decimals."""
    return round(float(item["rate"]) * float(item["qty"]), 2)


def test_a_commitment_becomes_an_order() -> None:
    order = order_of(request(), "Miller Build", "V-9")
    assert (order["company"], order["supplier"], order["currency"]) == ("Miller Build", "V-9", "USD")
    assert order["items"] == [
        {
            "item_name": "03-300",
            "description": "Slab",
            "qty": "12.5",
            "uom": "m3",
            "rate": "38420.00",
            "external_line_reference": "1",
        }
    ]
    assert "transaction_date" not in order


def test_the_marker_is_a_line_of_its_own() -> None:
    remarks = order_of(request(), "Miller Build", "V-9")["remarks"]
    assert remarks.startswith("c-1/1/abc\nSC-014 ")


def test_an_accounting_date_becomes_the_orders_date() -> None:
    asked = WriteRequest("c-1", "m", "co-1", 1, request().commitment, accounting_date=date(2026, 11, 30))
    assert order_of(asked, "Miller Build", "V-9")["transaction_date"] == "2026-11-30"


def test_a_line_without_words_has_the_commitments_title() -> None:
    (item,) = order_of(request(lines=[line("5.00")], total="5.00"), "Miller Build", "V-9")["items"]
    assert (item["description"], item["item_name"]) == ("Concrete, level 2", None)


@given(_AMOUNTS, _FACTORS, _FACTORS)
def test_the_erp_always_comes_to_the_approved_amount(amount: Decimal, quantity: Decimal, unit_cost: Decimal) -> None:
    asked = request(lines=[line(str(amount), str(quantity), str(unit_cost))], total=str(amount))
    assert unfit(asked) is None
    (item,) = order_of(asked, "Miller Build", "V-9")["items"]
    assert Decimal(str(erp_amount(item))) == amount
    assert float(item["qty"]) > 0
    assert float(item["rate"]) >= 0


@given(_FACTORS, _FACTORS)
def test_quantity_and_unit_cost_are_kept_where_the_erp_multiplies_as_we_do(quantity: Decimal, cost: Decimal) -> None:
    amount = str(round(float(quantity) * float(cost), 2))
    (item,) = order_of(request(lines=[line(amount, str(quantity), str(cost))]), "Miller Build", "V-9")["items"]
    assert (item["qty"], item["rate"]) == ((str(quantity), str(cost)) if quantity else ("1", amount))


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"lines": [line("-5.00")], "total": "-5.00"}, Unfit("negative_line", "1")),
        ({"lines": [line("5.001")], "total": "5.001"}, Unfit("amount_precision", "1")),
        ({"lines": [line("900000000000000.11")], "total": "900000000000000.11"}, Unfit("amount_precision", "1")),
        ({"lines": [line("5.00"), line("5.00", position=2)], "total": "10.01"}, Unfit("total_differs", "10.01")),
        ({"erp_code": "PO/7"}, Unfit("number_with_slash", "PO/7")),
    ],
)
def test_what_the_erp_would_store_otherwise_is_not_sent(members: dict[str, Any], reason: Unfit) -> None:
    assert unfit(request(**members)) == reason


def test_the_usual_commitment_fits() -> None:
    assert unfit(request("PO-7")) is None


@pytest.mark.parametrize("reference", ["c-1", "c~1x", "~", "c-1~", "7"])
def test_every_reference_of_a_commitment_leads_back_to_it(reference: str) -> None:
    assert [own_reference(each) for each in islice(references(reference), 12)] == [reference] * 12


def test_the_first_reference_is_the_commitments_id() -> None:
    assert list(islice(references("c-1"), 3)) == ["c-1", "c-1~2", "c-1~3"]
