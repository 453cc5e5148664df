"""Messages as nobody should send them: each is made from a sound one by a few random changes."""

from collections.abc import Callable, Sequence
from random import Random
from typing import Any, NamedTuple

import orjson

from schemas.envelope import CONTENT_TYPE, encode
from schemas.examples import EXAMPLES
from schemas.publish import binary_message
from schemas.topics import TOPICS

ODD_VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 7, 2**31, 2**53, 2**60, -(2**63), 0.1, -0.0, 1e308),
    *("", " ", "x", "x" * 300, "x" * 30_000, "\x00", "\n", "\u202e", "\ufeff", "é", "工事", "🏗", "=?utf-8?q?x?="),
    *("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2026-11-31T25:61:61Z", "2026-11-22", "yesterday"),
    *("1e5", "NaN", "-1", "0.0000001", "9" * 40, "USD", "usd", "UTC", "Mars", "a@b", "a@b@c", "javascript:alert(1)"),
    *([], {}, [[]], [None], {"": None}, {"id": {}}, [{}] * 3, orjson.loads("[" * 70 + "]" * 70)),
)
_YEAR_10000_MS = 253_402_300_800_000
TIMESTAMPS_MS = (
    *(-1, -2, -1_795_000_000_123, -62_135_596_800_000, -62_135_596_800_001, -(2**62)),
    *(1, 1_795_000_000, 1_795_000_000_123, 1_795_000_000_123_000, 1_795_000_000_123_000_000),
    *(_YEAR_10000_MS - 1, _YEAR_10000_MS, 2**62),
)
"""Before 1970, before the year 1, in other units, and beyond the year 9999; -1 is how Kafka says that there is none."""
FOREIGN_HEADERS = (("schema.id", b"\x00\x00\x01"), ("spring", b"\xff"), ("ce_time", b"\xff"), ("Content-Type", b"\xc3"))


class Message(NamedTuple):
    """What is given to a producer; `timestamp_ms` is 0 for the present time."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes | None]]
    timestamp_ms: int = 0


def _structured(example: Any) -> Message:
    event = example.event
    return Message(event.data.topic, event.subject.encode(), encode(event), [("content-type", CONTENT_TYPE.encode())])


def _binary(example: Any) -> Message:
    made = binary_message(example)
    headers = [(name, str(text).encode()) for name, text in made["headers"].items()]
    return Message(example.event.data.topic, made["key"].encode(), orjson.dumps(made["value"]), headers)


SOUND = [make(example) for example in EXAMPLES for make in (_structured, _binary)]


def mutated(chance: Random) -> Message:
    """A message of any topic with one to three changes."""
    message = chance.choice(SOUND)
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        message = chance.choice(_MUTATIONS)(message, chance)
    return message


def _change_member(message: Message, chance: Random) -> Message:
    """Replace, remove or add a member anywhere in the value."""

    def change(inner: Any) -> None:
        keys: Sequence[Any] = list(inner) if isinstance(inner, dict) else range(len(inner))
        if not keys or chance.random() < 0.1:
            if isinstance(inner, dict):
                inner[chance.choice(["x", "id", "data", "lines"])] = chance.choice(ODD_VALUES)
            return
        key = chance.choice(keys)
        if isinstance(inner[key], (dict, list)) and chance.random() < 0.7:
            change(inner[key])
        elif chance.random() < 0.3:
            del inner[key]
        else:
            inner[key] = chance.choice(ODD_VALUES)

    return _with_json(message, change)


def _with_json(message: Message, change: Callable[[Any], None]) -> Message:
    try:
        whole = orjson.loads(message.value or b"")
    except orjson.JSONDecodeError:
        return message
    if isinstance(whole, (dict, list)):
        change(whole)
    try:
        return message._replace(value=orjson.dumps(whole))
    except TypeError:  # a number that JSON has no form for
        return message


def _flip_bytes(message: Message, chance: Random) -> Message:
    value = bytearray(message.value or b"x")
    for _ in range(chance.randint(1, 8)):
        value[chance.randrange(len(value))] = chance.randrange(256)
    return message._replace(value=bytes(value))


def _cut(message: Message, chance: Random) -> Message:
    value = message.value or b""
    return message._replace(value=value[: chance.randrange(len(value) + 1)])


def _repeat_part(message: Message, chance: Random) -> Message:
    value = message.value or b""
    begin, end = sorted(chance.randrange(len(value) + 1) for _ in range(2))
    return message._replace(value=value[:end] + value[begin:])


def _replace_value(message: Message, chance: Random) -> Message:
    odd = (None, b"", b"{}", b"[]", b"null", b'"x"', b"0", b"\xef\xbb\xbf{}", b"\x00" * 9, chance.randbytes(64))
    return message._replace(value=chance.choice(odd))


def _change_key(message: Message, chance: Random) -> Message:
    return message._replace(key=chance.choice((b"", b"x", b"\xff\x00", b"two words", b"x" * 500)))


def _change_headers(message: Message, chance: Random) -> Message:
    headers = [each for each in message.headers if chance.random() < 0.8]
    headers.insert(chance.randrange(len(headers) + 1), chance.choice(FOREIGN_HEADERS))
    return message._replace(headers=headers)


def _change_time(message: Message, chance: Random) -> Message:
    return message._replace(timestamp_ms=chance.choice(TIMESTAMPS_MS))


def _move(message: Message, chance: Random) -> Message:
    return message._replace(topic=chance.choice(TOPICS).name)


_MUTATIONS = (
    *(_change_member,) * 8,
    *(_flip_bytes, _cut, _repeat_part, _replace_value, _change_key, _change_headers, _change_time, _move),
)
