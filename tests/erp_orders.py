"""Orders for tests of the sandbox's ERP: SC-014 as a JSON body, and as an object."""

from typing import Any

from sandbox.erp.order import Order
from schemas.examples.cast import ACME, COMPANY, RIVERSIDE

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
        "company_id": COMPANY,
        "revision": 1,
        "kind": "subcontract",
        "number": "SC-014",
        "title": "Concrete works",
        "currency": "USD",
        "total": "480250.00",
        "retainage_percent": "10.0",
        "project": RIVERSIDE.model_dump(),
        "vendor": ACME.model_dump(),
        "lines": [LINE],
    } | changes


def an_order(**changes: Any) -> Order:
    """The same write as an object."""
    return Order.model_validate(order_body(**changes))
