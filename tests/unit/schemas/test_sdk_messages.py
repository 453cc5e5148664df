"""Messages that the SDKs of CloudEvents really wrote, see `sdk_messages/README.md`, are read as the same event."""

import base64
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from schemas.envelope import Event, decode
from schemas.events import EventData
from schemas.message import UnreadableError
from tests.unit.schemas.messages import example

MODES = ("structured", "binary")
FILES = sorted((Path(__file__).parent / "sdk_messages").glob("*.json"))
WRITTEN: dict[str, dict[str, Any]] = {
    f"{file.stem}: {message['variation']}": message
    for file in FILES
    for message in orjson.loads(file.read_bytes())["messages"]
}
SOUND = [name for name, message in WRITTEN.items() if message["reads"] is True]
REFUSED = [name for name, message in WRITTEN.items() if message["reads"] is not True]
BROKER_TIME = datetime(2026, 11, 30, 9, 0, tzinfo=UTC)
"""After the messages were made: some SDKs state the time at which they run."""


def unpacked(text: str | None) -> bytes | None:
    return None if text is None else base64.b64decode(text, validate=True)


def read(message: dict[str, Any]) -> Event[EventData]:
    headers = [(name, unpacked(text)) for name, text in message["headers"].items()]
    return decode("commitment.sent", message["key"].encode(), unpacked(message["value"]), headers, BROKER_TIME)


def stated_time(message: dict[str, Any]) -> datetime:
    """The time that `message` states, in microseconds as Python has them; the broker's if it states none."""
    return datetime.fromisoformat(message["time"]) if message["time"] else BROKER_TIME


def members(event: Event[EventData]) -> dict[str, Any]:
    """The members of the data, in whatever order."""
    return event.data.model_dump(mode="json", by_alias=True)


@pytest.mark.parametrize("name", SOUND)
def test_a_message_of_an_sdk_is_read_as_the_event_that_was_given_to_it(name: str) -> None:
    event, ours = read(WRITTEN[name]), example("commitment.sent", "concrete-works").event
    assert members(event) == members(ours)
    assert (event.id, event.source, event.subject) == (ours.id, ours.source, ours.subject)
    assert event.traceparent == ours.traceparent
    assert event.time == stated_time(WRITTEN[name])


@pytest.mark.parametrize("name", REFUSED)
def test_a_message_that_breaks_the_specification_is_refused_with_its_sentence(name: str) -> None:
    with pytest.raises(UnreadableError) as refused:
        read(WRITTEN[name])
    assert str(refused.value) == WRITTEN[name]["reads"]


def test_every_sdk_is_read_in_both_modes() -> None:
    sdks = ("go", "java", "javascript", "python-1", "python-2", "smallrye", "spring")
    assert {name.partition(":")[0] for name in SOUND} == {f"{sdk}-{mode}" for sdk in sdks for mode in MODES}


def test_json_in_a_json_string_stays_a_string_since_the_json_format_forbids_to_unpack_it() -> None:
    twice = {name for name in REFUSED if "data as JSON text" in WRITTEN[name]["variation"]}
    assert {WRITTEN[name]["reads"] for name in twice} == {"data: must be a JSON object"}
    assert {name.partition("-structured")[0] for name in twice if "structured" in name} == {
        "go",
        "java",
        "javascript",
        "python-1",
        "python-2",
        "smallrye",
    }
