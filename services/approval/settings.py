"""What approval reads from its environment."""

from pydantic import Field, SecretStr

from services.pipeline.settings import ServiceSettings, database_url_field


class ApprovalSettings(ServiceSettings):
    """Settings of the approval service."""

    database_url: SecretStr = database_url_field("approval")
    public_url: str = Field(description="Where people reach the desk, for example https://desk.example.")
    oidc_issuer: str = Field(description="The OpenID Connect provider that people sign in with.")
    oidc_client_id: str = Field(description="Our client id at that provider.")
    oidc_client_secret: SecretStr = Field(description="Our client secret at that provider.")
    oidc_audience: str = Field(description="The audience that bearer tokens for the API must name.")
    link_secret: SecretStr = Field(min_length=16, description="Signs the links in mails; the digest has the same.")
    session_hours: int = Field(default=12, ge=1, le=168, description="How long a sign-in lasts, in hours.")
