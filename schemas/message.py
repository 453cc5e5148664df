"""Opens a Kafka message of CloudEvents 1.0, structured or binary: its attributes, and its data as decoded JSON.

Source: CloudEvents 1.0.2, with its JSON format and its Kafka protocol binding.
"""

import base64
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import orjson
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic_core import ErrorDetails

from schemas import limits
from schemas.fields import IN_WORDS, SOURCE_PATTERN, Id, Instant

TRACEPARENT_PATTERN = r"^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$"
JSON_MEDIA_TYPE_PATTERN = r"^[^/;\s]+/([^/;\s]+\+)?[jJ][sS][oO][nN]\s*(;.*)?$"
_STRUCTURED = "application/cloudevents"
_STRUCTURED_JSON = re.compile(r"application/cloudevents(\+json)?\s*(;.*)?", re.IGNORECASE | re.DOTALL)
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_TIME_FORM = re.compile(
    r"[+-]?[0-9]{4,12}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f\x7f]")
_MAX_REPORTED_ERRORS = 3
_MAX_WHY_CHARACTERS = 1_000
_WORDS_BY_PATTERN = IN_WORDS | {JSON_MEDIA_TYPE_PATTERN: "must be a JSON media type such as application/json"}
_SHOULD = re.compile(r"^(?:Input|String|Value|List|Tuple|Dictionary|Set) should (be|have|match)")
"""How the validator begins its sentences."""
_WORDS_BY_ERROR = {
    "missing": "is missing",
    "model_type": "must be a JSON object",
    "uuid_parsing": "must be a UUID",
    "uuid_type": "must be a UUID",
    "int_type": "must be a whole number",
    "string_type": "must be a string",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "extra_forbidden": "is not known",
}

Headers = Sequence[tuple[str, bytes | None]]


class UnreadableError(Exception):
    """A message is no event of ours; `reason` is the class of the dead letter, the text says why in words.

    The text may quote the message, so it is kept short and free of control characters, which no database takes.
    """

    def __init__(self, reason: str, why: str) -> None:
        super().__init__(_CONTROL_CHARACTERS.sub("\N{REPLACEMENT CHARACTER}", why)[:_MAX_WHY_CHARACTERS])
        self.reason = reason


def _readable_trace(value: Any) -> Any:
    """`value`, or None where it is no traceparent: W3C asks to ignore a broken one, and the event is sound."""
    return value if isinstance(value, str) and re.match(TRACEPARENT_PATTERN, value) else None


def _possible(value: Any, validate: ValidatorFunctionWrapHandler) -> Any:
    """`value` as a time, or None where it has the form of one that cannot be, as some languages write a missing one."""
    try:
        return validate(value)
    except ValidationError:
        if value == "" or (isinstance(value, str) and _TIME_FORM.fullmatch(value)):
            return None
        raise


class Attributes(BaseModel):
    """The context attributes of an incoming event; extensions that we do not know are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    specversion: Literal["1.0"] = Field(description="The version of CloudEvents.")
    id: UUID = Field(description="Names the event; a repeat has the same id.")
    source: Annotated[
        str, StringConstraints(min_length=1, max_length=limits.MAX_URL_CHARACTERS, pattern=SOURCE_PATTERN)
    ] = Field(description="Who tells of it: `countersign/SERVICE`, or the project's tool.")
    type: str = Field(description="The topic's name and the version of its data.")
    subject: Id = Field(description="Whom the event is about; equals the Kafka key and the id in the data.")
    time: Annotated[Instant | None, WrapValidator(_possible)] = Field(
        default=None, description="When it happened; where absent or impossible, the broker's time counts."
    )
    datacontenttype: Annotated[str, StringConstraints(pattern=JSON_MEDIA_TYPE_PATTERN)] | None = Field(
        default=None, description="A JSON media type; absent means application/json."
    )
    traceparent: Annotated[
        Annotated[str, StringConstraints(pattern=TRACEPARENT_PATTERN)] | None, BeforeValidator(_readable_trace)
    ] = Field(default=None, description="W3C trace context; a malformed one is ignored.")


_ATTRIBUTES = tuple(Attributes.model_fields)
_HEADERS = {f"ce_{name}" for name in _ATTRIBUTES} | {"content-type"}
_SPRINGS_TYPES = "spring_json_header_types"
"""The header with which Spring's Kafka mapper says that it wrote the others."""
_SECONDS = re.compile(r"[0-9]{9,11}(\.[0-9]{1,9})?")
_ON_BAD_UTF_8 = {"ce_traceparent": "replace"}
"""A malformed traceparent is ignored."""


