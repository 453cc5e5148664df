"""The two kinds of event: about anything, and about one revision of one commitment."""

from typing import ClassVar, Self

from pydantic import Field

from schemas.fields import (
    Id,
    Record,
    Revision,
)


class EventData(Record):
    """What happened. `topic` names where it travels; `identity` names the members that make it this very event."""

    topic: ClassVar[str]
    identity: ClassVar[tuple[str, ...]]

    @property
    def subject(self) -> str:
        """Whom the event is about: the Kafka key."""
        raise NotImplementedError(type(self).__name__)

    @property
    def not_understood(self) -> tuple[str, ...]:
        """The members that could not be read, and are taken as something safe; mostly none, since such events fail."""
        return ()


class Removal(EventData):
    """What a tombstone, a message with a key and no value, stands for on a compacted topic."""

    key_is: ClassVar[str]
    """What the key has to be, in words."""

    takes_rights: ClassVar[bool] = False
    """Whether it takes rights from somebody, so that a message that cannot be read is taken for it as well."""

    @classmethod
    def of_key(cls, key: str) -> Self:
        """The removal of what has this key; ValueError if it cannot be one."""
        raise NotImplementedError(cls.__name__)


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
