"""An order as the ERP is given it, for tests of the sandbox's ERP."""

from typing import Any

from sandbox.erp.order import Order
from sandbox.people import COMPANY_ID, PROJECT

LINE = {
    "position": 1,
    "cost_code": "03-310",
    "cost_type": "S",
    "description": "Foundation walls",
    "quantity": "1",
    "unit": "ls",
    "unit_cost": "480250.00",
    "amount": "480250.00",
}


def order_body(**changes: Any) -> dict[str, Any]:
    """The JSON body of a write of SC-014, with `changes`."""
    return {
        "reference": "c-8841",
        "marker": "c-8841/1/9f86d081",
        "company_id": COMPANY_ID,
        "revision": 1,
        "kind": "subcontract",
        "number": "SC-014",
        "title": "Concrete works",
        "currency": "USD",
        "total": "480250.00",
        "retainage_percent": "10.0",
        "project": PROJECT.model_dump(),
        "vendor": {"id": "v-acme", "name": "Acme Concrete", "erp_code": "ACME01"},
        "lines": [LINE],
    } | changes


def an_order(**changes: Any) -> Order:
    """The same as an order."""
    return Order.model_validate(order_body(**changes))
