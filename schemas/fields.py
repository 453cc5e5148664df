"""The kinds of field that events are made of: ids, texts, decimals, people, each with its limit and its meaning."""

import re
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Annotated, Any, Self, TypeVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    StringConstraints,
    TypeAdapter,
    ValidationError,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from schemas import limits
from schemas.times import in_calendar

ID_PATTERN = r"^([^\x00-\x20\x7f.]|\.[^\x00-\x20\x7f.]|\.\.[^\x00-\x20\x7f])[^\x00-\x20\x7f]*$"
"""Anything but `.` and `..`, which no browser and no HTTP client sends as a segment of a path."""
SOURCE_PATTERN = r"^[^\x00-\x20\x7f]+$"
ERP_ID_PATTERN = r"^[^\x00-\x1f\x7f-\x9f]+$"
TEXT_PATTERN = r"^[^\x00]*$"
REASON_PATTERN = r"^[^\x00]*[^\x00\s][^\x00]*$"
EMAIL_PATTERN = r'^[^@\s\x00-\x1f\x7f<>,;"]+@[^@\s\x00-\x1f\x7f<>,;"]+$'
DECIMAL_PATTERN = r"^-?[0-9]{1,15}(\.[0-9]{1,6})?$"
PERCENT_PATTERN = r"^[0-9]{1,3}(\.[0-9]{1,4})?$"
CURRENCY_PATTERN = r"^[A-Z]{3}$"
HASH_PATTERN = r"^[0-9a-f]{64}$"
OPEN_KIND_PATTERN = r"^[a-z_]{1,64}$"
URL_PATTERN = r'^https?://[^\s\x00-\x1f\x7f"<>]+$'

IN_WORDS = {
    ID_PATTERN: "must not contain spaces or control characters, or be . or ..",
    SOURCE_PATTERN: "must not contain spaces or control characters",
    ERP_ID_PATTERN: "must not be empty or contain control characters",
    TEXT_PATTERN: "must not contain the character U+0000",
    REASON_PATTERN: "must say something, without the character U+0000",
    EMAIL_PATTERN: "must be one mail address",
    DECIMAL_PATTERN: "must be a decimal string such as 480250.00",
    PERCENT_PATTERN: "must be a percentage as a decimal string such as 10.0",
    CURRENCY_PATTERN: "must be an ISO 4217 code such as USD",
    HASH_PATTERN: "must be a SHA-256 in lower-case hex",
    OPEN_KIND_PATTERN: "must be at most 64 lower-case letters and underscores",
    URL_PATTERN: "must be an http or https address",
}
"""What each pattern asks for, as a person reads it in a dead letter."""

KindT = TypeVar("KindT")

_ISO_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_RFC_3339 = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9:]{8}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})")


def valid_or_none(kind: TypeAdapter[KindT], value: Any) -> KindT | None:
    """Return `value` as `kind` reads it; None if it is not valid."""
    try:
        return kind.validate_python(value)
    except ValidationError:
        return None


def _rfc_3339(value: Any) -> Any:
    """`value` itself; ValueError for a number, a loose form, or a time without its offset."""
    if isinstance(value, datetime) or (isinstance(value, str) and _RFC_3339.fullmatch(value)):
        return value
    raise ValueError("must be an RFC 3339 time with its offset, such as 2026-11-16T15:02:00Z")


def _iso_day(value: Any) -> Any:
    """`value` itself; ValueError for a number, which would be read as seconds since 1970, and for an instant."""
    is_day = isinstance(value, date) and not isinstance(value, datetime)
    if is_day or (isinstance(value, str) and _ISO_DAY.fullmatch(value)):
        return value
    raise ValueError("must be a day such as 2026-11-30")


def _in_utc(value: datetime) -> datetime:
    """`value` in UTC, at the ends of the calendar the nearest time that can be stored and added to.

    ValueError where UTC has no such year, since no writer could take it.
    """
    try:
        return in_calendar(value.astimezone(UTC))
    except OverflowError as error:
        raise ValueError("must lie in the years 1 to 9999 of UTC") from error


def _shortened(value: Any) -> Any:
    """`value`, cut with an ellipsis where it is a text beyond the length of an excerpt."""
    if isinstance(value, str) and len(value) > limits.MAX_EXCERPT_CHARACTERS:
        return value[: limits.MAX_EXCERPT_CHARACTERS - 1] + "…"
    return value


class NoneIfInvalid:
    """Marks a member of which an invalid value is read as None."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Validate as `source` does, without a call into Python."""
        return core_schema.with_default_schema(handler(source), default=None, on_error="default")


