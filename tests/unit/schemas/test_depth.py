"""A message is nested at most as deeply as every reader of ours can follow, which recurse."""

from typing import Any

import orjson
import pytest

from schemas import limits
from schemas.topics import TOPICS, Topic
from tests.unit.schemas.messages import message, read, refusal

LEVELS_AROUND = 2
"""The envelope, and its data."""


def nested(levels: int, inner: Any) -> Any:
    for _ in range(levels):
        inner = [inner] if levels % 2 else {"x": inner}
    return inner


def with_unknown_member(topic: Topic, levels: int) -> dict[str, Any]:
    """An example of `topic` that is nested in `levels` levels in all."""
    value = message(topic.name)
    value["data"]["unknown"] = nested(levels - LEVELS_AROUND, 1)
    return value


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_the_deepest_message_can_be_read_written_and_read_again(topic: Topic) -> None:
    event = read(with_unknown_member(topic, limits.MAX_DEPTH), topic.name)
    again = type(event.data).model_validate_json(event.data.model_dump_json(by_alias=True))
    assert again == event.data


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
@pytest.mark.parametrize("levels", [limits.MAX_DEPTH + 1, 250])
def test_a_deeper_message_is_undecodable(topic: Topic, levels: int) -> None:
    reason, why = refusal(with_unknown_member(topic, levels), topic.name)
    assert (reason, why) == ("undecodable", "the value is nested more than 64 levels deep")


def test_a_message_with_many_brackets_side_by_side_is_not_deep() -> None:
    value = message()
    value["data"]["commitment"]["unknown"] = [[] for _ in range(1_000)]
    assert read(value).data.commitment.commitment.id == value["subject"]


def test_a_commitment_that_is_nested_deeply_is_undecodable() -> None:
    value = orjson.dumps(message()).replace(
        b'"commitment":{', b'"commitment":{"x":' + b"[" * 500 + b"]" * 500 + b",", 1
    )
    assert refusal(value, key=message()["subject"].encode())[0] == "undecodable"
