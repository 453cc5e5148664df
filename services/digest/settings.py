"""What the digest needs from its environment."""

from datetime import time

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from schemas.fields import URL_PATTERN
from services.pipeline.settings import FINISHED_DAYS_FIELD, ServiceSettings, database_url_field, days_field

DIGEST_AT_FIELD = Field(
    default=time(6), description="When the daily summary is due, in each recipient's time zone, for example 06:00."
)


class ScheduleSettings(BaseSettings):
    """When summaries are due, for commands that need nothing else of the digest."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    digest_at: time = DIGEST_AT_FIELD


class DigestSettings(ServiceSettings):
    """Settings of `countersign run digest`."""

    database_url: SecretStr = database_url_field("digest")
    public_url: str = Field(
        pattern=URL_PATTERN,
        max_length=400,
        description="Public URL of the approval desk; links in the summary begin with it.",
    )
    link_secret: SecretStr = Field(min_length=16, description="Signs links in mails; the same for approval and digest.")
    digest_at: time = DIGEST_AT_FIELD
    keep_finished_days: int = FINISHED_DAYS_FIELD
    keep_summaries_days: int = days_field(180, "Days to keep which summaries were made, which prevents a second one.")

    @field_validator("digest_at")
    @classmethod
    def _is_local(cls, digest_at: time) -> time:
        if digest_at.tzinfo is not None:
            raise ValueError("must be a time of day without an offset: it holds in each recipient's time zone")
        return digest_at
