"""The settings that approval reads from its environment."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, SecretStr, model_validator

from schemas.fields import URL_PATTERN
from services.pipeline.settings import (
    FINISHED_DAYS_FIELD,
    OptionalUrl,
    ServiceSettings,
    database_url_field,
    days_field,
    service_url_field,
)


class ApprovalSettings(ServiceSettings):
    """Settings of the approval service."""

    database_url: SecretStr = database_url_field("approval")
    public_url: str = Field(
        pattern=URL_PATTERN, description="Public URL of the approval desk, for example https://desk.example."
    )
    oidc_issuer: str = Field(
        pattern=URL_PATTERN, description="Issuer URL of the OpenID Connect provider that people sign in with."
    )
    oidc_client_id: str = Field(description="Client id registered at that provider.")
    oidc_client_secret: SecretStr = Field(description="Client secret registered at that provider.")
    oidc_audience: str = Field(description="Audience that bearer tokens for the API must have; not OIDC_CLIENT_ID.")
    oidc_leeway_seconds: int = Field(
        default=120, ge=0, le=600, description="How far the provider's clock may be from ours, in seconds."
    )
    link_secret: SecretStr = Field(min_length=16, description="Signs links in mails; the same for approval and digest.")
    session_idle_minutes: int = Field(
        default=120, ge=5, le=10_080, description="How long a sign-in lasts without a request, in minutes."
    )
    sign_ins_per_minute: int = Field(default=120, ge=1, description="Sign-ins that one address may begin in a minute.")
    commands_per_minute: int = Field(default=3_000, ge=1, description="Answers that one person may give in a minute.")
    api_requests_per_minute: int = Field(
        default=6_000, ge=1, description="Requests to the API that one person may send in a minute."
    )
    api_requests_per_address_per_minute: int = Field(
        default=30_000, ge=1, description="Requests to the API that may come from one address in a minute."
    )
    desk_requests_per_minute: int = Field(
        default=1_200, ge=1, description="Requests to the desk that one person may send in a minute."
    )
    desk_requests_per_address_per_minute: int = Field(
        default=30_000, ge=1, description="Requests to the desk that may come from one address in a minute."
    )
    stranger_requests_per_minute: int = Field(
        default=1_200,
        ge=1,
        description="Requests without a valid sign-in or token that may come from one address in a minute.",
    )
    session_hours: int = Field(default=12, ge=1, le=168, description="How long a sign-in lasts, in hours.")
    undo_seconds: int = Field(
        default=10, ge=0, le=60, description="How long what the desk accepts can be undone, in seconds; 0: not at all."
    )
    approval_rules: Annotated[Path | None, BeforeValidator(lambda given: given or None)] = Field(
        default=None,
        description="TOML file with one [[company]] per company whose approvers have limits; read at start.",
    )
    exporter_url: OptionalUrl = service_url_field("exporter")
    notifier_url: OptionalUrl = service_url_field("notifier")
    digest_url: OptionalUrl = service_url_field("digest")
    keep_history_days: int = days_field(3650, "Days to keep the history of a finished commitment.")
    keep_finished_days: int = FINISHED_DAYS_FIELD

    @model_validator(mode="after")
    def _tells_tokens_apart(self) -> Self:
        """Refuse one audience for both: whoever gets hold of an ID token could call the API with it."""
        if self.oidc_audience == self.oidc_client_id:
            raise ValueError(
                "OIDC_AUDIENCE must differ from OIDC_CLIENT_ID, which is the audience of ID tokens: register the API "
                "at the provider with an identifier of its own"
            )
        return self
