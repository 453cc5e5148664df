"""The settings of a connection of kind `quickbooks_desktop`: the company file, and what our codes are called there."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from schemas.events import LimitsProfile, MappedNames
from schemas.fields import Code, Name
from services.exporter.connectors.limits.profiles import ConnectionLimits, with_profile
from services.exporter.connectors.pull import PullSettings

DEFAULT_LIMITS: Mapping[str, Any] = {
    "profile": "quickbooks_desktop",
    "truncates_number": False,
    "quantity_decimals": 5,
    "amount_decimals": 2,
    "takes_erp_code": True,
    "takes_accounting_date": True,
}
"""The published profile, and what this connector does: it cuts nothing, and writes the number and date asked for."""


def _with_defaults(limits: Any) -> Any:
    """Return `limits` with this connector's own where a connection says nothing else; it may name another profile."""
    own = {"profile": limits} if isinstance(limits, str) else limits
    return {**DEFAULT_LIMITS, **own} if isinstance(own, Mapping) else own


class QuickBooksDesktopSettings(PullSettings):
    """A connection of kind `quickbooks_desktop`; its token is the hash of the Web Connector's password."""

    company_file: Name | None = Field(
        default=None, description="Path of the company file on the Web Connector's computer; absent means the open one."
    )
    qbxml_version: Annotated[str, Field(pattern=r"^[0-9]{1,2}\.[0-9]$")] = Field(
        default="13.0", description="The version of qbXML to speak."
    )
    vendors: Mapping[Code, Code] = Field(
        default={}, description="Vendor's ERP code to full name or ListID in QuickBooks, where they differ."
    )
    items: Mapping[Code, Code] = Field(
        default={}, description="Cost code to full name or ListID of the item, where they differ."
    )
    jobs: Mapping[Code, Code] = Field(
        default={}, description="Job code, or project number, to full name or ListID of the job, where they differ."
    )
    units: Mapping[Code, Code] = Field(default={}, description="Unit to unit of measure in QuickBooks.")
    tax_codes: Mapping[Code, Code] = Field(
        default={}, description="Tax code to full name or ListID of the sales tax code, where they differ."
    )
    default_item: Code | None = Field(
        default=None, description="Full name or ListID of the item for lines without a cost code."
    )
    sends_units: bool = Field(
        default=False, strict=True, description="Lines name their unit: the company file has units of measure."
    )
    sends_job: bool = Field(default=True, strict=True, description="Each line names the project's job.")
    refers_by_name: bool = Field(
        default=False, strict=True, description="A code that looks like a ListID is a full name all the same."
    )
    allows_duplicate_numbers: bool = Field(
        default=False, strict=True, description="Orders of others may have the number that one of ours gets."
    )
    limits: Annotated[ConnectionLimits, BeforeValidator(_with_defaults, json_schema_input_type=LimitsProfile | str)] = (
        Field(
            default_factory=lambda: LimitsProfile.model_validate(with_profile(DEFAULT_LIMITS)),
            description="What QuickBooks accepts; absent means the profile quickbooks_desktop.",
        )
    )

    @model_validator(mode="before")
    @classmethod
    def _takes_lines_without_cost_code(cls, given: Any) -> Any:
        """With a default item, a line needs no cost code, unless the connection says so."""
        if not isinstance(given, dict) or not given.get("default_item"):
            return given
        limits = given.get("limits", {})
        own = {"profile": limits} if isinstance(limits, str) else limits
        return {**given, "limits": {"needs_cost_code": False, **own}} if isinstance(own, dict) else given

    @property
    def mapped(self) -> MappedNames:
        """The names that QuickBooks is asked for in place of ours."""
        return MappedNames.told(self.vendors, self.items, self.jobs, self.default_item)

    @property
    def asked(self) -> MappedNames:
        """The same, all of them, however many there are."""
        return MappedNames.trusted(
            vendor=self.vendors, item=self.items, job=self.jobs, default_item=self.default_item, is_complete=True
        )
