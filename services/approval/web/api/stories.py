"""The story of a commitment as the API tells it."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from services.approval.web.api import examples
from services.approval.web.api.models import Words


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, from_attributes=True)


class StoryTrouble(_Model):
    """Something that does not fit together, or does not go on by itself."""

    text: Words
    who: str = Field(description="Who acts on it.")
    what: Words = Field(description="What they do.")
    since: datetime | None
    holds_up: bool = Field(description="Whether the commitment waits until somebody has acted on it.")


class StoryUpcoming(_Model):
    """Something that happens by itself; overdue if `at` is in the past."""

    at: datetime
    service: str
    text: Words


class StoryMoment(_Model):
    """Something that happened, `times` in a row, until `last_at` if that is more than once."""

    at: datetime
    service: str = Field(description="Which service tells it: approval, exporter, notifier or digest.")
    text: Words
    times: int
    last_at: datetime | None


class StoryMissing(_Model):
    """A part that is missing, since its service does not answer."""

    service: str
    text: str


class CommitmentStory(_Model):
    """Everything that is known of one commitment, in plain words."""

    model_config = examples.shown(examples.STORY)

    commitment_id: str
    as_of: datetime
    who: str = Field(description="Who acts next.")
    step: Words = Field(description="What they do.")
    troubles: tuple[StoryTrouble, ...] = Field(description="What does not fit together; what holds it up comes first.")
    upcoming: tuple[StoryUpcoming, ...] = Field(description="The soonest first.")
    timeline: tuple[StoryMoment, ...] = Field(description="Oldest first.")
    missing: tuple[StoryMissing, ...]
