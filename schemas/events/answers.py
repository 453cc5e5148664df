"""What approval tells: decisions, requests to look again, where a commitment stands, who wants no summary."""

from typing import Annotated, ClassVar

from pydantic import Field

from schemas import limits
from schemas.commitment import ErpDocument, Person, Summary
from schemas.events.base import CommitmentData, EventData
from schemas.fields import (
    Code,
    ContentHash,
    Day,
    DecisionRound,
    Excerpt,
    ExportRound,
    Id,
    Instant,
    Name,
    Note,
    NullIs,
    Reason,
    Record,
    Reopened,
    Revision,
    Ribbon,
    Status,
    Text,
    Version,
)
from schemas.snapshot import Snapshot


class UnlinkedDocument(Record):
    """A document that is no longer the commitment's, and the decision that said so."""

    document: ErpDocument = Field(description="The document.")
    revision: Revision = Field(description="That of the decision.")
    reopened: Reopened = Field(default=0, description="That of the decision.")


UnlinkedDocuments = Annotated[tuple[UnlinkedDocument, ...], Field(max_length=limits.MAX_UNLINKED_DOCUMENTS), NullIs(())]


class DecisionLink(Record):
    """The place of a decision in the chain of all decisions on its commitment, so that none can be changed unseen."""

    position: Annotated[Version, Field(ge=1)] = Field(
        description="1 for the first decision on the commitment, +1 for each further one."
    )
    previous: ContentHash = Field(description="`hash` of the decision before; 64 zeros for the first one.")
    decided_at: Instant = Field(description="When it was decided.")
    hash: ContentHash = Field(
        description="SHA-256 of `previous`, a line feed, and the RFC 8785 form of the decision: with its `type` and "
        "its `data`, without `commitment`, without this hash, and without members that have their default value."
    )


_LINK = "Its place in the chain of decisions on the commitment; absent where the chain did not exist yet."


class DelegatedLimit(Record):
    """The amount limit of another approver, with which somebody accepts."""

    owner: Person = Field(description="Whose limit it is.")
    until: Day = Field(description="The last day on which it can be used, where its owner is.")


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
    accounting_date: Day | None = Field(
        default=None, description="The day on which the ERP is to book it; absent means the ERP's own choice."
    )
    note: Note | None = Field(default=None, description="What the approver wants to be remembered.")
    replaces: ErpDocument | None = Field(
        default=None,
        description="The document that is no longer the commitment's, for example since the ERP no longer has it.",
    )
    moves: Annotated[bool, NullIs(default=False)] = Field(
        default=False,
        strict=True,
        description="Whether `replaces` stays in an ERP that is no longer configured, so that the new document goes "
        "where the commitment goes now.",
    )
    reopened: Reopened = Field(
        default=0, description="How often this revision was reopened after it had been in the ERP; it is written again."
    )
    why: Note | None = Field(default=None, description="Why it is written again; unlike `note`, not for the ERP.")
    updates: ErpDocument | None = Field(
        default=None, description="The document to write to, where the commitment has more than one."
    )
    erp: Name | None = Field(
        default=None, description="What people call the ERP that it goes to, as the approver read it."
    )
    unlinked: UnlinkedDocuments = Field(
        default=(),
        description="What earlier decisions unlinked, of which `decision.rejected` may be read later than this event.",
    )
    first_approved_by: Person | None = Field(
        default=None, description="Who approved it before, where the company's rules ask for two approvers."
    )
    link: DecisionLink | None = Field(default=None, description=_LINK)
    limit_of: DelegatedLimit | None = Field(
        default=None, description="The limit of another approver that was needed, since their own does not suffice."
    )


class DecisionFirstApproved(CommitmentData):
    """An approver approved a revision that a second one has to accept; nothing is written until then."""

    topic: ClassVar[str] = "decision.first_approved"
    identity: ClassVar[tuple[str, ...]] = ("revision", "content_hash", "approver_id")

    content_hash: ContentHash = Field(description="That of the content that was approved.")
    decided_by: Person = Field(description="Who approved it first.")
    sent_by: Person = Field(description="Who sent this revision.")
    created_by: Person = Field(description="Who created the commitment.")
    erp_code: Code | None = Field(default=None, description="The document number that the approver asks for.")
    accounting_date: Day | None = Field(default=None, description="The day on which the ERP is to book it.")
    note: Note | None = Field(default=None, description="What the approver wants to be remembered.")
    link: DecisionLink | None = Field(default=None, description=_LINK)
    limit_of: DelegatedLimit | None = Field(
        default=None, description="The limit of another approver that was needed, since their own does not suffice."
    )

    @property
    def approver_id(self) -> str:
        """Who approved it: where that does not count any more, somebody else can."""
        return self.decided_by.id