class NullIs:
    """Marks an optional member that is not nullable itself: null means the same as leaving it out, `default`."""

    def __init__(self, default: Any) -> None:
        self._default = default

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Validate as `source` does, once null is replaced."""
        return core_schema.no_info_before_validator_function(self._filled, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """The schema of the member, or null."""
        own = handler(schema)
        return own | {"type": [own["type"], "null"]} if "type" in own else {"anyOf": [own, {"type": "null"}]}

    def _filled(self, value: Any) -> Any:
        return self._default if value is None else value


Id = Annotated[str, StringConstraints(min_length=1, max_length=limits.MAX_ID_CHARACTERS, pattern=ID_PATTERN)]
ErpId = Annotated[str, StringConstraints(min_length=1, max_length=limits.MAX_ID_CHARACTERS, pattern=ERP_ID_PATTERN)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=limits.MAX_NAME_CHARACTERS, pattern=TEXT_PATTERN)]
Code = Annotated[str, StringConstraints(max_length=limits.MAX_NAME_CHARACTERS, pattern=TEXT_PATTERN)]
Title = Annotated[str, StringConstraints(min_length=1, max_length=limits.MAX_TITLE_CHARACTERS, pattern=TEXT_PATTERN)]
Text = Annotated[str, StringConstraints(max_length=limits.MAX_TEXT_CHARACTERS, pattern=TEXT_PATTERN)]
Excerpt = Annotated[
    str,
    StringConstraints(max_length=limits.MAX_EXCERPT_CHARACTERS, pattern=TEXT_PATTERN),
    BeforeValidator(_shortened),
]
Reason = Annotated[
    str, StringConstraints(min_length=1, max_length=limits.MAX_REASON_CHARACTERS, pattern=REASON_PATTERN)
]
QuestionText = Annotated[
    str, StringConstraints(min_length=1, max_length=limits.MAX_QUESTION_CHARACTERS, pattern=REASON_PATTERN)
]
Note = Annotated[str, StringConstraints(max_length=limits.MAX_NOTE_CHARACTERS, pattern=TEXT_PATTERN)]
Url = Annotated[str, StringConstraints(max_length=limits.MAX_URL_CHARACTERS, pattern=URL_PATTERN)]
Email = Annotated[str, StringConstraints(max_length=limits.MAX_EMAIL_CHARACTERS, pattern=EMAIL_PATTERN)]
OptionalEmail = Annotated[Email | None, NoneIfInvalid()]
"""An address, or None for what is none: somebody without an address is still somebody."""
Money = Annotated[str, StringConstraints(pattern=DECIMAL_PATTERN), Field(examples=["480250.00"])]
Quantity = Annotated[str, StringConstraints(pattern=DECIMAL_PATTERN), Field(examples=["12.5"])]
Percent = Annotated[str, StringConstraints(pattern=PERCENT_PATTERN), Field(examples=["10.0"])]
Currency = Annotated[str, StringConstraints(pattern=CURRENCY_PATTERN), Field(examples=["USD"])]
OpenKind = Annotated[str, StringConstraints(pattern=OPEN_KIND_PATTERN), Field(examples=["export_failed"])]
ContentHash = Annotated[str, StringConstraints(pattern=HASH_PATTERN)]
Revision = Annotated[int, Field(strict=True, ge=1, le=limits.MAX_REVISION)]
ExportRound = Annotated[int, Field(strict=True, ge=1, le=limits.MAX_ROUND)]
DecisionRound = Annotated[int, Field(strict=True, ge=0, le=limits.MAX_ROUND)]
Reopened = Annotated[int, Field(strict=True, ge=0, le=limits.MAX_ROUND), NullIs(0)]
"""How often an approver has reopened a revision that was in the ERP: to export it again, or to give it back."""
Version = Annotated[int, Field(strict=True, ge=0, le=limits.MAX_VERSION)]
Count = Annotated[int, Field(strict=True, ge=0, le=limits.MAX_COUNT)]
Day = Annotated[date, BeforeValidator(_iso_day)]
Instant = Annotated[AwareDatetime, BeforeValidator(_rfc_3339), AfterValidator(_in_utc)]


class Record(BaseModel):
    """A frozen value of the contract; unknown members are kept and ignored, so that writers may add to it."""

    model_config = ConfigDict(frozen=True, extra="allow", hide_input_in_errors=True, populate_by_name=True)

    @classmethod
    def trusted(cls, **members: Any) -> Self:
        """The record with all its `members`, which are not checked: each was taken from a record that was."""
        made = cls.__new__(cls)
        for name, value in (
            ("__dict__", members),
            ("__pydantic_fields_set__", set(members)),
            ("__pydantic_extra__", {} if cls.model_config["extra"] == "allow" else None),
            ("__pydantic_private__", None),
        ):
            object.__setattr__(made, name, value)
        return made


class Kind(StrEnum):
    """What a commitment is."""

    SUBCONTRACT = "subcontract"
    PURCHASE_ORDER = "purchase_order"


class ToolLevel(StrEnum):
    """A person's level on a tool, from none to admin."""

    NONE = "none"
    READ_ONLY = "read_only"
    STANDARD = "standard"
    ADMIN = "admin"


class Status(StrEnum):
    """Where a commitment stands between the project and the ERP."""

    READY = "ready"
    EXPORTING = "exporting"
    IN_DOUBT = "in_doubt"
    FAILED = "failed"
    REJECTED = "rejected"
    RETRIEVED = "retrieved"
    SYNCED = "synced"
    DISPUTED = "disputed"


class Ribbon(StrEnum):
    """The colour that the project's Commitments tool shows for a status."""

    BLUE = "BLUE"
    YELLOW = "YELLOW"
    GREEN = "GREEN"


class FailureClass(StrEnum):
    """Why an export failed, sorted by who can mend it."""

    RETRY_LATER = "retry_later"
    WAIT_FOR_DEPENDENCY = "wait_for_dependency"
    FIX_DATA = "fix_data"
    FIX_SETUP = "fix_setup"


class Owner(StrEnum):
    """The role that acts next on a failed export."""

    SYSTEM = "system"
    APPROVER = "approver"
    PROJECT_MANAGER = "project_manager"
    ERP_ADMIN = "erp_admin"


class MailOutcome(StrEnum):
    """What became of a mail; all are final."""

    SENT = "sent"
    FAILED = "failed"
    EXPIRED = "expired"
