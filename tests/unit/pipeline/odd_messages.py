"""Messages that are odd in every way that a writer, a network or a disk could think of, for the pipeline's tests."""

import base64
from typing import Any

import orjson
from hypothesis import strategies as st

from schemas.envelope import encode
from schemas.examples import EXAMPLES
from schemas.message import Headers
from schemas.publish import binary_message
from schemas.topics import TOPICS

TOPIC_NAMES = [topic.name for topic in TOPICS]
MODES = ("structured", "base64", "binary")
PLACE = "the place of what is wrong"
MARK = b'"' + PLACE.encode() + b'"'

FRAGMENTS = [
    *(b"null", b"true", b"0", b"-0", b"-0.0", b"1e400", b"-1e400", b"1e-400", b"0.1", b"1.0000000000000000000001"),
    *(b"9007199254740993", b"18446744073709551616", b"-9223372036854775809", b"1" * 5_000, b"NaN", b"Infinity", b"007"),
    *(b'""', b'" "', b'"\\u0000"', b'"a\\u0000b"', b'"\\ud800"', b'"\\udfff\\ud800"', b'"\\ud83d\\ude00"', b'"\xff"'),
    *(b'"\xed\xa0\x80"', b'"\xc0\xaf"', b'"\\u202e"', b'"\xc2\x85"', b'"\\x"', b'"\n"', b'"' + b"x" * 21_000 + b'"'),
    *(b"[]", b"{}", b"[[]]", b'{"":{}}', b"[null]", b'[{"x":1}]', b"[" * 40 + b"]" * 40, b"[" * 2_000 + b"]" * 2_000),
    *(b'{"x":' * 70 + b"1" + b"}" * 70, b'{"x":1,"x":2}', b'{"\\ud800":1}', b'{"a\\u0000":1}', b'{"__proto__":{}}'),
    *(
        b'"0001-01-01T00:00:00Z"',
        b'"9999-12-31T23:59:59-23:59"',
        b'"0001-01-01T00:00:00+23:59"',
        b'"2026-02-30"',
        b'"+002026-01-01T00:00:00Z"',
    ),
    *(b'"e30="', b'"W10="', b'"eA"', b'"application/xml"', b'"UTC"', b'"../../etc"', b'"commitment-8841"', b'"1e5"'),
    *(b",", b":", b"", b"}", b'"', b"//", b"'x'", b"undefined"),
]
"""What takes the place of a member; not all of it is JSON."""

NAMES = [b'""', b'"data"', b'"data_base64"', b'"id"', b'"\\ud800"', b'"a\\u0000"']
"""What takes the place of a name."""

KEYS = st.none() | st.binary(max_size=40) | st.text(max_size=20).map(lambda text: text.encode(errors="surrogatepass"))
HEADER_NAMES = st.text(max_size=12) | st.sampled_from(
    [
        "content-type",
        "Content-Type",
        "CE_ID",
        *(f"ce_{name}" for name in ("specversion", "id", "type", "time", "subject")),
    ]
)
HEADER_TEXTS = st.sampled_from(
    [None, b"", b"1.0", b"application/json", b"application/cloudevents+json", b"application/cloudevents\x00", b"\xff"]
) | st.binary(max_size=20)
HEADERS = st.none() | st.lists(st.tuples(HEADER_NAMES, HEADER_TEXTS), max_size=6)
TIMESTAMPS = st.integers(-(2**63), 2**63 - 1) | st.sampled_from([-1, 0, 1_795_000_000, 1_795_000_000_000, 2**53])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8).map(repr),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "data", "type", "x"]), inner),
    max_leaves=8,
)


def dumped(value: Any) -> bytes:
    try:
        return orjson.dumps(value)
    except TypeError:  # an integer beyond 64 bits, which other writers send as it is
        return str(value).encode()


VALUES = st.none() | st.binary(max_size=200) | JSON.map(dumped) | st.sampled_from(FRAGMENTS)


