"""What the digest and the notifier tell: the daily summary, and what became of each mail."""

from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field

from schemas import limits
from schemas.commitment import Person, Summary
from schemas.events.base import EventData
from schemas.fields import (
    Count,
    Currency,
    Day,
    Excerpt,
    Id,
    Instant,
    MailOutcome,
    Money,
    NullIs,
    OpenKind,
    Record,
    Revision,
    Status,
    Url,
)
from schemas.zones import known_zone


class CurrencyTotal(Record):
    """An amount in one currency."""

    currency: Currency = Field(description="ISO 4217 code of the total.")
    total: Money = Field(description="In `currency`, as a decimal string.")


class DigestRow(Record):
    """One commitment in the daily summary."""

    commitment_id: Id = Field(description="The commitment that the row is about.")
    revision: Revision = Field(description="The revision that the row is about.")
    status: Status = Field(description="Where the commitment stands.")
    since: Instant = Field(description="Since when the status holds.")
    age_days: Count = Field(description="Whole days since then, in the recipient's time zone.")
    message: Annotated[Excerpt, NullIs("")] = Field(
        default="", description="What the status means, in a sentence, shortened."
    )
    summary: Summary = Field(description="What the row shows of the commitment.")
    url: Url = Field(description="Where the approver answers.")


class DigestSection(Record):
    """The rows of one part of the summary; `count` also counts those that are not listed."""

    count: Count = Field(description="How many there are, listed or not.")
    totals: Annotated[tuple[CurrencyTotal, ...], NullIs(())] = Field(
        default=(), description="Their totals, one for each currency."
    )
    oldest_days: Annotated[Count, NullIs(0)] = Field(default=0, description="Age of the oldest in whole days.")
    rows: Annotated[tuple[DigestRow, ...], Field(max_length=limits.MAX_DIGEST_ROWS), NullIs(())] = Field(
        default=(), description="The rows that are listed, oldest first."
    )


class DigestReady(EventData):
    """The daily summary of one approver is ready to be mailed."""

    topic: ClassVar[str] = "digest.ready"
    identity: ClassVar[tuple[str, ...]] = ("local_date",)

    company_id: Id = Field(description="The company whose commitments these are.")
    recipient: Person = Field(description="The approver who gets the mail; the id is the key of the message.")
    local_date: Day = Field(description="The day of the summary in the recipient's time zone.")
    time_zone: Annotated[str, Field(max_length=64), AfterValidator(known_zone)] = Field(
        description="The recipient's time zone, an IANA name."
    )
    due_at: Instant = Field(description="When the summary was due.")
    waiting: DigestSection = Field(description="What waits for an answer.")
    failed: DigestSection = Field(description="Exports that failed.")
    in_doubt: DigestSection = Field(description="Exports whose outcome is unknown.")
    yesterday: DigestSection = Field(description="What found its outcome on the day before.")
    desk_url: Url = Field(description="Where the approver answers.")
    unsubscribe_url: Url = Field(description="Where one click stops the summary.")

    @property
    def subject(self) -> str:
        """The recipient's id."""
        return self.recipient.id


class MailSettled(EventData):
    """A mail reached its end, so that a commitment's history says who was told."""

    topic: ClassVar[str] = "mail.settled"
    identity: ClassVar[tuple[str, ...]] = ("event_id", "recipient_id")

    company_id: Id = Field(description="The company that the mail was about.")
    event_id: Id = Field(description="The id of the event that caused the mail.")
    kind: OpenKind = Field(description="The kind of the mail; readers must accept kinds that they do not know.")
    recipient: Person = Field(description="Who was written to.")
    recipient_id: Id = Field(description="The recipient's id, which with `event_id` names the mail.")
    commitment_id: Id | None = Field(default=None, description="Absent for the daily summary.")
    outcome: MailOutcome = Field(description="What became of it.")
    reason: Excerpt | None = Field(default=None, description="Why it failed, in words or as the mail server said it.")
    settled_at: Instant = Field(description="When the outcome was known.")

    @property
    def subject(self) -> str:
        """The commitment's id; the recipient's for the daily summary."""
        return self.commitment_id or self.recipient_id
