"""The settings of a connection of kind `tryton`: where Tryton is, who signs in, and what our codes are called there."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, Field, model_validator

from schemas.fields import Code, Name, Url
from services.exporter.connectors.protocol import Seconds
from services.exporter.connectors.tls import TlsSettings


def _with_id(template: str) -> str:
    if "{id}" not in template:
        raise ValueError("must contain {id}, which stands for the purchase's id")
    return template


class TrytonSettings(TlsSettings):
    """A connection of kind `tryton`; its token is the password of `user`."""

    url: Url = Field(description="Address of the Tryton server, without the database.")
    database: Code = Field(min_length=1, description="Name of the database.")
    user: Name = Field(description="The user who signs in; nobody else should use it.")
    company: Name | None = Field(default=None, description="Name of the company in Tryton; absent means the user's.")
    document_url: Annotated[Url, AfterValidator(_with_id)] | None = Field(
        default=None, description="Address at which people open a purchase; {id} stands for its id."
    )
    has_products: bool = Field(
        default=True, strict=True, description="Each line names the product whose code is its cost code."
    )
    default_product: Code | None = Field(
        default=None, description="Code of the product for lines whose cost code is no product, or that have none."
    )
    default_unit: Code | None = Field(default=None, description="Symbol or name of the unit for lines without one.")
    payment_term: Name | None = Field(
        default=None, description="Name of the payment term; absent means the supplier's, if it has one."
    )
    rounding_tolerance: Decimal = Field(
        default=Decimal(0), ge=0, description="How far a line's amount may be from quantity times unit cost, rounded."
    )
    vendors: Mapping[Code, Code] = Field(default={}, description="Vendor's ERP code to party code, where they differ.")
    products: Mapping[Code, Code] = Field(default={}, description="Cost code to product code, where they differ.")
    units: Mapping[Code, Code] = Field(default={}, description="Unit to symbol or name in Tryton, where they differ.")
    taxes: Mapping[Code, Code] = Field(default={}, description="Tax code to name of the tax, where they differ.")

    @model_validator(mode="before")
    @classmethod
    def _needs_codes(cls, given: Any) -> Any:
        """Vendors and products are found by their codes, so what has none is told before it is accepted."""
        if not isinstance(given, dict):
            return given
        limits = given.get("limits") or {}
        own = {"profile": limits} if isinstance(limits, str) else limits
        has_default = given.get("default_product") or given.get("has_products") is False
        needed = {"needs_vendor_code": True, "needs_cost_code": not has_default}
        return {**given, "limits": {**needed, **own}} if isinstance(own, dict) else given

    # A server that writes 2,000 lines takes half a minute, and goes on writing after we have stopped waiting.
    timeout_seconds: Seconds = Field(default=120.0, description="Absolute deadline of one call.")
