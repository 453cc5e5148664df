"""Whoever sent what could not be taken is told why, as far as it can be read."""

import base64
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.envelope import Event, decode, encode
from schemas.events import SubmissionRefused
from schemas.examples.cast import COMPANY, CONCRETE_1, SAM
from schemas.limits import MAX_LINES
from schemas.message import loose_members
from services.approval.rules.refusals import NEXT_STEPS, refusal
from services.pipeline.dead_letters import REASONS
from services.pipeline.decoding import decode_batch
from services.pipeline.records import Partition, Record
from tests.unit.schemas.messages import altered, message, without

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
LINE = {"position": 1, "quantity": "1", "unit_cost": "1.00", "amount": "1.00"}


def record(value: bytes | dict[str, Any] | None, key: str = CONCRETE_1.id, topic: str = "commitment.sent") -> Record:
    content = orjson.dumps(value) if isinstance(value, dict) else value
    return Record(Partition(topic, 0), 7, key.encode(), content, (), NOW)


def replies(refused: Record) -> list[Event[Any]]:
    return list(decode_batch([refused], refusal).replies)


def reply(refused: Record) -> SubmissionRefused:
    (event,) = replies(refused)
    assert isinstance(event.data, SubmissionRefused)
    return event.data


def test_every_reason_that_is_answered_is_one_of_a_dead_letter() -> None:
    assert NEXT_STEPS.keys() == set(REASONS) - {"other_company", "handler_failed"}


@pytest.mark.parametrize(
    ("sent", "reason", "why"),
    [
        (altered("data", "commitment", "lines", to=[LINE] * (MAX_LINES + 1)), "too_large", "2001 lines; at most 2000"),
        (altered("data", "commitment", "note", to="x" * 1_100_000), "too_large", "a submission has at most 1,048,576"),
        (altered("data", "commitment", "total", to="1,00"), "schema", "commitment.total: must be a decimal string"),
        (altered("id", to="7"), "schema", "id: must be a UUID"),
        (altered("type", to="commitment.sent.v2"), "unknown_type", "does not travel on commitment.sent"),
        (
            altered("data", "commitment", "deep", to=orjson.loads("[" * 70 + "]" * 70)),
            "undecodable",
            "nested more than",
        ),
        (without("data", "revision"), "schema", "revision: is missing"),
    ],
)
def test_the_sender_learns_what_is_wrong(sent: dict[str, Any], reason: str, why: str) -> None:
    told = reply(record(sent))
    assert (told.company_id, told.commitment_id, told.reason) == (COMPANY, CONCRETE_1.id, reason)
    assert told.message.startswith("SC-014 did not reach accounting: ")
    assert why in told.message
    assert told.next_step == NEXT_STEPS[reason]
    assert (told.sent_by, told.creator, told.title) == (SAM, CONCRETE_1.creator, CONCRETE_1.title)


def test_another_key_is_told_about_the_commitment_that_was_sent() -> None:
    assert reply(record(message(), key="commitment-other")).commitment_id == CONCRETE_1.id


def test_what_cannot_be_read_is_absent() -> None:
    told = reply(record({"data": {"company_id": COMPANY, "sent_by": {"id": 7}, "commitment": 14}}))
    assert told.commitment_id == CONCRETE_1.id
    assert told.model_dump(exclude_none=True).keys() == {
        *("company_id", "commitment_id", "message_hash", "reason", "message", "next_step")
    }
    assert told.message.startswith("The commitment did not reach accounting: ")


@pytest.mark.parametrize(
    "silent",
    [
        record(message()),
        record(None),
        record(b""),
        record(b"no JSON"),
        record(b"[]"),
        record({}),
        record(without("data", "company_id")),
        record(altered("data", "company_id", to="two words")),
        record({"data": {"company_id": COMPANY}}, key="two words"),
        record({"data": {"company_id": COMPANY}}, topic="commitment.retrieved"),
        record(b" " * 5_000_000),
    ],
    ids=["sound", "none", "empty", "no JSON", "a list", "no data", "no company", "a bad one", "no id", "other", "huge"],
)
def test_nobody_is_told_where_company_or_commitment_cannot_be_read(silent: Record) -> None:
    assert replies(silent) == []


def test_a_redrive_tells_nobody_again() -> None:
    assert decode_batch([record(without("data", "revision"))], refusal, is_redrive=True).replies == []


def test_a_message_that_is_read_again_is_answered_with_the_same_event() -> None:
    refused = record(without("data", "revision"))
    assert replies(refused)[0].id == replies(refused)[0].id
    assert replies(refused)[0].id != replies(record(without("data", "sent_by")))[0].id


def test_members_are_found_in_data_in_base_64_and_in_binary_messages() -> None:
    data = message()["data"]
    assert loose_members(orjson.dumps({"data_base64": base64.b64encode(orjson.dumps(data)).decode()})) == data
    assert loose_members(orjson.dumps(data)) == data


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text() | st.sampled_from(["data", "id"]), inner),
    max_leaves=8,
)


@given(st.binary() | _JSON.map(orjson.dumps), st.sampled_from(sorted(NEXT_STEPS)), st.text(max_size=99))
def test_any_message_has_a_reply_that_can_be_read_or_none(value: bytes, reason: str, why: str) -> None:
    told = refusal(record(value), reason, why, NOW)
    if told is not None:
        assert decode(told.data.topic, told.subject.encode(), encode(told), (), NOW) == told


@given(_JSON, _JSON, _JSON)
def test_odd_members_never_make_a_reply_that_cannot_be_read(commitment: Any, sent_by: Any, revision: Any) -> None:
    data = {"company_id": COMPANY, "commitment": commitment, "sent_by": sent_by, "revision": revision}
    told = refusal(record({"data": data}), "schema", "why", NOW)
    assert told is not None
    assert decode(told.data.topic, told.subject.encode(), encode(told), (), NOW) == told


def test_a_reply_that_cannot_be_made_stops_nothing() -> None:
    def fails(*_: object) -> None:
        raise RecursionError

    decoded = decode_batch([record(without("data", "revision"))], fails)
    assert (len(decoded.unreadable), decoded.replies) == (1, [])
