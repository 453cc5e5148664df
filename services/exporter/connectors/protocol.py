"""The interface of a connector, and the settings that every connection to an ERP has."""

from datetime import datetime, time
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Protocol, Self, runtime_checkable
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from schemas.events import LimitsProfile
from schemas.fields import Currency, Id, Kind, Name
from services.exporter.connectors.failure_table import FailureEntry
from services.exporter.connectors.limits.profiles import ConnectionLimits
from services.exporter.connectors.types import Checked, FindAnswer, ReadAnswer, WriteAnswer, WriteRequest

MAX_SECONDS = 86_400
MIN_DEFAULT_SETTLE_SECONDS = 30.0
MIN_CALLS_PER_MINUTE = 4
"""Two exports: fewer would not leave room for a question and a write."""
Seconds = Annotated[float, Field(gt=0, le=MAX_SECONDS)]


def _default_settle_seconds(given: dict[str, Any]) -> float:
    """Twice the time-out: an ERP that does not answer in time may well need as long again, and half a minute anyway."""
    timeout_seconds: float = given.get("timeout_seconds", 0.0)  # absent if it is wrong, which is reported then
    return min(max(MIN_DEFAULT_SETTLE_SECONDS, 2 * timeout_seconds), MAX_SECONDS)


def _with_likely_limit(name: str) -> str:
    close = get_close_matches(name, LimitsProfile.model_fields, n=1)
    return f"{name} (did you mean {close[0]}?)" if close else name


class ConnectionSettings(BaseModel):
    """One `[[connection]]` in the file that ERP_CONNECTIONS names; a connector's subclass may add fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: Id = Field(description="The connection's name, in events, metrics and documents.")
    formerly: tuple[Id, ...] = Field(
        default=(),
        description="The names that it had before: exports and documents keep theirs, and are found by them.",
    )
    kind: Id = Field(description="The connector, for example http.")
    title: Name = Field(description="What people call this ERP.")
    companies: tuple[Id, ...] = Field(min_length=1, description="The companies whose commitments go to this ERP.")
    projects: tuple[Name, ...] = Field(
        default=(), min_length=1, description="The ids or numbers of the only projects that it takes; absent means all."
    )
    currencies: tuple[Currency, ...] = Field(
        default=(), min_length=1, description="The only currencies that it takes; absent means all."
    )
    kinds: tuple[Kind, ...] = Field(
        default=(), min_length=1, description="The only kinds of commitment that it takes; absent means all."
    )
    token_env: str | None = Field(default=None, description="The environment variable that holds the token.")
    token_file: Path | None = Field(default=None, description="The file that holds the token.")
    timeout_seconds: Seconds = Field(default=30.0, description="Absolute deadline of one call.")
    settle_seconds: Seconds = Field(
        default_factory=_default_settle_seconds,
        description="How long after a lost answer the ERP may still store the document; not below timeout_seconds.",
    )
    max_in_flight: Annotated[int, Field(ge=1, le=1_000)] = Field(
        default=16, description="Calls at the same time, from all exporter processes together."
    )
    max_calls_per_minute: Annotated[int, Field(ge=MIN_CALLS_PER_MINUTE, le=1_000_000)] | None = Field(
        default=None, description="Calls in any minute, from all exporter processes together; absent means no limit."
    )
    max_attempts: Annotated[int, Field(ge=1, le=1_000)] = Field(
        default=10, description="Attempts before transient errors and lost answers make the export fail."
    )
    first_retry_seconds: Seconds = Field(default=1.0, description="Delay after the first transient error; doubles.")
    first_probe_seconds: Seconds = Field(
        default=2.0, description="Delay from a lost answer to the first probe; doubles."
    )
    max_missed_calls: Annotated[int, Field(ge=1, le=1_000)] = Field(
        default=5, description="Calls in a row without an answer that open the circuit."
    )
    pause_seconds: Seconds = Field(
        default=10.0, description="How long an open circuit waits before its first trial; doubles up to 5 minutes."
    )
    compares_documents: bool = Field(
        default=True,
        strict=True,
        description="Whether each document is compared every night with what was exported, if the ERP shows documents.",
    )
    compare_at: time = Field(default=time(2), description="When the night's comparisons begin, in UTC.")
    compare_hours: Annotated[float, Field(gt=0, le=24)] = Field(
        default=4.0, description="Over how many hours the night's comparisons are spread."
    )
    limits: ConnectionLimits = Field(default=LimitsProfile(), description="What the ERP accepts, or a profile's id.")
    failure: tuple[FailureEntry, ...] = Field(
        default=(), description="What the ERP's own error codes mean for people; these come before the connector's."
    )

    @property
    def names(self) -> tuple[str, ...]:
        """Its name, and those that it had before."""
        return (self.name, *self.formerly)

    @field_validator("limits")
    @classmethod
    def _has_known_limits_only(cls, limits: LimitsProfile) -> LimitsProfile:
        """A limit whose name is misspelt would not hold, and nobody would notice."""
        if limits.model_extra:
            raise ValueError(f"unknown limits: {', '.join(map(_with_likely_limit, sorted(limits.model_extra)))}")
        return limits

    @field_validator("*")
    @classmethod
    def _holds_no_secret(cls, value: Any) -> Any:
        """An address with a user or password in it would put a secret into the file, whatever the member's name."""
        if isinstance(value, str) and value.startswith(("http://", "https://")) and "@" in urlsplit(value).netloc:
            raise ValueError(
                "must not contain a user or password; put the secret into a variable or a file, and name that as "
                "token_env or token_file"
            )
        return value

    @model_validator(mode="after")
    def _has_one_token_at_most(self) -> Self:
        if self.token_env is not None and self.token_file is not None:
            raise ValueError("give token_env or token_file, not both")
        return self

    @model_validator(mode="after")
    def _waits_long_enough(self) -> Self:
        """The ERP works on after our deadline: what it stores then must be found before we write again."""
        if self.settle_seconds < self.timeout_seconds:
            raise ValueError(
                f"settle_seconds = {self.settle_seconds:g} is less than timeout_seconds = {self.timeout_seconds:g}: a "
                "slow answer could become a second document. Set settle_seconds to the longest time that the ERP may "
                f"take to store a document, and at least to {self.timeout_seconds:g}"
            )
        return self


