"""What an approver asks the sender of a revision that waits, and what the sender says."""

from typing import ClassVar

from pydantic import Field

from schemas.commitment import Person, Summary
from schemas.events.base import CommitmentData
from schemas.fields import ExportRound, QuestionText, Url


class QuestionAsked(CommitmentData):
    """An approver asks the sender about a revision, which goes on waiting for an answer."""

    topic: ClassVar[str] = "question.asked"
    identity: ClassVar[tuple[str, ...]] = ("revision", "number")

    number: ExportRound = Field(description="1 for the first question about the revision, +1 for each further one.")
    question: QuestionText = Field(description="In the approver's words.")
    asked_by: Person = Field(description="Who asks, and gets what the sender writes back to the mail.")
    answer_url: Url = Field(description="Where the sender answers without signing in: a signed link.")
    summary: Summary = Field(description="What a mail shows of the commitment; `sent_by` gets it.")


class QuestionAnswered(CommitmentData):
    """The sender answered a question by the link in its mail; the revision still waits."""

    topic: ClassVar[str] = "question.answered"
    identity: ClassVar[tuple[str, ...]] = ("revision", "number")

    number: ExportRound = Field(description="That of the question.")
    answer: QuestionText = Field(description="In the sender's words.")
    answered_by: Person = Field(description="Who was asked, and got the link.")
    question: QuestionText | None = Field(default=None, description="What was asked.")
    asked_by: Person | None = Field(
        default=None,
        description="Who asked, and gets the answer by mail; absent if they are no approver any more.",
    )
    summary: Summary | None = Field(default=None, description="What a mail shows of the commitment.")