def sent(topic: str, mode: str) -> tuple[bytes, Any, list[tuple[str, bytes | None]]]:
    """Key, decoded value and headers of the first example of `topic`, which is valid."""
    made = next(each for each in EXAMPLES if each.event.data.topic == topic)
    if mode == "binary":
        message = binary_message(made)
        return (
            message["key"].encode(),
            message["value"],
            [(name, text.encode()) for name, text in message["headers"].items()],
        )
    whole = orjson.loads(encode(made.event))
    if mode == "base64":
        whole |= {"data": None, "data_base64": base64.b64encode(orjson.dumps(whole["data"])).decode()}
    return made.event.subject.encode(), whole, [("content-type", b"application/cloudevents+json")]


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every member in `value`, however deep."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for step, member in inner for place in ((*path, step), *places(member, (*path, step)))]


def holder_of(value: Any, path: tuple[Any, ...]) -> Any:
    for step in path[:-1]:
        value = value[step]
    return value


def swap(whole: Any, one: tuple[Any, ...], other: tuple[Any, ...]) -> None:
    """Let two members of `whole` change places, unless one of them is inside the other."""
    if other[: len(one)] != one and one[: len(other)] != other:
        here, there = holder_of(whole, one), holder_of(whole, other)
        here[one[-1]], there[other[-1]] = there[other[-1]], here[one[-1]]


def wrapped(value: Any) -> list[Any]:
    """What some writers make of `value`: a list of one, text, or JSON in a text."""
    return [[value], {"x": value}, str(value), dumped(value).decode()]


def spoilt(draw: st.DrawFn, whole: Any) -> bytes:
    """`whole` as JSON with one member replaced, swapped, repeated, renamed, removed or wrapped."""
    paths = st.sampled_from(places(whole))
    path = draw(paths)
    holder, step = holder_of(whole, path), path[-1]
    how = draw(st.sampled_from(["replace", "replace", "swap", "repeat", "rename", "remove", "wrap"]))
    if how == "swap":
        swap(whole, path, draw(paths))
    elif how == "remove":
        del holder[step]
    elif how == "wrap":
        holder[step] = draw(st.sampled_from(wrapped(holder[step])))
    elif how == "repeat" and isinstance(holder, dict):
        holder[PLACE] = 0
    elif how == "rename" and isinstance(holder, dict):
        holder[PLACE] = holder.pop(step)
    else:
        holder[step] = PLACE
    fragment, name = draw(st.sampled_from(FRAGMENTS)), draw(st.sampled_from(NAMES))
    written = orjson.dumps(whole).replace(MARK + b":0", orjson.dumps(step) + b":" + fragment)
    return written.replace(MARK + b":", name + b":").replace(MARK, fragment)


def damaged(draw: st.DrawFn, content: bytes) -> bytes:
    """`content` with bytes flipped, cut off, cut out, doubled or put in."""
    first, second = sorted(draw(st.tuples(*[st.integers(0, len(content))] * 2)))
    how = draw(st.sampled_from(["none", "none", "flip", "truncate", "cut out", "double", "insert"]))
    if how == "none":
        return content
    if how == "flip":
        turned = bytes(byte ^ draw(st.integers(1, 255)) for byte in content[first : first + 2])
        return content[:first] + turned + content[first + len(turned) :]
    if how == "truncate":
        return content[:first]
    middle = {"cut out": b"", "double": content[first:second] * 2, "insert": draw(st.binary(max_size=4))}[how]
    return content[:first] + middle + content[second:]


@st.composite
def nearly_valid(draw: st.DrawFn, topic: str) -> tuple[str, bytes | None, bytes | None, Headers, int]:
    """Topic, key, value, headers and timestamp of a message that was valid before something happened to it."""
    key, whole, headers = sent(topic, draw(st.sampled_from(MODES)))
    value = damaged(draw, spoilt(draw, whole))
    if headers and draw(st.integers(0, 3)) == 0:
        place = draw(st.integers(0, len(headers) - 1))
        name, text = headers[place]
        headers[place] = (name, draw(HEADER_TEXTS | st.just(damaged(draw, text or b""))))
        headers += [headers[draw(st.integers(0, len(headers) - 1))]]
    return topic, draw(st.just(key) | st.just(key) | KEYS), value, headers, draw(TIMESTAMPS)