class Connector(Protocol):
    """Speaks to one ERP; up to `max_in_flight` calls run at the same time.

    Every call returns within `timeout_seconds` and reports every failure, also of the network, as an answer. It raises
    nothing and never retries: an error in a write leaves the export in doubt, and any other one counts as an attempt.
    """

    @property
    def enforces_reference(self) -> bool:
        """Whether the ERP itself refuses a second document with the same reference, with the answer Exists.

        Only then may the first attempt create a document without a `find` before it.
        """
        ...

    async def find(self, reference: str) -> FindAnswer:
        """Return every document with this reference, whoever created it; an empty tuple if there is none."""
        ...

    async def create(self, request: WriteRequest) -> WriteAnswer:
        """Write the commitment's first document."""
        ...

    async def update(self, document_id: str, request: WriteRequest) -> WriteAnswer:
        """Replace the content of an existing document, which keeps its id; doing it twice changes nothing more.

        The answer is Gone if the ERP has no document with this id any more.
        """
        ...

    async def close(self) -> None:
        """Close network connections; called once: when the service stops, or after a reload and the last call."""
        ...


@runtime_checkable
class ReadsDocuments(Protocol):
    """What a connector also is if its ERP can show a document: evidence is checked then, and changes are found."""

    @property
    def can_read(self) -> bool:
        """Whether the ERP of this connection shows documents; if it does not, `read` is not called."""
        ...

    async def read(self, name: str) -> ReadAnswer:
        """Return the document whose id is `name`, or else whose number is, as people read it; it writes nothing.

        The answer is Gone if there is none, and Refused as `fix_data` if several documents have this number. A refusal
        as `fix_setup` or `retry_later` says nothing of the document: it is asked for again.
        """
        ...


@runtime_checkable
class ChecksItself(Protocol):
    """What a connector also is if it can say before the first export what its ERP lacks."""

    async def check(self) -> tuple[Checked, ...]:
        """Sign in, and read what a write needs; it writes nothing.

        Each thing that was looked at is named, in the order of looking; the last one may be why no more was looked at.
        """
        ...


@runtime_checkable
class ShowsCertificate(Protocol):
    """What a connector also is if it knows the certificate of the ERP that it calls."""

    @property
    def certificate_expires_at(self) -> datetime | None:
        """Until when the certificate is valid that the ERP last showed; None without TLS, or before a call."""
        ...


def reader_of(connector: object) -> ReadsDocuments | None:
    """Return `connector` as one whose ERP can be asked to show documents; None if it cannot."""
    return connector if isinstance(connector, ReadsDocuments) and connector.can_read else None


class ConnectorType(Protocol):
    """A connector's class: what an entry point of the group `countersign.connectors` names."""

    settings_type: type[ConnectionSettings]
    """Validates the `[[connection]]` table; the constructor receives an instance of it."""

    def __call__(self, settings: ConnectionSettings, token: SecretStr | None) -> Connector:
        """Create the connector of one connection, without calling the ERP; `token` is None where it has none.

        SettingsError if a file or another thing that the settings name cannot be used; the service then does not start.
        """
        ...
