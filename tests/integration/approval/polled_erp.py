"""An ERP that asks for work: its connection, the entries of its lists, and commitments that wait for it."""

from datetime import datetime, timedelta
from typing import Any

from schemas.events import ErpConnection, ErpList, ErpPoller, ErpReference, ErpReferenceRemoved, LimitsProfile
from services.pipeline.clock import utc_now
from tests.integration.approval import company
from tests.integration.approval.company import START

READ_AT = START - timedelta(hours=6)
LISTS = tuple(ErpList(name=name, read_at=READ_AT, entries=2) for name in ("vendor", "item", "job"))
WELL = ErpPoller(last_asked=START, every_seconds=300)


def desktop(version: int = 2, **members: Any) -> ErpConnection:
    """The company's ERP as one that asks for work; its lists were read, and its client is well."""
    known = {"version": version, "kind": "quickbooks", "poller": WELL, "lists": LISTS, "limits": LimitsProfile()}
    return company.QUICKBOOKS.model_copy(update=known | members)


def asked_ago(minutes: int, **members: Any) -> ErpPoller:
    """A client that last asked so many minutes ago."""
    return ErpPoller(last_asked=utc_now() - timedelta(minutes=minutes, seconds=5), every_seconds=300, **members)


def entry(list_name: str, name: str, version: int = 1, *, is_active: bool = True, **members: Any) -> ErpReference:
    """An entry of the company's ERP, whose id is made from its name."""
    known = {"connection": company.ERP, "id": f"8000-{name}".replace(" ", "-"), "name": name}
    return ErpReference(**known | members, list_name=list_name, version=version, is_active=is_active)


def removed(of: ErpReference) -> ErpReferenceRemoved:
    """The removal of an entry."""
    return ErpReferenceRemoved(key=of.subject)


ACME, FORMWORK, CONCRETE = entry("vendor", "Acme Concrete"), entry("item", "03-100"), entry("item", "03-300")
TOWER = entry("job", "J-2607")
ALL_ENTRIES = (ACME, FORMWORK, CONCRETE, TOWER)
"""All that a commitment names that is `linked`."""


def linked(commitment_id: str, number: str, **members: Any) -> dict[str, Any]:
    """A commitment whose vendor and project are linked to the ERP."""
    vendor = {"id": "vendor-88", "name": "Acme Concrete", "erp_code": "Acme Concrete"}
    project = {"id": company.PROJECT, "name": "Riverside Tower", "erp_job_code": "J-2607"}
    return company.content(commitment_id, number, vendor=vendor, project=project, **members)


def minutes_later(minutes: int) -> datetime:
    """So many minutes after the company began."""
    return START + timedelta(minutes=minutes)
