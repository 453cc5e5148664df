"""The CloudEvents 1.0 envelope: structured and binary messages in, structured messages out.

Source: CloudEvents 1.0.2, with its JSON format and its Kafka protocol binding.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha1
from typing import Annotated, Any, Generic, Literal, TypeVar
from uuid import UUID

import orjson
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError
from pydantic_core import ErrorDetails

from schemas import limits
from schemas.events import EventData, Submission
from schemas.fields import ID_PATTERN, IN_WORDS, Id, Instant
from schemas.snapshot import TooLargeError
from schemas.topics import BY_NAME, BY_TYPE, Topic
from schemas.values import value

CONTENT_TYPE = "application/cloudevents+json"
NAMESPACE = UUID("6b1f6a52-3a1c-5b0e-9a53-0c1d4f0b7c11")
_NAMESPACE_BYTES = NAMESPACE.bytes
TRACEPARENT_PATTERN = r"^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$"
JSON_MEDIA_TYPE_PATTERN = r"^[^/;\s]+/([^/;\s]+\+)?[jJ][sS][oO][nN]\s*(;.*)?$"
_CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f\x7f]")
_MAX_REPORTED_ERRORS = 3
_MAX_WHY_CHARACTERS = 1_000
_WORDS_BY_PATTERN = IN_WORDS | {JSON_MEDIA_TYPE_PATTERN: "must be a JSON media type such as application/json"}
_WORDS_BY_ERROR = {
    "missing": "is missing",
    "model_type": "must be a JSON object",
    "uuid_parsing": "must be a UUID",
    "uuid_type": "must be a UUID",
    "int_type": "must be a whole number",
}

DataT = TypeVar("DataT", bound=EventData)
DataT_co = TypeVar("DataT_co", bound=EventData, covariant=True)
Headers = Sequence[tuple[str, bytes | None]]


class UnreadableError(Exception):
    """A message is no event of ours; `reason` is the class of the dead letter, the text says why in words.

    The text may quote the message, so it is kept short and free of control characters, which no database takes.
    """

    def __init__(self, reason: str, why: str) -> None:
        super().__init__(_CONTROL_CHARACTERS.sub("\N{REPLACEMENT CHARACTER}", why)[:_MAX_WHY_CHARACTERS])
        self.reason = reason


@value
class Event(Generic[DataT_co]):
    """Something that happened at `time`: `data` about `subject`, told by `source`."""

    id: UUID
    source: str
    subject: str
    time: datetime
    data: DataT_co
    traceparent: str | None = None


def _readable_trace(value: Any) -> Any:
    """`value`, or None where it is no traceparent: W3C asks to ignore a broken one, and the event is sound."""
    return value if isinstance(value, str) and re.match(TRACEPARENT_PATTERN, value) else None


class Attributes(BaseModel):
    """The context attributes of an incoming event; extensions that we do not know are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    specversion: Literal["1.0"] = Field(description="The version of CloudEvents.")
    id: UUID = Field(description="Names the event; a repeat has the same id.")
    source: Annotated[
        str, StringConstraints(min_length=1, max_length=limits.MAX_URL_CHARACTERS, pattern=ID_PATTERN)
    ] = Field(description="Who tells of it: `countersign/SERVICE`, or the project's tool.")
    type: str = Field(description="The topic's name and the version of its data.")
    subject: Id = Field(description="Whom the event is about; equals the Kafka key and the id in the data.")
    time: Instant = Field(description="When it happened; where absent, the broker's time counts.")
    datacontenttype: Annotated[str, StringConstraints(pattern=JSON_MEDIA_TYPE_PATTERN)] | None = Field(
        default=None, description="A JSON media type; absent means application/json."
    )
    traceparent: Annotated[
        Annotated[str, StringConstraints(pattern=TRACEPARENT_PATTERN)] | None, BeforeValidator(_readable_trace)
    ] = Field(default=None, description="W3C trace context; a malformed one is ignored.")


_ATTRIBUTES = tuple(Attributes.model_fields)


def event_id(data: EventData) -> UUID:
    """The id of `data` as an event: the same for every repeat of it."""
    members = [str(getattr(data, name)) for name in data.identity]
    name = "\n".join((f"{data.topic}.v1", data.subject, *members))
    # what uuid5(NAMESPACE, name) gives, in half the time
    return UUID(bytes=sha1(_NAMESPACE_BYTES + name.encode(), usedforsecurity=False).digest()[:16], version=5)


def new_event(data: DataT, *, source: str, time: datetime, traceparent: str | None = None) -> Event[DataT]:
    """`data` as an event of ours."""
    return Event(event_id(data), source, data.subject, time, data, traceparent)


def encode(event: Event[EventData]) -> bytes:
    """`event` as structured JSON; its content type is CONTENT_TYPE."""
    envelope = {
        "specversion": "1.0",
        "id": str(event.id),
        "source": event.source,
        "type": f"{event.data.topic}.v1",
        "subject": event.subject,
        "time": event.time,
        "datacontenttype": "application/json",
        "data": event.data.model_dump(mode="python", by_alias=True, exclude_none=True),
    }
    if event.traceparent:
        envelope["traceparent"] = event.traceparent
    return orjson.dumps(envelope, option=orjson.OPT_UTC_Z)


