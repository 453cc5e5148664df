"""The body of a write to the ERP: a commitment as the documents API takes it."""

from datetime import date
from typing import Annotated

from pydantic import Field

from schemas import limits
from schemas.commitment import Line, Project, Vendor
from schemas.fields import Code, Currency, Id, Kind, Money, Name, Percent, Record, Revision, Text, Title


class Order(Record):
    """The body of a write; `reference` identifies the commitment, `marker` the exact content."""

    reference: Id
    marker: Name
    company_id: Id
    revision: Revision
    kind: Kind
    number: Name = Field(description="The commitment's number; the ERP gives its document a number of its own.")
    title: Title
    description: Text | None = None
    currency: Currency
    total: Money
    retainage_percent: Percent | None = None
    project: Project
    vendor: Vendor
    lines: Annotated[tuple[Line, ...], Field(max_length=limits.MAX_LINES)] = ()
    erp_code: Code | None = Field(default=None, description="The document number that the approver asks for.")
    accounting_date: date | None = None
    memo: Text | None = None
