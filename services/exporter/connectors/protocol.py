"""What a push connector is: a small class that can find, create and update one kind of document in one kind of ERP."""

from pathlib import Path
from typing import Annotated, ClassVar, Protocol, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from schemas.events import LimitsProfile
from schemas.fields import Id, Name
from services.exporter.connectors.types import FindAnswer, WriteAnswer, WriteRequest

Seconds = Annotated[float, Field(gt=0, le=86_400)]


class ConnectionSettings(BaseModel):
    """One `[[connection]]` of the file that ERP_CONNECTIONS names; a connector may add members of its own."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: Id = Field(description="The connection's name, in events, metrics and documents; never change it.")
    kind: Id = Field(description="The connector, for example http.")
    title: Name = Field(description="What people call this ERP.")
    companies: tuple[Id, ...] = Field(min_length=1, description="The companies whose commitments go there.")
    token_env: str | None = Field(default=None, description="The variable that holds the secret.")
    token_file: Path | None = Field(default=None, description="The file that holds the secret.")
    timeout_seconds: Seconds = Field(default=30.0, description="Absolute deadline of one call.")
    settle_seconds: Annotated[float, Field(ge=0, le=86_400)] = Field(
        default=30.0, description="How long after a lost answer the ERP may still store what it was sent."
    )
    max_in_flight: Annotated[int, Field(ge=1, le=1_000)] = Field(default=16, description="Calls at the same time.")
    max_attempts: Annotated[int, Field(ge=1, le=1_000)] = Field(
        default=10, description="Attempts before a transient error becomes a failed export."
    )
    first_retry_seconds: Seconds = Field(default=1.0, description="Delay after the first transient error; doubles.")
    first_probe_seconds: Seconds = Field(default=2.0, description="Delay before the ERP is asked after a lost answer.")
    max_missed_calls: Annotated[int, Field(ge=1, le=1_000)] = Field(
        default=5, description="Calls in a row without an answer that open the circuit."
    )
    pause_seconds: Seconds = Field(default=10.0, description="How long an open circuit waits before its next trial.")
    limits: LimitsProfile = Field(default=LimitsProfile(), description="What the ERP takes.")

    @model_validator(mode="after")
    def _one_secret(self) -> Self:
        if self.token_env is not None and self.token_file is not None:
            raise ValueError("give token_env or token_file, not both")
        return self


class Connector(Protocol):
    """Speaks to one ERP. Every call ends by itself within `timeout_seconds` and answers with a value, never an error.

    `enforces_reference` says that the ERP refuses a second document with the same reference by itself; only then
    may a first attempt go without asking first.
    """

    settings_type: ClassVar[type[ConnectionSettings]]

    @property
    def enforces_reference(self) -> bool:
        """Whether the ERP holds our reference as a unique key."""
        ...

    async def find(self, reference: str) -> FindAnswer:
        """Return every document that carries `reference`."""
        ...

    async def create(self, request: WriteRequest) -> WriteAnswer:
        """Write the commitment's first document."""
        ...

    async def update(self, document_id: str, request: WriteRequest) -> WriteAnswer:
        """Replace the content of the commitment's document."""
        ...

    async def close(self) -> None:
        """Give network connections back."""
        ...


class ConnectorType(Protocol):
    """A connector's class, as the entry point group `countersign.connectors` names it."""

    settings_type: type[ConnectionSettings]

    def __call__(self, settings: ConnectionSettings, token: SecretStr | None) -> Connector:
        """Return the connector of one connection."""
        ...
