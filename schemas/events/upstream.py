"""What the project's tool and the company's directory tell: submissions, retrieves and people."""

from typing import Annotated, Any, ClassVar, Self

from pydantic import AfterValidator, Field, ModelWrapValidatorHandler, TypeAdapter, ValidationError, model_validator

from schemas.commitment import Person
from schemas.events.base import CommitmentData, EventData, Removal
from schemas.fields import (
    Id,
    Name,
    Note,
    NullIs,
    OptionalEmail,
    Revision,
    ToolLevel,
    Version,
    valid_or_none,
)
from schemas.snapshot import Snapshot
from schemas.zones import UTC_NAME, known_zone


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


NOT_UNDERSTOOD = "not_understood"
"""The member in which a person's record names what was replaced."""
_INDISPENSABLE = frozenset({"company_id", "person_id", "version"})
_SAFE: dict[str, Any] = {
    "email": None,
    "time_zone": UTC_NAME,
    "erp_tool": ToolLevel.NONE,
    "can_push_to_accounting": False,
    "digest_subscribed": True,
}
"""What an odd member is read as: no right that is not clearly given."""
_PROJECT_ID: TypeAdapter[str] = TypeAdapter(Id)


class DirectoryPerson(EventData):
    """What the company's directory says of a person; the highest version wins."""

    topic: ClassVar[str] = "directory.person"
    identity: ClassVar[tuple[str, ...]] = ("version",)

    company_id: Id = Field(description="The company whose directory this is.")
    person_id: Id = Field(description="The person; the key of the message.")
    version: Version = Field(description="Rises with each change; readers keep the highest.")
    name: Name = Field(description="The name that others read.")
    email: OptionalEmail = Field(
        default=None, description="Where mails to this person go; what is not one mail address counts as absent."
    )
    time_zone: Annotated[str, Field(max_length=64), AfterValidator(known_zone), NullIs(UTC_NAME)] = Field(
        default=UTC_NAME,
        description="IANA name, for example America/Chicago; the names of Windows and Rails are understood.",
    )
    erp_tool: ToolLevel = Field(description="Level on the company's ERP Integrations tool.")
    can_push_to_accounting: Annotated[bool, Field(strict=True), NullIs(default=False)] = Field(
        default=False, description="Whether the person is an accounting approver."
    )
    commitments_tool: Annotated[dict[Id, ToolLevel], NullIs({})] = Field(
        default_factory=dict, description="Level on the Commitments tool of each project, by project id."
    )
    digest_subscribed: Annotated[bool, Field(strict=True), NullIs(default=True)] = Field(
        default=True, description="Whether the daily summary is wanted."
    )

    @model_validator(mode="wrap")
    @classmethod
    def _take_what_is_clear(cls, received: Any, read: ModelWrapValidatorHandler[Self]) -> Self:
        """Read a record with odd members by their safe values: what it takes away must not wait for a better one."""
        try:
            return read(received)
        except ValidationError as error:
            odd = {problem["loc"][0] for problem in error.errors() if problem["loc"]}
            if not isinstance(received, dict) or not odd or odd & _INDISPENSABLE:
                raise
            safe = {name: _safe_value(received, str(name)) for name in odd}
            return read(received | safe | {NOT_UNDERSTOOD: sorted(map(str, odd))})

    @property
    def not_understood(self) -> tuple[str, ...]:
        """The members that were replaced by their safe values."""
        names = (self.model_extra or {}).get(NOT_UNDERSTOOD, ())
        return tuple(name for name in names if isinstance(name, str)) if isinstance(names, (list, tuple)) else ()

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


def _safe_value(received: dict[str, Any], name: str) -> Any:
    """What the odd member `name` is read as."""
    if name == "name":
        return received["person_id"]
    if name == "commitments_tool":
        return _clear_levels(received[name])
    return _SAFE[name]


def _clear_levels(received: Any) -> dict[str, ToolLevel]:
    """The levels by project; one that is unknown is none, so that nobody sends where that is not clearly allowed."""
    levels = received if isinstance(received, dict) else {}
    known = {level.value: level for level in ToolLevel}
    return {
        project: known.get(level, ToolLevel.NONE) if isinstance(level, str) else ToolLevel.NONE
        for project, level in levels.items()
        if valid_or_none(_PROJECT_ID, project) is not None
    }


class DirectoryPersonRemoved(Removal):
    """A tombstone on `directory.person`: the person keeps no right."""

    topic: ClassVar[str] = "directory.person"
    identity: ClassVar[tuple[str, ...]] = ()
    key_is: ClassVar[str] = "the person's id"
    takes_rights: ClassVar[bool] = True

    person_id: Id = Field(description="The person; the key of the message.")

    @property
    def subject(self) -> str:
        """The person's id."""
        return self.person_id

    @classmethod
    def of_key(cls, key: str) -> Self:
        """The removal of the person with this id; ValueError if it is none."""
        return cls(person_id=key)
