"""The CloudEvents 1.0 envelope: structured and binary messages in, structured messages out.

Source: CloudEvents 1.0.2, with its JSON format and its Kafka protocol binding.
"""

from dataclasses import field
from datetime import datetime
from hashlib import sha1
from typing import Any, Generic, TypeVar
from uuid import UUID

import orjson
from pydantic import ValidationError

from schemas import limits
from schemas.events import EventData, Removal, Submission
from schemas.message import Headers, UnreadableError, in_words, opened
from schemas.snapshot import TooLargeError
from schemas.times import believed
from schemas.topics import BY_NAME, BY_TYPE, Topic
from schemas.values import value

CONTENT_TYPE = "application/cloudevents+json"
NAMESPACE = UUID("6b1f6a52-3a1c-5b0e-9a53-0c1d4f0b7c11")
_NAMESPACE_BYTES = NAMESPACE.bytes
DataT = TypeVar("DataT", bound=EventData)
DataT_co = TypeVar("DataT_co", bound=EventData, covariant=True)


@value
class Event(Generic[DataT_co]):
    """Something that happened at `time`: `data` about `subject`, told by `source`.

    `place` is the partition and the offset at which it was read; None where it is made.
    """

    id: UUID
    source: str
    subject: str
    time: datetime
    data: DataT_co
    traceparent: str | None = None
    place: tuple[int, int] | None = field(default=None, compare=False)


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
    """`event` as structured JSON, whose content type is CONTENT_TYPE; empty for what a tombstone stands for."""
    if isinstance(event.data, Removal):
        return b""
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


def decode(
    topic_name: str,
    key: bytes | None,
    value: bytes | None,
    headers: Headers,
    at: datetime,
    place: tuple[int, int] | None = None,
) -> Event[EventData]:
    """The event of a Kafka message; `at` is the broker's time, used where the event gives none that can be believed.

    Raises UnreadableError with the reason of the dead letter when the message is not a valid event for its topic.
    """
    topic = BY_NAME[topic_name]
    _check_size(topic, key, value, headers)
    if value is None or (not value and topic.tombstone):
        return _tombstone(topic, key, at)
    attributes, data = opened(value, headers)
    if BY_TYPE.get(attributes.type) is not topic:
        raise UnreadableError("unknown_type", f"type {attributes.type!r} does not travel on {topic.name}")
    known = _validated(topic, data)
    _check_key(key, attributes.subject, known.subject)
    time = believed(attributes.time, at) if attributes.time else at
    return Event(attributes.id, attributes.source, attributes.subject, time, known, attributes.traceparent, place)


def safe_reading(topic_name: str, key: bytes | None, at: datetime) -> Event[EventData] | None:
    """What to go by where a message about `key` cannot be read, if going by nothing could leave somebody a lost right.

    It is the removal of the person, as a tombstone would be; None on topics without rights, or if `key` is no id.
    """
    topic = BY_NAME[topic_name]
    is_needed = topic.tombstone is not None and topic.tombstone.takes_rights
    return _removal(topic, key, at) if is_needed else None


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
    removal = _removal(topic, key, at)
    if removal is None:
        raise UnreadableError("undecodable", f"a tombstone needs {topic.tombstone.key_is} as its key")
    return removal


def _removal(topic: Topic, key: bytes | None, at: datetime) -> Event[EventData] | None:
    """What a tombstone with `key` stands for; None if the key cannot be one, or `topic` has no tombstones."""
    if topic.tombstone is None:
        return None
    try:
        data = topic.tombstone.of_key((key or b"").decode())
    except ValueError:
        return None
    return Event(event_id(data), topic.name, data.subject, at, data)


def _validated(topic: Topic, received: Any) -> EventData:
    try:
        return topic.event.model_validate(received)
    except ValidationError as error:
        raise UnreadableError("schema", in_words(error)) from error
    except TooLargeError as error:
        raise UnreadableError("too_large", str(error)) from error


def _check_key(key: bytes | None, subject: str, data_subject: str) -> None:
    if key != subject.encode():
        raise UnreadableError("key_mismatch", f"the Kafka key is not the subject {subject!r}")
    if subject != data_subject:
        raise UnreadableError("key_mismatch", f"the subject {subject!r} is not the id in the data, {data_subject!r}")
