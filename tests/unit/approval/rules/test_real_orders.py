"""Findings on orders as they occur in the field."""

import pytest

from schemas.examples.cast import SAM
from services.approval.rules.checks import findings
from tests.real_orders import ORDERS, RealOrder


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: order.name)
def test_an_order_is_blocked_only_by_what_accounting_cannot_book(order: RealOrder) -> None:
    found = findings(order.commitment, SAM)
    assert {each.rule for each in found if each.is_blocking} == order.blocked_by, order.sentence
    assert {each.rule for each in found if not each.is_blocking} == order.warned_by, order.sentence


def test_the_difference_is_stated_to_the_cent() -> None:
    texts = {order.name: " ".join(each.text for each in findings(order.commitment, SAM)) for order in ORDERS}
    assert "USD 0.01 more than its lines" in texts["one-cent"]
    assert "USD 7,992.00 more than quantity times unit cost, USD 888.00" in texts["tenfold"]
    assert "SEK 200.00 more than its lines. If it includes tax" in texts["ubl-order-charges-apart"]
    assert "NOK 162.00 less than its lines. If it includes discounts" in texts["peppol-order-with-vat"]
    assert "the smallest amount of JPY is JPY 1, but its total and line 1 have" in texts["yen-with-fractions"]
