"""All events of Countersign, one frozen model per topic; DATA is what happened, the envelope says when and to whom."""

from datetime import date
from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field

from schemas import limits
from schemas.commitment import ErpDocument, Person, Summary
from schemas.fields import (
    Code,
    ContentHash,
    Count,
    Currency,
    DecisionRound,
    Email,
    Excerpt,
    ExportRound,
    FailureClass,
    Id,
    Instant,
    MailKind,
    MailOutcome,
    Money,
    Name,
    Note,
    Owner,
    Reason,
    Record,
    Revision,
    Ribbon,
    Status,
    Text,
    ToolLevel,
    Url,
    Version,
)
from schemas.snapshot import Snapshot
from schemas.zones import known_zone


class EventData(Record):
    """What happened. `topic` names where it travels; `identity` names the members that make it this very event."""

    topic: ClassVar[str]
    identity: ClassVar[tuple[str, ...]]

    @property
    def subject(self) -> str:
        """Whom the event is about: the Kafka key."""
        raise NotImplementedError(type(self).__name__)


class CommitmentData(EventData):
    """An event about one revision of one commitment."""

    company_id: Id = Field(description="The company whose commitment this is.")
    project_id: Id = Field(description="The project whose commitment this is.")
    commitment_id: Id = Field(description="The commitment that this is about; the key of the message.")
    revision: Revision = Field(description="1 for the first submission, +1 for each re-send.")

    identity: ClassVar[tuple[str, ...]] = ("revision",)

    @property
    def subject(self) -> str:
        """The commitment's id."""
        return self.commitment_id


class Submission(EventData):
    """A commitment was handed to accounting; the whole snapshot rides along."""

    company_id: Id = Field(description="The company whose commitment this is.")
    project_id: Id = Field(description="The project whose commitment this is.")
    commitment: Snapshot = Field(description="The commitment, whole; unknown members are kept.")
    revision: Revision = Field(description="1 for the first submission, +1 for each re-send.")
    sent_by: Person = Field(description="Who sent this revision to accounting.")
    note: Note | None = Field(default=None, description="What the sender wants the approver to know.")

    identity: ClassVar[tuple[str, ...]] = ("revision",)

    @property
    def subject(self) -> str:
        """The commitment's id."""
        return self.commitment.commitment.id


class CommitmentSent(Submission):
    """A project manager sent a commitment to accounting for the first time."""

    topic: ClassVar[str] = "commitment.sent"


class CommitmentResent(Submission):
    """A project manager sent a corrected commitment again."""

    topic: ClassVar[str] = "commitment.resent"


class CommitmentRetrieved(CommitmentData):
    """A project manager took a commitment back before it was answered."""

    topic: ClassVar[str] = "commitment.retrieved"

    retrieved_by: Person = Field(description="Who took it back.")


class DirectoryPerson(EventData):
    """What the company's directory says of a person; the highest version wins."""

    topic: ClassVar[str] = "directory.person"
    identity: ClassVar[tuple[str, ...]] = ("version",)

    company_id: Id = Field(description="The company whose directory this is.")
    person_id: Id = Field(description="The person; the key of the message.")
    version: Version = Field(description="Rises with each change; readers keep the highest.")
    name: Name = Field(description="The name that others read.")
    email: Email = Field(description="Where mails to this person go.")
    time_zone: Annotated[str, Field(max_length=64), AfterValidator(known_zone)] = Field(
        default="UTC", description="IANA name, for example America/Chicago."
    )
    erp_tool: ToolLevel = Field(description="Level on the company's ERP Integrations tool.")
    can_push_to_accounting: bool = Field(
        default=False, strict=True, description="Whether the person is an accounting approver."
    )
    commitments_tool: dict[Id, ToolLevel] = Field(
        default_factory=dict, description="Level on the Commitments tool of each project, by project id."
    )
    digest_subscribed: bool = Field(default=True, strict=True, description="Whether the daily summary is wanted.")

    @property
    def subject(self) -> str:
        """The person's id."""
        return self.person_id


class DirectoryPersonRemoved(EventData):
    """A tombstone on `directory.person`: the person keeps no right."""

    topic: ClassVar[str] = "directory.person"
    identity: ClassVar[tuple[str, ...]] = ()

    person_id: Id = Field(description="The person; the key of the message.")

    @property
    def subject(self) -> str:
        """The person's id."""
        return self.person_id


