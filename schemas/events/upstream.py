"""What the project's tool and the company's directory tell: submissions, retrieves and people."""

from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field

from schemas.commitment import Person
from schemas.events.base import CommitmentData, EventData
from schemas.fields import (
    Email,
    Id,
    Name,
    Note,
    Revision,
    ToolLevel,
    Version,
)
from schemas.snapshot import Snapshot
from schemas.zones import known_zone


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

    @property
    def as_person(self) -> Person:
        """The person as decisions and mails name them."""
        return Person(id=self.person_id, name=self.name, email=self.email)

    @property
    def may_view(self) -> bool:
        """Whether the person may see their company's commitments: any level on ERP Integrations above none."""
        return self.erp_tool is not ToolLevel.NONE

    @property
    def is_approver(self) -> bool:
        """Whether the person is an accounting approver of their company: may accept, reject, retry and settle."""
        return self.erp_tool in (ToolLevel.STANDARD, ToolLevel.ADMIN) and self.can_push_to_accounting


class DirectoryPersonRemoved(EventData):
    """A tombstone on `directory.person`: the person keeps no right."""

    topic: ClassVar[str] = "directory.person"
    identity: ClassVar[tuple[str, ...]] = ()

    person_id: Id = Field(description="The person; the key of the message.")

    @property
    def subject(self) -> str:
        """The person's id."""
        return self.person_id
