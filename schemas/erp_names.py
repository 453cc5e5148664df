"""By which names an ERP is asked for vendor, items and job of a commitment: one rule for the exporter and the desk."""

from schemas.commitment import Project, Vendor
from schemas.events import MappedNames


def vendor_name(vendor: Vendor, mapped: MappedNames) -> str:
    """What the connection maps the vendor's code or name to; else the code, or without one the name."""
    for known in (vendor.erp_code, vendor.name):
        if known and known in mapped.vendor:
            return mapped.vendor[known]
    return vendor.erp_code or vendor.name


def item_name(cost_code: str | None, mapped: MappedNames) -> str | None:
    """What the connection maps a line's cost code to, else the code; without a code the default item, or None."""
    return mapped.item.get(cost_code, cost_code) if cost_code else mapped.default_item


def job_name(project: Project, mapped: MappedNames) -> str | None:
    """What the connection maps the project's job code, number or name to; else the job code, or None."""
    for known in (project.erp_job_code, project.number, project.name):
        if known and known in mapped.job:
            return mapped.job[known]
    return project.erp_job_code or None
