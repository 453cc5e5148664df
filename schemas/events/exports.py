"""What the exporter tells: outcomes of exports, and how an ERP connection is doing."""

from datetime import date
from typing import Annotated, ClassVar

from pydantic import Field

from schemas.commitment import ErpDocument, Person, Summary
from schemas.events.base import CommitmentData, EventData
from schemas.fields import (
    Code,
    Count,
    Day,
    ExportRound,
    FailureClass,
    Id,
    Instant,
    Name,
    NullIs,
    Owner,
    Record,
    Text,
    Version,
)

MAX_ACCOUNTING_DAYS = 36_600
"""A hundred years; a booking date that is further away is a slip."""

AccountingDays = Annotated[int, Field(strict=True, ge=0, le=MAX_ACCOUNTING_DAYS), NullIs(366)]
Flag = Annotated[bool, Field(strict=True), NullIs(default=False)]


class ExportInDoubt(CommitmentData):
    """The ERP's answer was lost; nothing is repeated until the ERP has been asked."""

    topic: ClassVar[str] = "export.in_doubt"
    identity: ClassVar[tuple[str, ...]] = ("revision", "round", "probes")

    round: ExportRound = Field(description="The export round whose outcome is unknown.")
    since: Instant = Field(description="When the answer was lost.")
    asked: Text = Field(description="What the ERP was asked, and what it answered.")
    probes: Annotated[Count, NullIs(0)] = Field(default=0, description="How often the ERP has been asked.")
    next_probe: Instant | None = Field(default=None, description="Absent when only a person can decide.")
    connection: Id | None = Field(default=None, description="The ERP connection that was called.")


class ExportSucceeded(CommitmentData):
    """A revision is in the ERP."""

    topic: ClassVar[str] = "export.succeeded"
    identity: ClassVar[tuple[str, ...]] = ("revision", "round")

    round: ExportRound = Field(description="The export round that wrote it.")
    erp_document: ErpDocument = Field(description="The document that it became.")


DOCUMENT_GONE = "document_gone"
"""The code of a failure because the ERP no longer has the commitment's document."""


class Failure(Record):
    """Why an export failed, whose turn it is, and whether anything is in the ERP."""

    failure_class: FailureClass = Field(
        alias="class", description="Who can mend it: time, the approver, the sender or the ERP's administrator."
    )
    code: Code | None = Field(default=None, description="The ERP's own code, or one of ours.")
    message: Text = Field(description="One sentence that a person understands.")
    owner: Owner = Field(description="Whose turn it is.")
    next_step: Text = Field(description="What the owner does next.")
    in_erp: bool = Field(strict=True, description="Whether an earlier revision's document stands in the ERP.")
    document: ErpDocument | None = Field(
        default=None, description=f"With the code `{DOCUMENT_GONE}`: the document that the ERP no longer has."
    )


class ExportFailed(CommitmentData):
    """A round of an export ended without a document being written."""

    topic: ClassVar[str] = "export.failed"
    identity: ClassVar[tuple[str, ...]] = ("revision", "round")

    round: ExportRound = Field(description="The export round that failed.")
    failure: Failure = Field(description="Why, and who acts next.")
    attempts: Count = Field(description="How many calls were made.")
    decided_by: Person = Field(description="Who had accepted the revision.")
    summary: Summary = Field(description="What a mail shows of the commitment.")


class LimitsProfile(Record):
    """What an ERP takes: lengths in characters, amounts in digits; absent means no known limit."""

    number_characters: int | None = Field(default=None, strict=True, ge=1, description="Longest number.")
    title_characters: int | None = Field(default=None, strict=True, ge=1, description="Longest title.")
    vendor_name_characters: int | None = Field(default=None, strict=True, ge=1, description="Longest vendor name.")
    memo_characters: int | None = Field(default=None, strict=True, ge=1, description="Longest memo.")
    rounding_minor_units: int | None = Field(
        default=None,
        strict=True,
        ge=0,
        description="Largest difference between total and lines that an approver may accept as rounding, in the "
        "currency's smallest unit, for example 5 for USD 0.05; absent means none.",
    )
    truncates_number: Flag = Field(default=False, description="Whether a longer number is cut in silence.")
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


class ErpConnection(EventData):
    """How an ERP connection is doing."""

    topic: ClassVar[str] = "erp.connection"
    identity: ClassVar[tuple[str, ...]] = ("version",)

    name: Id = Field(description="The connection's name; the key of the message.")
    version: Version = Field(description="Rises with each change; readers keep the highest.")
    kind: Id = Field(description="The connector, for example `http`.")
    title: Name = Field(description="What people call this ERP.")
    companies: tuple[Id, ...] = Field(description="The ids of the companies that export through it.")
    limits: Annotated[LimitsProfile, NullIs(LimitsProfile())] = Field(
        default=LimitsProfile(), description="What this ERP takes."
    )
    circuit_open_since: Instant | None = Field(
        default=None, description="Since when the ERP does not answer; absent while it does."
    )
    paused_until: Instant | None = Field(
        default=None,
        description="Calls are held back until then: until the next trial, or for as long as the ERP asked.",
    )
    reason: Text | None = Field(default=None, description="Why calls are held back, in the words of the last answer.")
    last_contact: Instant | None = Field(default=None, description="When the ERP last answered.")
    queue_length: Annotated[Count, NullIs(0)] = Field(default=0, description="How many exports wait for it.")

    @property
    def subject(self) -> str:
        """The connection's name."""
        return self.name
