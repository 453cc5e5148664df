"""What each service tells of one commitment, from its own tables: the parts of which its story is made.

Services answer with them below PATH. Times are instants, never words; texts are for people.
"""

from datetime import date
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from schemas.commitment import ErpDocument
from schemas.fields import Status

PATH = "/operations/commitments"
"""Where a service tells what it knows of a commitment: at PATH/ID."""
MAX_PASSAGE_CHARACTERS = 600
"""So that all that a service tells at most stays below what its readers take: an ERP may say 20,000 at each attempt."""


def _cut(text: str) -> str:
    return text if len(text) <= MAX_PASSAGE_CHARACTERS else f"{text[: MAX_PASSAGE_CHARACTERS - 1].rstrip()}…"


Passage = Annotated[str, AfterValidator(_cut)]
"""The beginning of what somebody said."""


class Told(BaseModel):
    """A frozen value that a service tells; a reader ignores members that it does not know."""

    model_config = ConfigDict(frozen=True, extra="ignore", from_attributes=True)


class Place(Told):
    """Where a message is in Kafka."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        """As commands take it: topic/partition/offset."""
        return f"{self.topic}/{self.partition}/{self.offset}"


class Reading(Told):
    """How far a service has read the partition of a topic on which the commitment's events come."""

    topic: str
    partition: int
    next_offset: int | None = Field(description="The offset that it reads next; null if it has read nothing yet.")
    end_offset: int | None = Field(description="Where the partition ends; null if Kafka did not say.")

    @property
    def unread(self) -> int | None:
        """How many messages it has not read, of any commitment; None while that is not known."""
        return None if self.end_offset is None else max(self.end_offset - (self.next_offset or 0), 0)


class SetAsideMessage(Told):
    """A dead letter with the commitment's key; open while `settled_as` is null."""

    place: Place
    reason: str
    why: Passage
    recorded_at: AwareDatetime
    settled_as: str | None = None
    settled_at: AwareDatetime | None = None


class OutboxState(StrEnum):
    """Why an event is not on its topic yet."""

    WAITING = "waiting"
    RETRIED = "retried"
    """Kafka did not take it; it is sent again by itself."""

    REFUSED = "refused"
    """Kafka refused it; an operator has to act."""


class UnsentEvent(Told):
    """An event about the commitment that a service has not sent yet."""

    id: int
    topic: str
    state: OutboxState
    created_at: AwareDatetime
    why: Passage | None = None


class Traffic(Told):
    """What of a commitment is on its way through Kafka, as one service sees it."""

    readings: tuple[Reading, ...] = ()
    dead_letters: tuple[SetAsideMessage, ...] = ()
    unsent: tuple[UnsentEvent, ...] = ()

    def of(self, topic: str) -> Reading | None:
        """How far `topic` is read; None if the service does not read it."""
        return next((each for each in self.readings if each.topic == topic), None)


class Part(Told):
    """What one service tells; `as_of` is the time of its database.

    `may_be_cut` is whether it tells as much as it tells at most, so that older entries may be left out. `unreadable`
    has a sentence for each row that is left out since it cannot be read; only operators see them, for the ids in them.
    """

    as_of: AwareDatetime
    traffic: Traffic = Traffic()
    may_be_cut: bool = False
    unreadable: tuple[Passage, ...] = ()

    @property
    def knows_it(self) -> bool:
        """Whether the service has heard of the commitment at all."""
        return bool(self.traffic.dead_letters or self.traffic.unsent or self.unreadable)


class AttemptKind(StrEnum):
    """What an attempt to export led to."""

    IN_ERP = "in_erp"
    FAILED = "failed"
    PUT_OFF = "put_off"
    """Nothing was stored; it is tried again."""

    ANSWER_LOST = "answer_lost"
    """The ERP may have stored it."""

    NOT_DECIDED = "not_decided"
    """The ERP was asked whether it has it, and that is not certain yet."""

    NOT_WRITTEN = "not_written"
    """It was not written, since an approver has rejected it."""


class ToldAttempt(Told):
    """An attempt at an ERP, with what it answered; a probe only asked about a lost answer first."""

    revision: int
    round: int
    connection: str | None
    outcome: AttemptKind
    is_probe: bool
    calls: int
    code: str | None
    message: Passage | None
    ended_at: AwareDatetime
    next_at: AwareDatetime | None


class ToldExport(Told):
    """The export of one revision."""

    revision: int
    round: int
    ordered_round: int
    state: str
    state_since: AwareDatetime
    accepted_at: AwareDatetime
    due_at: AwareDatetime | None
    connection: str | None
    attempts: int
    probes: int
    marker: str
    document: ErpDocument | None
    failure: Passage | None
    doubt: Passage | None
    is_closed: bool


class ToldOrder(Told):
    """Where the order for a round was read, if its content is still kept."""

    revision: int
    round: int
    read_at: Place


class ToldConnection(Told):
    """An ERP connection: whether calls are held back, what waits for it, and its client if the ERP polls."""

    name: str
    title: str
    is_configured: bool
    open_since: AwareDatetime | None = None
    try_at: AwareDatetime | None = None
    paused_until: AwareDatetime | None = None
    reason: Passage | None = None
    last_contact: AwareDatetime | None = None
    queue_length: int | None = None
    is_polled: bool = False
    last_asked: AwareDatetime | None = None
    trouble: Passage | None = None


class ExporterPart(Part):
    """What the exporter knows; `exports` is empty of what it never got an order for."""

    exports: tuple[ToldExport, ...] = ()
    orders: tuple[ToldOrder, ...] = ()
    attempts: tuple[ToldAttempt, ...] = ()
    connection: ToldConnection | None = None
    leased_until: AwareDatetime | None = None
    set_aside: Passage | None = None

    @property
    def knows_it(self) -> bool:
        """Whether it has an order, or anything else, of the commitment."""
        return super().knows_it or bool(self.exports or self.orders or self.set_aside)


class ToldMail(Told):
    """A mail to one person about the commitment; addresses are not told."""

    kind: str
    recipient_id: str
    recipient: str | None
    role: str | None
    state: str
    attempts: int
    possibly_repeated: bool
    occurred_at: AwareDatetime
    created_at: AwareDatetime
    next_at: AwareDatetime | None
    settled_at: AwareDatetime | None
    answer: Passage | None
    read_at: Place | None = None


class NotifierPart(Part):
    """What the notifier knows."""

    mails: tuple[ToldMail, ...] = ()

    @property
    def knows_it(self) -> bool:
        """Whether it has a mail, or anything else, about the commitment."""
        return super().knows_it or bool(self.mails)


class ToldSummary(Told):
    """A daily summary to one approver."""

    recipient_id: str
    recipient: str
    local_date: date
    at: AwareDatetime


class DigestPart(Part):
    """What the digest knows: the status by which it lists the commitment, and in whose summaries it is."""

    status: Status | None = None
    since: AwareDatetime | None = None
    revision: int | None = None
    is_listed: bool = False
    stood_in: tuple[ToldSummary, ...] = ()
    next: tuple[ToldSummary, ...] = ()

    @property
    def knows_it(self) -> bool:
        """Whether it has a status, or anything else, of the commitment."""
        return super().knows_it or self.status is not None or bool(self.stood_in)