class DecisionAccepted(CommitmentData):
    """An approver accepted a revision: it is to be written to the ERP, exactly as it stands here."""

    topic: ClassVar[str] = "decision.accepted"
    identity: ClassVar[tuple[str, ...]] = ("revision", "round")

    round: ExportRound = Field(description="1, and one more for each retry that an approver orders.")
    content_hash: ContentHash = Field(description="SHA-256 of the RFC 8785 form of `commitment`, as approved.")
    commitment: Snapshot = Field(description="The approved snapshot, verbatim.")
    decided_by: Person = Field(description="Who accepted.")
    sent_by: Person = Field(description="Who sent this revision.")
    erp_code: Code | None = Field(default=None, description="The document number that the approver asks for.")
    accounting_date: date | None = Field(
        default=None, description="The day on which the ERP is to book it; absent means the ERP's own choice."
    )
    note: Note | None = Field(default=None, description="What the approver wants to be remembered.")


class DecisionRejected(CommitmentData):
    """An approver rejected a revision, with a reason that its creator and sender can act on."""

    topic: ClassVar[str] = "decision.rejected"
    identity: ClassVar[tuple[str, ...]] = ("revision", "round")

    round: DecisionRound = Field(description="The export round that had failed; 0 when it was never exported.")
    reason: Reason = Field(description="What has to change, in the approver's words.")
    decided_by: Person = Field(description="Who rejected.")
    summary: Summary = Field(description="What a mail shows of the commitment.")


class DecisionResolved(CommitmentData):
    """An approver settled an in-doubt export with evidence: the document is in the ERP."""

    topic: ClassVar[str] = "decision.resolved"
    identity: ClassVar[tuple[str, ...]] = ("revision", "round")

    round: ExportRound = Field(description="The export round that was in doubt.")
    document: ErpDocument = Field(description="The document that was found in the ERP.")
    decided_by: Person = Field(description="Who looked.")
    note: Note | None = Field(default=None, description="The evidence, in the approver's words.")


class Change(Record):
    """One difference between two revisions, in words."""

    field: Name = Field(description="What changed, for example `Line 3 cost code`.")
    before: Excerpt = Field(description="As it stood, shortened.")
    after: Excerpt = Field(description="As it stands now, shortened.")


class ApprovalRequested(CommitmentData):
    """A re-sent revision waits for the approver who rejected the one before."""

    topic: ClassVar[str] = "approval.requested"

    approver: Person = Field(description="Who rejected the revision before, and is asked again.")
    previous_revision: Revision = Field(description="The revision that was rejected.")
    previous_reason: Reason = Field(description="Why it was rejected.")
    changes: Annotated[tuple[Change, ...], Field(max_length=limits.MAX_CHANGES)] = Field(
        default=(), description="What differs from the rejected revision."
    )
    note: Note | None = Field(default=None, description="What the sender wants the approver to know.")
    summary: Summary = Field(description="What a mail shows of the commitment.")


class ExportInDoubt(CommitmentData):
    """The ERP's answer was lost; nothing is repeated until the ERP has been asked."""

    topic: ClassVar[str] = "export.in_doubt"
    identity: ClassVar[tuple[str, ...]] = ("revision", "round", "probes")

    round: ExportRound = Field(description="The export round whose outcome is unknown.")
    since: Instant = Field(description="When the answer was lost.")
    asked: Text = Field(description="What the ERP was asked, and what it answered.")
    probes: Count = Field(default=0, description="How often the ERP has been asked.")
    next_probe: Instant | None = Field(default=None, description="Absent when only a person can decide.")
    connection: Id | None = Field(default=None, description="The ERP connection that was called.")


class ExportSucceeded(CommitmentData):
    """A revision is in the ERP."""

    topic: ClassVar[str] = "export.succeeded"
    identity: ClassVar[tuple[str, ...]] = ("revision", "round")

    round: ExportRound = Field(description="The export round that wrote it.")
    erp_document: ErpDocument = Field(description="The document that it became.")


class Failure(Record):
    """Why an export failed, whose turn it is, and whether anything is in the ERP."""

    failure_class: FailureClass = Field(
        alias="class", description="Who can mend it: time, the approver, the sender or the ERP's administrator."
    )
    code: Code | None = Field(default=None, description="The ERP's own code.")
    message: Text = Field(description="One sentence that a person understands.")
    owner: Owner = Field(description="Whose turn it is.")
    next_step: Text = Field(description="What the owner does next.")
    in_erp: bool = Field(strict=True, description="Whether an earlier revision's document stands in the ERP.")


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
    truncates_number: bool = Field(default=False, strict=True, description="Whether a longer number is cut in silence.")
    takes_erp_code: bool = Field(
        default=False, strict=True, description="Whether an approver may ask for a document number."
    )
    takes_accounting_date: bool = Field(
        default=False, strict=True, description="Whether an approver may ask for a booking date."
    )


