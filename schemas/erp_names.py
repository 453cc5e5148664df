"""By which names an ERP is asked for vendor, items and job of a commitment: one rule for the exporter and the desk."""

from collections.abc import Mapping

from schemas.commitment import Project, Vendor
from schemas.events import MappedNames


def vendor_name(vendor: Vendor, mapped: MappedNames) -> str | None:
    """What the connection maps the vendor's ERP code to, else the code; None without one."""
    return translated(vendor.erp_code, mapped.vendor)


def item_name(cost_code: str | None, mapped: MappedNames) -> str | None:
    """What the connection maps a line's cost code to, else the code; without one the default item, or None."""
    return translated(cost_code, mapped.item) or mapped.default_item


def job_name(project: Project, mapped: MappedNames) -> str | None:
    """What the connection maps the project's job code to, else the code; without one what it maps the number to."""
    return translated(project.erp_job_code, mapped.job) or mapped.job.get(project.number or "")


def translated(code: str | None, names: Mapping[str, str]) -> str | None:
    """What `names` has for a code, without spaces around it, else the code; None without one."""
    stripped = (code or "").strip()
    return names.get(stripped, stripped) or None
