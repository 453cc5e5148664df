"""All events of Countersign, one frozen model per topic; DATA is what happened, the envelope says when and to whom."""

from datetime import date, datetime
from typing import Annotated, ClassVar

from pydantic import AfterValidator, AwareDatetime, Field

from schemas import limits
from schemas.commitment import ErpDocument, Person, Summary
from schemas.fields import (
    Code,
    ContentHash,
    Count,
    Currency,
    DecisionRound,
    Email,
    ExportRound,
    FailureClass,
    Id,
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
    commitment_id: Id
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
    sent_by: Person
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

    retrieved_by: Person


class DirectoryPerson(EventData):
    """What the company's directory says of a person; the highest version wins."""

    topic: ClassVar[str] = "directory.person"
    identity: ClassVar[tuple[str, ...]] = ("version",)

    company_id: Id
    person_id: Id
    version: Version
    name: Name
    email: Email
    time_zone: Annotated[str, Field(max_length=64), AfterValidator(known_zone)] = Field(
        default="UTC", description="IANA name, for example America/Chicago."
    )
    erp_tool: ToolLevel = Field(description="Level on the company's ERP Integrations tool.")
    can_push_to_accounting: bool = Field(default=False, strict=True)
    commitments_tool: dict[Id, ToolLevel] = Field(
        default_factory=dict, description="Level on the Commitments tool of each project, by project id."
    )
    digest_subscribed: bool = Field(default=True, strict=True)

    @property
    def subject(self) -> str:
        """The person's id."""
        return self.person_id


class DirectoryPersonRemoved(EventData):
    """A tombstone on `directory.person`: the person keeps no right."""

    topic: ClassVar[str] = "directory.person"
    identity: ClassVar[tuple[str, ...]] = ()

    person_id: Id

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
    decided_by: Person
    sent_by: Person
    erp_code: Code | None = Field(default=None, description="The document number that the approver asks for.")
    accounting_date: date | None = None
    note: Note | None = None


class DecisionRejected(CommitmentData):
    """An approver rejected a revision, with a reason that its creator and sender can act on."""

    topic: ClassVar[str] = "decision.rejected"
    identity: ClassVar[tuple[str, ...]] = ("revision", "round")

    round: DecisionRound = Field(description="The export round that had failed; 0 when it was never exported.")
    reason: Reason
    decided_by: Person
    summary: Summary


class DecisionResolved(CommitmentData):
    """An approver settled an in-doubt export with evidence: the document is in the ERP."""

    topic: ClassVar[str] = "decision.resolved"
    identity: ClassVar[tuple[str, ...]] = ("revision", "round")

    round: ExportRound
    document: ErpDocument
    decided_by: Person
    note: Note | None = None


class Change(Record):
    """One difference between two revisions, in words."""

    field: Name = Field(description="What changed, for example `Line 3 cost code`.")
    before: Text
    after: Text


class ApprovalRequested(CommitmentData):
    """A re-sent revision waits for the approver who rejected the one before."""

    topic: ClassVar[str] = "approval.requested"

    approver: Person
    previous_revision: Revision
    previous_reason: Reason
    changes: Annotated[tuple[Change, ...], Field(max_length=limits.MAX_CHANGES)] = ()
    note: Note | None = None
    summary: Summary


class ExportInDoubt(CommitmentData):
    """The ERP's answer was lost; nothing is repeated until the ERP has been asked."""

    topic: ClassVar[str] = "export.in_doubt"
    identity: ClassVar[tuple[str, ...]] = ("revision", "round", "probes")

    round: ExportRound
    since: AwareDatetime
    asked: Text = Field(description="What the ERP was asked, and what it answered.")
    probes: Count = Field(default=0, description="How often the ERP has been asked.")
    next_probe: AwareDatetime | None = Field(default=None, description="Absent when only a person can decide.")
    connection: Id | None = None


class ExportSucceeded(CommitmentData):
    """A revision is in the ERP."""

    topic: ClassVar[str] = "export.succeeded"
    identity: ClassVar[tuple[str, ...]] = ("revision", "round")

    round: ExportRound
    erp_document: ErpDocument


class Failure(Record):
    """Why an export failed, whose turn it is, and whether anything is in the ERP."""

    failure_class: FailureClass = Field(alias="class")
    code: Code | None = Field(default=None, description="The ERP's own code.")
    message: Text = Field(description="One sentence that a person understands.")
    owner: Owner
    next_step: Text = Field(description="What the owner does next.")
    in_erp: bool = Field(strict=True, description="Whether an earlier revision's document stands in the ERP.")


class ExportFailed(CommitmentData):
    """A round of an export ended without a document being written."""

    topic: ClassVar[str] = "export.failed"
    identity: ClassVar[tuple[str, ...]] = ("revision", "round")

    round: ExportRound
    failure: Failure
    attempts: Count
    decided_by: Person
    summary: Summary


class LimitsProfile(Record):
    """What an ERP takes: lengths in characters, amounts in digits; absent means no known limit."""

    number_characters: int | None = Field(default=None, strict=True, ge=1)
    title_characters: int | None = Field(default=None, strict=True, ge=1)
    vendor_name_characters: int | None = Field(default=None, strict=True, ge=1)
    memo_characters: int | None = Field(default=None, strict=True, ge=1)
    truncates_number: bool = Field(default=False, strict=True)
    takes_erp_code: bool = Field(default=False, strict=True)
    takes_accounting_date: bool = Field(default=False, strict=True)


class ErpConnection(EventData):
    """How an ERP connection is doing."""

    topic: ClassVar[str] = "erp.connection"
    identity: ClassVar[tuple[str, ...]] = ("version",)

    name: Id
    version: Version
    kind: Id = Field(description="The connector, for example `http`.")
    title: Name = Field(description="What people call this ERP.")
    companies: tuple[Id, ...]
    limits: LimitsProfile = LimitsProfile()
    circuit_open_since: AwareDatetime | None = None
    last_contact: AwareDatetime | None = None
    queue_length: Count = 0

    @property
    def subject(self) -> str:
        """The connection's name."""
        return self.name


class CommitmentStatus(CommitmentData):
    """What upstream shows of a commitment; readers ignore a lower version."""

    topic: ClassVar[str] = "commitment.status"
    identity: ClassVar[tuple[str, ...]] = ("version",)

    version: Version
    status: Status
    ribbon: Ribbon
    editable: bool = Field(strict=True)
    locked_fields: tuple[Name, ...] = ()
    message: Text = Field(description="What the status means for this commitment, in a sentence.")
    erp_document: ErpDocument | None = None
    since: AwareDatetime
    summary: Summary


class CurrencyTotal(Record):
    """An amount in one currency."""

    currency: Currency
    total: Money


class DigestRow(Record):
    """One commitment in the daily summary."""

    commitment_id: Id
    revision: Revision
    status: Status
    since: AwareDatetime
    age_days: Count
    message: Text = ""
    summary: Summary
    url: Url = Field(description="Where the approver answers.")


class DigestSection(Record):
    """The rows of one part of the summary; `count` also counts those that are not listed."""

    count: Count
    totals: tuple[CurrencyTotal, ...] = ()
    oldest_days: Count = 0
    rows: Annotated[tuple[DigestRow, ...], Field(max_length=limits.MAX_DIGEST_ROWS)] = ()


class DigestReady(EventData):
    """The daily summary of one approver is ready to be mailed."""

    topic: ClassVar[str] = "digest.ready"
    identity: ClassVar[tuple[str, ...]] = ("local_date",)

    company_id: Id
    recipient: Person
    local_date: date
    time_zone: Annotated[str, Field(max_length=64), AfterValidator(known_zone)]
    due_at: AwareDatetime
    waiting: DigestSection
    failed: DigestSection
    in_doubt: DigestSection
    yesterday: DigestSection
    desk_url: Url
    unsubscribe_url: Url

    @property
    def subject(self) -> str:
        """The recipient's id."""
        return self.recipient.id


class DigestPreference(EventData):
    """A person's own word on the daily summary; the highest version wins."""

    topic: ClassVar[str] = "digest.preference"
    identity: ClassVar[tuple[str, ...]] = ("version",)

    company_id: Id
    person_id: Id
    version: Version
    subscribed: bool = Field(strict=True)

    @property
    def subject(self) -> str:
        """The person's id."""
        return self.person_id


class MailSettled(EventData):
    """A mail reached its end, so that a commitment's history says who was told."""

    topic: ClassVar[str] = "mail.settled"
    identity: ClassVar[tuple[str, ...]] = ("event_id", "recipient_id")

    company_id: Id
    event_id: Id = Field(description="The id of the event that caused the mail.")
    kind: MailKind
    recipient: Person
    recipient_id: Id
    commitment_id: Id | None = Field(default=None, description="Absent for the daily summary.")
    outcome: MailOutcome
    settled_at: datetime

    @property
    def subject(self) -> str:
        """The commitment's id; the recipient's for the daily summary."""
        return self.commitment_id or self.recipient_id
