"""What an ERP takes of a commitment: the limits that the desk shows, and that both desk and exporter hold."""

from datetime import date
from typing import Annotated

from pydantic import Field, StringConstraints

from schemas import limits
from schemas.fields import TEXT_PATTERN, Day, Id, NullIs, Record

MAX_ACCOUNTING_DAYS = 36_600
"""A hundred years; a booking date that is further away is a slip."""

AccountingDays = Annotated[int, Field(strict=True, ge=0, le=MAX_ACCOUNTING_DAYS), NullIs(366)]
Characters = Annotated[int, Field(strict=True, ge=1, le=limits.MAX_COUNT)]
Decimals = Annotated[int, Field(strict=True, ge=0, le=limits.MAX_COUNT)]
Flag = Annotated[bool, Field(strict=True), NullIs(default=False)]
Forbidden = Annotated[str, StringConstraints(max_length=100, pattern=TEXT_PATTERN)]
WholeDigits = Annotated[int, Field(strict=True, ge=1, le=limits.MAX_COUNT)]


class LimitsProfile(Record):
    """What an ERP takes: lengths in characters, numbers in digits; absent means no known limit."""

    profile: Id | None = Field(default=None, description="The published profile that these limits begin with.")
    profile_version: Day | None = Field(default=None, description="The version of that profile, a day.")
    number_characters: Characters | None = Field(default=None, description="Longest number.")
    title_characters: Characters | None = Field(default=None, description="Longest title.")
    vendor_name_characters: Characters | None = Field(default=None, description="Longest vendor name.")
    job_code_characters: Characters | None = Field(default=None, description="Longest job code.")
    memo_characters: Characters | None = Field(default=None, description="Longest memo.")
    line_description_characters: Characters | None = Field(default=None, description="Longest description of a line.")
    unit_characters: Characters | None = Field(default=None, description="Longest unit of measure of a line.")
    forbidden_number_characters: Forbidden | None = Field(
        default=None, description="The characters that a number must not contain."
    )
    forbidden_title_characters: Forbidden | None = Field(
        default=None, description="The characters that a title must not contain."
    )
    quantity_whole_digits: WholeDigits | None = Field(
        default=None, description="Most digits before the point of a line's quantity."
    )
    quantity_decimals: Decimals | None = Field(
        default=None, description="Most digits after the point of a line's quantity."
    )
    unit_cost_whole_digits: WholeDigits | None = Field(
        default=None, description="Most digits before the point of a line's unit cost."
    )
    unit_cost_decimals: Decimals | None = Field(
        default=None, description="Most digits after the point of a line's unit cost."
    )
    amount_whole_digits: WholeDigits | None = Field(
        default=None, description="Most digits before the point of a line's amount."
    )
    amount_decimals: Decimals | None = Field(
        default=None, description="Most digits after the point of a line's amount."
    )
    rounding_minor_units: int | None = Field(
        default=None,
        strict=True,
        ge=0,
        le=limits.MAX_COUNT,
        description="Largest difference between total and lines that an approver may accept as rounding, in the "
        "currency's smallest unit, for example 5 for USD 0.05; absent means none.",
    )
    truncates_number: Flag = Field(default=False, description="Whether a longer number is cut in silence.")
    truncates_title: Flag = Field(default=False, description="Whether a longer title is cut in silence.")
    needs_lines: Flag = Field(default=False, description="Whether a commitment must have a line.")
    needs_cost_code: Flag = Field(default=False, description="Whether every line must have a cost code.")
    needs_cost_type: Flag = Field(default=False, description="Whether every line must have a cost type.")
    one_cost_type_only: Flag = Field(default=False, description="Whether all lines must have the same cost type.")
    needs_vendor_code: Flag = Field(default=False, description="Whether the vendor must have a code in the ERP.")
    needs_order_quantities: Flag = Field(
        default=False, description="Whether every line of a purchase order must have a quantity and a unit cost."
    )
    takes_erp_code: Flag = Field(default=False, description="Whether an approver may ask for a document number.")
    takes_accounting_date: Flag = Field(default=False, description="Whether an approver may ask for a booking date.")
    accounting_days_back: AccountingDays = Field(default=366, description="How old a booking date may be, in days.")
    accounting_days_ahead: AccountingDays = Field(
        default=366, description="How far in the future a booking date may lie, in days."
    )
    accounting_date_from: Day | None = Field(
        default=None, description="The first booking date that the books are open for; absent means no such day."
    )

    def accounting_dates(self, today: date, tolerance_days: int = 0) -> tuple[date, date]:
        """The first and the last booking date that the ERP takes on `today`; none if the first is the later one."""
        first = today.toordinal() - self.accounting_days_back - tolerance_days
        last = today.toordinal() + self.accounting_days_ahead + tolerance_days
        opened = date.fromordinal(max(first, date.min.toordinal()))
        return max(opened, self.accounting_date_from or opened), date.fromordinal(min(last, date.max.toordinal()))
