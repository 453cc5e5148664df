"""What approval tells of a submission that it could not take, so that somebody hears of it."""

from typing import ClassVar

from pydantic import Field

from schemas.commitment import Person
from schemas.events.base import EventData
from schemas.fields import ContentHash, Id, Name, OpenKind, Revision, Text, Title, Url


class SubmissionRefused(EventData):
    """A commitment was sent, but not as the contract asks; it is no fact, and nothing waits for an approver.

    Members are absent as far as the submission could not be read.
    """

    topic: ClassVar[str] = "submission.refused"
    identity: ClassVar[tuple[str, ...]] = ("message_hash",)

    company_id: Id = Field(description="The company whose commitment it is, as the submission says.")
    project_id: Id | None = Field(default=None, description="The project whose commitment it is.")
    commitment_id: Id = Field(description="The commitment that was sent; the key of the message.")
    revision: Revision | None = Field(default=None, description="The revision that was sent.")
    message_hash: ContentHash = Field(description="SHA-256 of the value of the message that was refused.")
    reason: OpenKind = Field(description="The class of the problem, as dead letters are sorted, for example too_large.")
    message: Text = Field(description="What is wrong, in a sentence.")
    next_step: Text = Field(description="What has to be done so that it can be sent again.")
    number: Name | None = Field(default=None, description="The number that people read.")
    title: Title | None = Field(default=None, description="What people call the commitment.")
    project: Name | None = Field(default=None, description="The project's name.")
    url: Url | None = Field(default=None, description="Where the commitment opens in the project's tool.")
    creator: Person | None = Field(default=None, description="Who created the commitment.")
    sent_by: Person | None = Field(default=None, description="Who sent this revision.")

    @property
    def subject(self) -> str:
        """The commitment's id."""
        return self.commitment_id