class DecisionRejected(CommitmentData):
    """An approver rejected a revision, with a reason that its creator and sender can act on."""

    topic: ClassVar[str] = "decision.rejected"
    identity: ClassVar[tuple[str, ...]] = ("revision", "round")

    round: DecisionRound = Field(description="The export round that had failed; 0 when it was never exported.")
    reason: Reason = Field(description="What has to change, in the approver's words.")
    decided_by: Person = Field(description="Who rejected.")
    summary: Summary = Field(description="What a mail shows of the commitment.")
    unlinks: ErpDocument | None = Field(
        default=None, description="The document that is no longer the commitment's; the next revision creates another."
    )
    reopened: Reopened = Field(
        default=0, description="How often this revision was reopened after it had been in the ERP; it is given back."
    )
    link: DecisionLink | None = Field(default=None, description=_LINK)


class DecisionResolved(CommitmentData):
    """An approver settled an in-doubt export with evidence: the document is in the ERP.

    Where the ERP cannot say so, it counts once a second approver has confirmed it, who may withdraw it as well.
    """

    topic: ClassVar[str] = "decision.resolved"
    identity: ClassVar[tuple[str, ...]] = ("revision", "round", "evidence_step")

    round: ExportRound = Field(description="The export round that was in doubt.")
    evidence: Annotated[ExportRound, NullIs(1)] = Field(
        default=1, description="1, and one more after each document that the ERP turned out not to have."
    )
    reopened: Reopened = Field(default=0, description="How often this revision was reopened before.")
    document: ErpDocument = Field(description="The document that was found in the ERP.")
    decided_by: Person = Field(description="Who looked.")
    note: Note | None = Field(
        default=None, description="The evidence in the words of who looked, or why it is confirmed or withdrawn."
    )
    confirmed_by: Person | None = Field(
        default=None, description="Another approver, who confirms it because the ERP cannot; absent before."
    )
    withdrawn_by: Person | None = Field(
        default=None, description="The approver who says that this document is no evidence after all; absent before."
    )
    link: DecisionLink | None = Field(default=None, description=_LINK)

    @property
    def evidence_step(self) -> str:
        """The number of the evidence, and whether it is named, confirmed or withdrawn."""
        if self.withdrawn_by:
            return f"{self.evidence} withdrawn"
        return f"{self.evidence} confirmed" if self.confirmed_by else str(self.evidence)


class Change(Record):
    """One difference between two revisions, in words."""

    field: Name = Field(description="What changed, for example `Line 3 cost code`.")
    before: Excerpt = Field(description="As it stood, shortened.")
    after: Excerpt = Field(description="As it stands now, shortened.")
    delta: Excerpt | None = Field(
        default=None, description="By how much an amount or a quantity changed, for example `-33,472.70 (-16.8 %)`."
    )


Differences = Annotated[tuple[Change, ...], Field(max_length=limits.MAX_CHANGES), NullIs(())]


class DecisionDriftAccepted(CommitmentData):
    """An approver accepted that the ERP's document differs from what was exported; nothing is written."""

    topic: ClassVar[str] = "decision.drift_accepted"
    identity: ClassVar[tuple[str, ...]] = ("version",)

    reopened: Reopened = Field(default=0, description="How often this revision was reopened before.")
    version: Version = Field(description="That of the comparison that was read.")
    is_missing: bool = Field(strict=True, description="Whether the ERP no longer has the document.")
    differences: Differences = Field(default=(), description="What differs.")
    decided_by: Person = Field(description="Who accepted it.")
    note: Note = Field(description="Why the ERP is right, in the approver's words.")
    link: DecisionLink | None = Field(default=None, description=_LINK)


class ApprovalRequested(CommitmentData):
    """A re-sent revision waits for the approver who rejected the one before."""

    topic: ClassVar[str] = "approval.requested"

    approver: Person = Field(description="Who rejected the revision before, and is asked again.")
    previous_revision: Revision = Field(description="The revision that was rejected.")
    previous_reason: Reason = Field(description="Why it was rejected.")
    changes: Differences = Field(default=(), description="What differs from the rejected revision.")
    note: Note | None = Field(default=None, description="What the sender wants the approver to know.")
    summary: Summary = Field(description="What a mail shows of the commitment.")


class CommitmentStatus(CommitmentData):
    """What upstream shows of a commitment; readers ignore a lower version."""

    topic: ClassVar[str] = "commitment.status"
    identity: ClassVar[tuple[str, ...]] = ("version",)

    version: Version = Field(description="Rises with each change; readers keep the highest.")
    status: Status = Field(description="Where the commitment stands.")
    ribbon: Ribbon = Field(description="The colour to show for it.")
    editable: bool = Field(strict=True, description="Whether the commitment may be edited upstream.")
    locked_fields: Annotated[tuple[Name, ...], NullIs(())] = Field(
        default=(), description="Members that must not change, because an ERP document exists."
    )
    message: Text = Field(description="What the status means for this commitment, in a sentence.")
    erp_document: ErpDocument | None = Field(default=None, description="The document in the ERP, once there is one.")
    since: Instant = Field(description="Since when the status holds.")
    summary: Summary = Field(description="What a list shows of the commitment.")


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
