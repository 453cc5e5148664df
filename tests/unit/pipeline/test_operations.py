"""What operators pass to the command: files with events, and positions on topics."""

import orjson
import pytest

from schemas.envelope import encode
from schemas.examples import EXAMPLES
from services.pipeline.dead_letters import DeadLetter
from services.pipeline.errors import CountersignError
from services.pipeline.operations import Publishable, described, parse_position, read_events
from services.pipeline.records import Partition
from tests.unit.pipeline.samples import NOW, record, retrieved

VALID = encode(retrieved())


def changed(**members: object) -> bytes:
    return orjson.dumps({**orjson.loads(VALID), **members})


def test_every_example_can_be_published() -> None:
    files = {f"{number}.json": encode(example.event) for number, example in enumerate(EXAMPLES)}
    events, problems = read_events(files)
    assert problems == {}
    assert [(event.topic, event.key) for event in events] == [
        (example.event.data.topic, example.event.subject) for example in EXAMPLES
    ]
    assert [event.value for event in events] == list(files.values())


def test_an_event_keeps_its_bytes() -> None:
    pretty = orjson.dumps(orjson.loads(VALID), option=orjson.OPT_INDENT_2)
    events, _ = read_events({"a.json": pretty})
    assert events == [Publishable("commitment.retrieved", "c-1", str(retrieved().id), pretty)]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "not JSON"),
        (b"\xff", "not JSON"),
        (b"[]", "`type` must be one of"),
        (b"{}", "`type` must be one of"),
        (changed(type="commitment.retrieved"), "`type` must be one of"),
        (changed(type=["commitment.retrieved.v1"]), "`type` must be one of"),
        (changed(type=None), "`type` must be one of"),
        (changed(subject=None), "subject: is missing"),
        (changed(subject=5), "subject"),
        (changed(subject="another"), "is not the id in the data"),
        (changed(id="no uuid"), "id: must be a UUID"),
        (changed(data=None), "data: must be a JSON object"),
        (changed(data={}), "company_id: is missing"),
        (changed(time="yesterday"), "time: must be an RFC 3339 time"),
    ],
)
def test_a_file_without_a_valid_event_is_reported_with_the_reason(content: bytes, why: str) -> None:
    events, problems = read_events({"good.json": VALID, "bad.json": content})
    assert [event.key for event in events] == ["c-1"]
    assert list(problems) == ["bad.json"]
    assert why in problems["bad.json"]


def test_a_position_is_read_as_the_list_prints_it() -> None:
    assert parse_position(record(1207, partition=3).position) == (Partition("commitment.retrieved", 3), 1207)


@pytest.mark.parametrize(
    "position", ["", "a", "a/3", "a/3/x", "a/b/c", "a/3/1207/9", "a/-1/5", "/3/5", "a/٣/5", f"a/3/{10**30}", "a/3/5\n"]
)
def test_anything_else_is_no_position(position: str) -> None:
    with pytest.raises(CountersignError, match=r"is not a place such as commitment\.sent/3/1207"):
        parse_position(position)


def test_a_dead_letter_is_described_in_full_even_if_its_bytes_are_no_text() -> None:
    letter = DeadLetter(
        record(4, key=b"\xff\x00", value=b"\xfe{", headers=[("content-type", b"x"), ("trace", None)]),
        "undecodable",
        "no JSON",
    )
    assert described(letter) == {
        "place": "commitment.retrieved/0/4",
        "reason": "undecodable",
        "why": "no JSON",
        "happened_at": NOW.isoformat(),
        "set_aside_at": None,
        "key": "\\xff\x00",
        "headers": {"content-type": "x", "trace": None},
        "value": "\\xfe{",
    }