def decode(topic_name: str, key: bytes | None, value: bytes | None, headers: Headers, at: datetime) -> Event[EventData]:
    """The event of a Kafka message; `at` is the broker's time, used where the event gives none.

    Raises UnreadableError with the reason of the dead letter when the message is not a valid event for its topic.
    """
    topic = BY_NAME[topic_name]
    _check_size(topic, key, value, headers)
    if value is None:
        return _tombstone(topic, key, at)
    attributes, data = _open(value, dict(headers), at)
    if BY_TYPE.get(attributes.type) is not topic:
        raise UnreadableError("unknown_type", f"type {attributes.type!r} does not travel on {topic.name}")
    known = _validated(topic, data)
    _check_key(key, attributes.subject, known.subject)
    return Event(attributes.id, attributes.source, attributes.subject, attributes.time, known, attributes.traceparent)


def message_bytes(key: bytes | None, value: bytes | None, headers: Headers) -> int:
    """The size of a message without compression, which a broker does not check where the sender compresses."""
    size = len(key or b"") + len(value or b"")
    for name, text in headers:
        size += len(name) + len(text or b"")
    return size


def _check_size(topic: Topic, key: bytes | None, value: bytes | None, headers: Headers) -> None:
    if value and len(value) > limits.MAX_SUBMISSION_BYTES and issubclass(topic.event, Submission):
        raise UnreadableError(
            "too_large", f"{len(value):,} bytes; a submission has at most {limits.MAX_SUBMISSION_BYTES:,}"
        )
    size_bytes = message_bytes(key, value, headers)
    if size_bytes > limits.MAX_MESSAGE_BYTES:
        raise UnreadableError("too_large", f"{size_bytes:,} bytes; a message has at most {limits.MAX_MESSAGE_BYTES:,}")


def _tombstone(topic: Topic, key: bytes | None, at: datetime) -> Event[EventData]:
    if topic.tombstone is None:
        raise UnreadableError("undecodable", f"a message on {topic.name} needs a value")
    try:
        person_id = (key or b"").decode()
        data = topic.tombstone.model_validate({"person_id": person_id})
    except ValueError as error:
        raise UnreadableError("undecodable", "a tombstone needs the person's id as its key") from error
    return Event(event_id(data), topic.name, data.subject, at, data)


def _open(value: bytes, headers: Mapping[str, bytes | None], at: datetime) -> tuple[Attributes, Any]:
    """The attributes and the data of a structured message, or of a binary one whose attributes are `ce_` headers."""
    content_type = (headers.get("content-type") or b"").lower()
    # A structured message may repeat its attributes as headers; the content type tells the modes apart.
    if "ce_specversion" in headers and not content_type.startswith(b"application/cloudevents"):
        return _attributes(_from_headers(headers), at), _json(value)
    message = _json(value)
    if not isinstance(message, dict):
        raise UnreadableError("undecodable", "the message is JSON but not a CloudEvent")
    return _attributes(message, at), message.get("data")


def _from_headers(headers: Mapping[str, bytes | None]) -> dict[str, Any]:
    try:
        named = {name: text.decode() for name, text in headers.items() if text is not None}
    except UnicodeDecodeError as error:
        raise UnreadableError("undecodable", "a header is not UTF-8") from error
    attributes = {name[3:]: text for name, text in named.items() if name.startswith("ce_")}
    return attributes | {"datacontenttype": named.get("content-type")}


def _attributes(message: Mapping[str, Any], at: datetime) -> Attributes:
    stated = {name: message[name] for name in _ATTRIBUTES if message.get(name) is not None}
    stated.setdefault("time", at)
    try:
        return Attributes.model_validate(stated)
    except ValidationError as error:
        raise UnreadableError("schema", _in_words(error)) from error


def _json(value: bytes) -> Any:
    try:
        decoded = orjson.loads(value)
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


def _validated(topic: Topic, received: Any) -> EventData:
    try:
        return topic.event.model_validate(received)
    except ValidationError as error:
        raise UnreadableError("schema", _in_words(error)) from error
    except TooLargeError as error:
        raise UnreadableError("too_large", str(error)) from error


def _check_key(key: bytes | None, subject: str, data_subject: str) -> None:
    if key != subject.encode():
        raise UnreadableError("key_mismatch", f"the Kafka key is not the subject {subject!r}")
    if subject != data_subject:
        raise UnreadableError("key_mismatch", f"the subject {subject!r} is not the id in the data, {data_subject!r}")


def _in_words(error: ValidationError) -> str:
    """What is wrong with which member, without the values; the first few problems."""
    problems = error.errors(include_url=False, include_input=False)
    shown = [f"{'.'.join(map(str, problem['loc'])) or 'data'}: {_wording(problem)}" for problem in problems]
    more = len(shown) - _MAX_REPORTED_ERRORS
    return "; ".join(shown[:_MAX_REPORTED_ERRORS]) + (f"; and {more} more" if more > 0 else "")


def _wording(problem: ErrorDetails) -> str:
    pattern = problem.get("ctx", {}).get("pattern", "")
    in_words = _WORDS_BY_PATTERN.get(pattern) or _WORDS_BY_ERROR.get(problem["type"])
    return in_words or problem["msg"].removeprefix("Value error, ")
