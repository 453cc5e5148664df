"""Whatever stands on a topic, each message becomes an event or one dead letter with a reason, and nothing is raised."""

import re
from collections.abc import Sequence
from datetime import UTC
from typing import Any

import orjson
import pytest
from confluent_kafka import Message
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.envelope import decode, encode
from schemas.limits import MAX_MESSAGE_BYTES
from schemas.message import Headers
from schemas.times import EARLIEST, LATEST
from services.approval.rules.refusals import refusal
from services.pipeline.broker.messages import record_of
from services.pipeline.dead_letters import HANDLER_FAILED, REASONS
from services.pipeline.decoding import decode_batch
from services.pipeline.records import Record
from tests.unit.pipeline.odd_messages import (
    FRAGMENTS,
    HEADERS,
    KEYS,
    MARK,
    MODES,
    PLACE,
    TIMESTAMPS,
    TOPIC_NAMES,
    VALUES,
    holder_of,
    nearly_valid,
    places,
    sent,
)

CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f\x7f]")
OUR_REASONS = {HANDLER_FAILED, "other_company"}
"""Reasons that decoding never gives: it does not know what handlers know, and has no defect."""


def received(
    topic: str,
    key: bytes | None,
    value: bytes | None,
    headers: Headers | None = None,
    timestamp_ms: int = 0,
    offset: int = 0,
) -> Record:
    """The record of a message of librdkafka's client."""
    listed: Any = None if headers is None else list(headers)
    return record_of(Message(topic, 3, offset, key, value, listed, timestamp=(1, timestamp_ms)))


def settle(records: Sequence[Record]) -> None:
    """Decode `records`, and make replies; each is an event or one dead letter that a database and a person can take."""
    decoded = decode_batch(records)
    letters = {letter.record.offset: letter for letter in decoded.unreadable}
    read = [record.offset for record, _ in decoded.events]
    safe = [offset for offset, letter in letters.items() if letter.is_read_safely]
    assert len(letters) == len(decoded.unreadable)
    assert sorted([*read, *(letters.keys() - safe)]) == [record.offset for record in records]
    for letter in decoded.unreadable:
        assert letter.reason in set(REASONS) - OUR_REASONS, letter.why
        assert letter.why.strip()
        assert not CONTROL_CHARACTERS.search(letter.why)
        assert letter.why.encode()
    for record, event in decoded.events:
        assert EARLIEST <= event.time < LATEST or record.offset in letters
        assert event.time.tzinfo is UTC
        assert event.subject.encode() == record.key
    told = [refusal(each.record, each.reason, each.cause, each.record.at) for each in decoded.unreadable]
    for reply in [each for each in told if each is not None]:
        assert decode(reply.data.topic, reply.subject.encode(), encode(reply), (), reply.time) == reply


@settings(deadline=None, max_examples=250)
@given(
    st.lists(st.tuples(st.sampled_from(TOPIC_NAMES), KEYS, VALUES, HEADERS, TIMESTAMPS), min_size=1, max_size=4),
)
def test_any_bytes_on_any_topic_are_settled(messages: list[tuple[str, bytes | None, bytes | None, Any, int]]) -> None:
    settle([received(*message, offset=offset) for offset, message in enumerate(messages)])


@pytest.mark.parametrize("topic", TOPIC_NAMES)
@settings(deadline=None, max_examples=40)
@given(st.data())
def test_whatever_happened_to_a_valid_message_it_is_settled(topic: str, data: st.DataObject) -> None:
    settle([received(*data.draw(nearly_valid(topic)))])


@pytest.mark.parametrize("topic", TOPIC_NAMES)
@pytest.mark.parametrize("mode", MODES)
def test_each_odd_value_in_each_attribute_and_member_is_settled(topic: str, mode: str) -> None:
    key, whole, headers = sent(topic, mode)
    tops = [path for path in places(whole) if len(path) <= (1 if mode == "binary" else 2)]
    records: list[Record] = []
    for path in tops:
        holder, before = holder_of(whole, path), holder_of(whole, path)[path[-1]]
        holder[path[-1]] = PLACE
        written = orjson.dumps(whole)
        holder[path[-1]] = before
        values = [written.replace(MARK, fragment) for fragment in FRAGMENTS]
        records += [
            received(topic, key, value, headers, offset=len(records) + each) for each, value in enumerate(values)
        ]
    settle(records)


@pytest.mark.parametrize("topic", TOPIC_NAMES)
def test_valid_messages_of_the_fuzzing_are_read(topic: str) -> None:
    """Otherwise all mutations would only show that nothing is read."""
    for mode in MODES:
        key, whole, headers = sent(topic, mode)
        decoded = decode_batch([received(topic, key, orjson.dumps(whole), headers, 1_795_000_000_000)], refusal)
        assert (len(decoded.events), decoded.unreadable) == (1, [])


def test_a_message_beyond_the_limit_is_settled_by_its_beginning() -> None:
    settle(
        [received(topic, b"k", b"\x00" * (MAX_MESSAGE_BYTES + 1), offset=at) for at, topic in enumerate(TOPIC_NAMES)]
    )
