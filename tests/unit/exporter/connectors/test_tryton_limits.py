"""What a connection to Tryton tells of the codes that it needs."""

from typing import Any

import pytest

from services.exporter.connectors.tryton_settings import TrytonSettings


@pytest.mark.parametrize(
    ("members", "vendor", "cost_code"),
    [
        ({}, True, True),
        ({"limits": "tryton"}, True, True),
        ({"default_product": "misc"}, True, False),
        ({"has_products": False}, True, False),
        ({"limits": {"needs_vendor_code": False}}, False, True),
    ],
)
def test_codes_by_which_tryton_is_asked_are_needed(members: dict[str, Any], *, vendor: bool, cost_code: bool) -> None:
    given = {
        "name": "books",
        "kind": "tryton",
        "title": "Tryton",
        "companies": ["c-1"],
        "url": "https://tryton.example",
        "database": "books",
        "user": "countersign",
        "token_env": "TRYTON_PASSWORD",
    }
    limits = TrytonSettings.model_validate(given | members).limits

    assert (limits.needs_vendor_code, limits.needs_cost_code) == (vendor, cost_code)