def opened(value: bytes, headers: Headers) -> tuple[Attributes, Any]:
    """The attributes and the data of a structured message, or of a binary one whose attributes are `ce_` headers."""
    own = _own_headers(headers)
    content_type = own.get("content-type") or ""
    # A structured message may repeat its attributes as headers; the content type tells the modes apart.
    is_structured = content_type.lower().startswith(_STRUCTURED)
    if "ce_specversion" in own and not is_structured:
        stated = {name[3:]: text for name, text in own.items()}
        return _attributes({**stated, "datacontenttype": content_type or stated.get("datacontenttype")}), _json(value)
    if is_structured and not _STRUCTURED_JSON.fullmatch(content_type):
        raise UnreadableError("undecodable", f"of the formats of CloudEvents only JSON is read, not {content_type!r}")
    message = _json(value)
    if not isinstance(message, dict):
        raise UnreadableError("undecodable", "the message is JSON but not a CloudEvent")
    return _attributes(message), _data_of(message)


def loose_members(value: bytes) -> Mapping[str, Any]:
    """The members of a message's data, whatever else is wrong with the message; none if there is no JSON object."""
    try:
        whole = orjson.loads(value.removeprefix(_BYTE_ORDER_MARK))
        encoded = whole.get("data_base64") if isinstance(whole, dict) else None
        data = orjson.loads(base64.b64decode(encoded)) if encoded else whole.get("data", whole)
    except (ValueError, TypeError, AttributeError):
        return {}
    return data if isinstance(data, dict) else {}


def _own_headers(headers: Headers) -> dict[str, str]:
    """The headers that we read, by name in lower case; all others are other systems' and may hold anything."""
    named = [(name.lower().replace("ce-", "ce_", 1), text) for name, text in headers if text is not None]
    try:
        own = {name: text.decode(errors=_ON_BAD_UTF_8.get(name, "strict")) for name, text in named if name in _HEADERS}
    except UnicodeDecodeError as error:
        raise UnreadableError("undecodable", "a header of the event is not UTF-8") from error
    is_springs = any(name == _SPRINGS_TYPES for name, _ in named)
    return {name: _spring_value(name, text) for name, text in own.items()} if is_springs else own


def _spring_value(name: str, text: str) -> str:
    """A header that Spring's mapper wrote: as JSON where it was no string, and a time as seconds since 1970."""
    if name == "ce_time" and _SECONDS.fullmatch(text):
        return datetime.fromtimestamp(float(text), UTC).isoformat()
    try:
        decoded = orjson.loads(text) if text.startswith('"') else text
    except orjson.JSONDecodeError:
        return text
    return decoded if isinstance(decoded, str) else text


def _data_of(message: Mapping[str, Any]) -> Any:
    """The data of a structured message: a JSON value, or the bytes of one in Base64."""
    encoded = message.get("data_base64")
    if encoded is None:
        return message.get("data")
    if message.get("data") is not None:
        raise UnreadableError("schema", "an event has data or data_base64, not both")
    try:
        return _json(base64.b64decode(encoded, validate=True))
    except (ValueError, TypeError) as error:
        raise UnreadableError("undecodable", "data_base64 is not Base64") from error


def _attributes(message: Mapping[str, Any]) -> Attributes:
    stated = {name: message[name] for name in _ATTRIBUTES if message.get(name) is not None}
    try:
        return Attributes.model_validate(stated)
    except ValidationError as error:
        raise UnreadableError("schema", in_words(error)) from error


def _json(value: bytes) -> Any:
    try:
        decoded = orjson.loads(value.removeprefix(_BYTE_ORDER_MARK))
    except orjson.JSONDecodeError as error:
        raise UnreadableError("undecodable", f"the value is not JSON: {error.msg} at byte {error.pos}") from error
    # counting is fast, and nearly all messages have fewer brackets than the levels that are allowed
    if value.count(b"{") + value.count(b"[") > limits.MAX_DEPTH and _is_deeper(decoded, limits.MAX_DEPTH):
        raise UnreadableError("undecodable", f"the value is nested more than {limits.MAX_DEPTH} levels deep")
    return decoded


def _is_deeper(decoded: Any, levels: int) -> bool:
    """Whether objects and arrays are nested in more than `levels` levels."""
    level = [decoded]
    for _ in range(levels):
        parts = (part.values() if isinstance(part, dict) else part for part in level)
        level = [member for part in parts for member in part if isinstance(member, (dict, list))]
        if not level:
            return False
    return True


def in_words(error: ValidationError) -> str:
    """What is wrong with which member, without the values; the first few problems."""
    problems = error.errors(include_url=False, include_input=False)
    shown = [f"{'.'.join(map(str, problem['loc'])) or 'data'}: {wording(problem)}" for problem in problems]
    more = len(shown) - _MAX_REPORTED_ERRORS
    return "; ".join(shown[:_MAX_REPORTED_ERRORS]) + (f"; and {more} more" if more > 0 else "")


def wording(problem: ErrorDetails) -> str:
    """What one problem asks for, as a person reads it."""
    pattern = problem.get("ctx", {}).get("pattern", "")
    in_words = _WORDS_BY_PATTERN.get(pattern) or _WORDS_BY_ERROR.get(problem["type"])
    return in_words or _SHOULD.sub(r"must \1", problem["msg"].removeprefix("Value error, "))
