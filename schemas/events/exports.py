"""What the exporter tells: outcomes of exports, and how an ERP connection is doing."""

from typing import Annotated, ClassVar

from pydantic import Field

from schemas.commitment import ErpDocument, Person, Summary
from schemas.events.answers import Differences
from schemas.events.base import CommitmentData, EventData
from schemas.events.limits_profile import LimitsProfile
from schemas.events.references import ErpList, ErpPoller, MappedNames
from schemas.fields import (
    Code,
    Count,
    Currency,
    ExportRound,
    FailureClass,
    Id,
    Instant,
    Kind,
    Name,
    NullIs,
    Owner,
    Record,
    Reopened,
    Text,
    Version,
)


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
    erp: Name | None = Field(default=None, description="What people call the ERP of that connection.")
    refused_evidence: Annotated[Count, NullIs(0)] = Field(
        default=0, description="How many documents that approvers named the ERP does not have as this commitment's."
    )
    reopened: Reopened = Field(default=0, description="How often this revision was reopened before.")
    checks_evidence: Annotated[Count, NullIs(0)] = Field(
        default=0,
        description="The number of the evidence about which the ERP was asked and has not answered; 0 without one.",
    )


class ExportSucceeded(CommitmentData):
    """A revision is in the ERP."""

    topic: ClassVar[str] = "export.succeeded"
    identity: ClassVar[tuple[str, ...]] = ("revision", "round", "reopened", "document_names")

    round: ExportRound = Field(description="The export round that wrote it.")
    erp_document: ErpDocument = Field(description="The document that it became.")
    erp: Name | None = Field(default=None, description="What people call the ERP that has it.")
    reopened: Reopened = Field(default=0, description="How often this revision was reopened before.")
    shown: Text | None = Field(
        default=None, description="What the ERP showed when it was asked for the document that an approver named."
    )

    @property
    def document_names(self) -> str:
        """All that names the document, a line for each: one round may find several, and each is told."""
        named = self.erp_document
        return "\n".join((named.connection, named.id, named.number or "", named.url or ""))


DOCUMENT_GONE = "document_gone"
"""The code of a failure because the ERP no longer has the commitment's document."""


UNKNOWN_CONNECTION = "unknown_connection"
"""The code of a failure because the connection that the commitment goes through is no longer configured."""


class Failure(Record):
    """Why an export failed, whose turn it is, and whether anything is in the ERP."""

    failure_class: FailureClass = Field(
        alias="class", description="Who can mend it: time, the approver, the sender or the ERP's administrator."
    )
    code: Code | None = Field(default=None, description="The ERP's own code, or one of ours.")
    message: Text = Field(description="One sentence that a person understands.")
    owner: Owner = Field(description="Whose turn it is.")
    next_step: Text = Field(description="What the owner does next.")
    remedy: Text | None = Field(
        default=None,
        description="What its project has to change, such as `shorten the number`; absent where only the message says.",
    )
    in_erp: bool = Field(strict=True, description="Whether an earlier revision's document stands in the ERP.")
    document: ErpDocument | None = Field(
        default=None,
        description=f"With the code `{DOCUMENT_GONE}`: the document that the ERP no longer has. With "
        f"`{UNKNOWN_CONNECTION}`: the one in the ERP that is no longer configured.",
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
    reopened: Reopened = Field(default=0, description="How often this revision was reopened before.")


class ExportDrifted(CommitmentData):
    """The ERP's document was compared with what was exported, and the result is another one than before."""

    topic: ClassVar[str] = "export.drifted"
    identity: ClassVar[tuple[str, ...]] = ("version",)

    reopened: Reopened = Field(default=0, description="How often this revision was reopened before.")
    version: Version = Field(description="Rises with each change; readers keep the highest.")
    document: ErpDocument = Field(description="The document that was compared.")
    compared_at: Instant = Field(description="When the ERP was asked.")
    is_missing: bool = Field(strict=True, description="Whether the ERP no longer has the document.")
    differences: Differences = Field(
        default=(),
        description="What differs: `before` as it was exported, `after` as the ERP has it.",
    )


class ErpConnection(EventData):
    """How an ERP connection is doing."""

    topic: ClassVar[str] = "erp.connection"
    identity: ClassVar[tuple[str, ...]] = ("version",)

    name: Id = Field(description="The connection's name; the key of the message.")
    formerly: Annotated[tuple[Id, ...], NullIs(())] = Field(
        default=(), description="The names that it had before; documents and exports of that time keep them."
    )
    version: Version = Field(description="Rises with each change; readers keep the highest.")
    kind: Id = Field(description="The connector, for example `http`.")
    title: Name = Field(description="What people call this ERP.")
    companies: tuple[Id, ...] = Field(
        description="The ids of the companies that export through it; none once it is no longer configured."
    )
    priority: Annotated[Count, NullIs(0)] = Field(
        default=0, description="Its place among all connections: the lowest that takes a commitment gets it."
    )
    projects: Annotated[tuple[Name, ...], NullIs(())] = Field(
        default=(), description="The ids or numbers of the only projects that it takes; absent means all."
    )
    currencies: Annotated[tuple[Currency, ...], NullIs(())] = Field(
        default=(), description="The only currencies that it takes; absent means all."
    )
    kinds: Annotated[tuple[Kind, ...], NullIs(())] = Field(
        default=(), description="The only kinds of commitment that it takes; absent means all."
    )
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
    poller: ErpPoller | None = Field(
        default=None, description="The client that asks for work, of an ERP that cannot be called."
    )
    lists: Annotated[tuple[ErpList, ...], NullIs(())] = Field(
        default=(), description="The lists of the ERP that are read, also those that have not been read yet."
    )
    mapped: MappedNames | None = Field(
        default=None, description="The names that the connection replaces; absent means none."
    )

    @property
    def subject(self) -> str:
        """The connection's name."""
        return self.name

    @property
    def names(self) -> tuple[str, ...]:
        """Its name, and those that it had before."""
        return (self.name, *self.formerly)
