"""Builds write requests, settings and conversations that the tests start from."""

from datetime import date
from typing import Any

from schemas.commitment import Commitment
from services.exporter.connectors.protocol import Connector
from services.exporter.connectors.pull import Ask, Occasion
from services.exporter.connectors.quickbooks.connector import QuickBooksDesktop
from services.exporter.connectors.quickbooks.settings import QuickBooksDesktopSettings
from services.exporter.connectors.types import WriteRequest
from tests.unit.exporter.builders import commitment_json

HASH = "ab" * 32
FIRST = "set-1"


def settings(**members: Any) -> QuickBooksDesktopSettings:
    return QuickBooksDesktopSettings.model_validate(
        {"name": "qb", "kind": "quickbooks_desktop", "title": "QuickBooks", "companies": ["co-1"], "user": "kim"}
        | members
    )


def request(revision: int = 1, *, content_hash: str = HASH, **members: Any) -> WriteRequest:
    """A request of a commitment with these members; `project`, `vendor` and `lines` may be named whole."""
    about = {key: members.pop(key) for key in ("erp_code", "accounting_date", "note") if key in members}
    commitment = Commitment.model_validate(commitment_json() | members)
    marker = f"{commitment.id}/{revision}/{content_hash}"
    return WriteRequest(commitment.id, marker, "co-1", revision, commitment, **about)


def line(position: int = 1, **members: Any) -> dict[str, Any]:
    return {
        "position": position,
        "cost_code": "03-300",
        "description": "Slab",
        "quantity": "2",
        "unit": "m3",
        "unit_cost": "5.00",
        "amount": "10.00",
    } | members


def speaking(ask: Ask, occasion: Occasion | None = None, **members: Any) -> Connector:
    connector = QuickBooksDesktop(settings(**members), None)
    return connector.speaking(ask, occasion or Occasion(FIRST, numbers=("SC-014",)))


DAY = date(2026, 11, 30)
