"""Messages made from the examples, for tests that alter and decode them."""

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from schemas.envelope import Event, decode, encode
from schemas.events import EventData
from schemas.examples import EXAMPLES, Example
from schemas.message import Headers, UnreadableError

BROKER_TIME = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


def example(topic: str = "commitment.sent", name: str = "") -> Example:
    """The example `name` of `topic`, or the topic's first example."""
    return next(one for one in EXAMPLES if one.event.data.topic == topic and name in ("", one.name))


def message(topic: str = "commitment.sent") -> dict[str, Any]:
    """A new dictionary with a structured message of `topic`."""
    read: dict[str, Any] = orjson.loads(encode(example(topic).event))
    return read


def altered(*path: str | int, to: Any, topic: str = "commitment.sent") -> dict[str, Any]:
    """A message of `topic` in which the member at `path` is `to`."""
    whole = message(topic)
    inner: Any = whole
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = to
    return whole


def without(*path: str, topic: str = "commitment.sent") -> dict[str, Any]:
    """A message of `topic` without the member at `path`."""
    whole = message(topic)
    inner = whole
    for step in path[:-1]:
        inner = inner[step]
    del inner[path[-1]]
    return whole


def read(
    value: dict[str, Any] | bytes | None,
    topic: str = "commitment.sent",
    key: bytes | None = b"from the subject",
    headers: Headers = (),
) -> Event[EventData]:
    """Decode `value` on `topic`; unless given, the key is its subject."""
    if isinstance(value, dict):
        key = str(value.get("subject")).encode() if key == b"from the subject" else key
        value = orjson.dumps(value)
    return decode(topic, key, value, headers, BROKER_TIME)


def refusal(*args: Any, **kwargs: Any) -> tuple[str, str]:
    """The reason and the text of the error that `read(...)` raises."""
    with pytest.raises(UnreadableError) as refused:
        read(*args, **kwargs)
    return refused.value.reason, str(refused.value)