class ErpConnection(EventData):
    """How an ERP connection is doing."""

    topic: ClassVar[str] = "erp.connection"
    identity: ClassVar[tuple[str, ...]] = ("version",)

    name: Id = Field(description="The connection's name; the key of the message.")
    version: Version = Field(description="Rises with each change; readers keep the highest.")
    kind: Id = Field(description="The connector, for example `http`.")
    title: Name = Field(description="What people call this ERP.")
    companies: tuple[Id, ...] = Field(description="The ids of the companies that export through it.")
    limits: LimitsProfile = Field(default=LimitsProfile(), description="What this ERP takes.")
    circuit_open_since: Instant | None = Field(
        default=None, description="Since when calls are held back; absent while they flow."
    )
    last_contact: Instant | None = Field(default=None, description="When the ERP last answered.")
    queue_length: Count = Field(default=0, description="How many exports wait for it.")

    @property
    def subject(self) -> str:
        """The connection's name."""
        return self.name


class CommitmentStatus(CommitmentData):
    """What upstream shows of a commitment; readers ignore a lower version."""

    topic: ClassVar[str] = "commitment.status"
    identity: ClassVar[tuple[str, ...]] = ("version",)

    version: Version = Field(description="Rises with each change; readers keep the highest.")
    status: Status = Field(description="Where the commitment stands.")
    ribbon: Ribbon = Field(description="The colour to show for it.")
    editable: bool = Field(strict=True, description="Whether the commitment may be edited upstream.")
    locked_fields: tuple[Name, ...] = Field(
        default=(), description="Members that must not change, because an ERP document exists."
    )
    message: Text = Field(description="What the status means for this commitment, in a sentence.")
    erp_document: ErpDocument | None = Field(default=None, description="The document in the ERP, once there is one.")
    since: Instant = Field(description="Since when the status holds.")
    summary: Summary = Field(description="What a list shows of the commitment.")


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
    message: Excerpt = Field(default="", description="What the status means, in a sentence, shortened.")
    summary: Summary = Field(description="What the row shows of the commitment.")
    url: Url = Field(description="Where the approver answers.")


class DigestSection(Record):
    """The rows of one part of the summary; `count` also counts those that are not listed."""

    count: Count = Field(description="How many there are, listed or not.")
    totals: tuple[CurrencyTotal, ...] = Field(default=(), description="Their totals, one for each currency.")
    oldest_days: Count = Field(default=0, description="Age of the oldest in whole days.")
    rows: Annotated[tuple[DigestRow, ...], Field(max_length=limits.MAX_DIGEST_ROWS)] = Field(
        default=(), description="The rows that are listed, oldest first."
    )


class DigestReady(EventData):
    """The daily summary of one approver is ready to be mailed."""

    topic: ClassVar[str] = "digest.ready"
    identity: ClassVar[tuple[str, ...]] = ("local_date",)

    company_id: Id = Field(description="The company whose commitments these are.")
    recipient: Person = Field(description="The approver who gets the mail; the id is the key of the message.")
    local_date: date = Field(description="The day of the summary in the recipient's time zone.")
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


class DigestPreference(EventData):
    """A person's own word on the daily summary; the highest version wins."""

    topic: ClassVar[str] = "digest.preference"
    identity: ClassVar[tuple[str, ...]] = ("version",)

    company_id: Id = Field(description="The company whose summary this is about.")
    person_id: Id = Field(description="The person; the key of the message.")
    version: Version = Field(description="Rises with each change; readers keep the highest.")
    subscribed: bool = Field(strict=True, description="Whether the daily summary is wanted.")

    @property
    def subject(self) -> str:
        """The person's id."""
        return self.person_id


class MailSettled(EventData):
    """A mail reached its end, so that a commitment's history says who was told."""

    topic: ClassVar[str] = "mail.settled"
    identity: ClassVar[tuple[str, ...]] = ("event_id", "recipient_id")

    company_id: Id = Field(description="The company that the mail was about.")
    event_id: Id = Field(description="The id of the event that caused the mail.")
    kind: MailKind = Field(description="The occasion of the mail.")
    recipient: Person = Field(description="Who was written to.")
    recipient_id: Id = Field(description="The recipient's id, which with `event_id` names the mail.")
    commitment_id: Id | None = Field(default=None, description="Absent for the daily summary.")
    outcome: MailOutcome = Field(description="What became of it.")
    settled_at: Instant = Field(description="When the outcome was known.")

    @property
    def subject(self) -> str:
        """The commitment's id; the recipient's for the daily summary."""
        return self.commitment_id or self.recipient_id
