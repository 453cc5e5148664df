"""Messages are encoded and decoded as CloudEvents, and every invalid one is refused with a reason."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import events, limits
from schemas.commitment import ErpDocument
from schemas.envelope import decode, encode, event_id, new_event
from schemas.events import ExportSucceeded
from schemas.examples import EXAMPLES
from schemas.fields import ToolLevel
from schemas.publish import binary_message
from schemas.topics import TOPICS, Topic
from tests.unit.schemas.messages import BROKER_TIME, altered, example, message, read, refusal, without
from tests.unit.schemas.strategies import events_of

LINE = {"position": 1, "quantity": "1", "unit_cost": "1.00", "amount": "1.00"}
STRUCTURED = ("content-type", b"application/cloudevents+json")
DECIMAL_IN_WORDS = "must be a decimal string such as 480250.00"
TIME_IN_WORDS = "must be an RFC 3339 time with its offset, such as 2026-11-16T15:02:00Z"


def binary(
    topic: str = "commitment.sent", **headers: bytes | None
) -> tuple[bytes, bytes, list[tuple[str, bytes | None]]]:
    """Key, value and headers of an example in binary mode; `headers` replace those of the same name."""
    made = binary_message(example(topic))
    named = {name: text.encode() for name, text in made["headers"].items()} | {
        name.replace("content_type", "content-type"): text for name, text in headers.items()
    }
    return made["key"].encode(), orjson.dumps(made["value"]), list(named.items())


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
@settings(max_examples=20)
@given(st.data())
def test_an_encoded_event_decodes_to_the_same_event(topic: Topic, data: st.DataObject) -> None:
    event = data.draw(events_of(topic))
    assert decode(event.data.topic, event.subject.encode(), encode(event), [STRUCTURED], BROKER_TIME) == event


@pytest.mark.parametrize("topic", [topic.name for topic in TOPICS])
def test_binary_and_structured_mode_decode_to_the_same_event(topic: str) -> None:
    key, value, headers = binary(topic)
    assert decode(topic, key, value, headers, BROKER_TIME) == example(topic).event


def test_a_structured_message_may_repeat_its_attributes_as_headers() -> None:
    _, _, headers = binary(content_type=b"application/cloudevents+json; charset=UTF-8")
    assert read(message(), headers=headers) == example().event


def test_an_event_without_a_time_gets_the_brokers() -> None:
    assert read(without("time")).time == BROKER_TIME
    assert read(altered("time", to=None)).time == BROKER_TIME


def test_times_are_converted_to_utc() -> None:
    event = read(altered("time", to="2026-11-16T09:02:00.5-06:00"))
    assert event.time == datetime(2026, 11, 16, 15, 2, 0, 500_000, tzinfo=UTC)
    assert event.time.tzinfo is UTC


def test_unknown_members_and_extensions_are_ignored() -> None:
    known = message("commitment.retrieved")
    assert (
        read(known | {"partitionkey": "x", "priority": 3}, "commitment.retrieved").data
        == read(known, "commitment.retrieved").data
    )
    assert (
        read(altered("data", "mood", to="fine", topic="commitment.retrieved"), "commitment.retrieved").data.revision
        == 1
    )


@pytest.mark.parametrize("trace", ["", "garbage", 5, "00-" + "A" * 32 + "-" + "b" * 16 + "-01"])
def test_an_invalid_traceparent_is_ignored(trace: Any) -> None:
    assert read(altered("traceparent", to=trace)).traceparent is None


@pytest.mark.parametrize(
    "media_type", ["application/json", "Application/JSON; charset=utf-8", "text/json", "application/vnd.pm+json"]
)
def test_every_json_media_type_is_accepted(media_type: str) -> None:
    assert read(altered("datacontenttype", to=media_type)).data == example().event.data


def test_a_tombstone_removes_a_person() -> None:
    event = read(None, "directory.person", key=b"person-41")
    assert event.data == events.DirectoryPersonRemoved(person_id="person-41")
    assert (event.subject, event.time) == ("person-41", BROKER_TIME)


@pytest.mark.parametrize("topic", [topic.name for topic in TOPICS if topic.tombstone is None])
def test_other_topics_refuse_tombstones(topic: str) -> None:
    assert refusal(None, topic, key=b"x") == ("undecodable", f"a message on {topic} needs a value")


@pytest.mark.parametrize("key", [None, b"", b"\xff", b"two words", b"x" * 129])
def test_a_tombstone_needs_a_person_id_as_its_key(key: bytes | None) -> None:
    assert refusal(None, "directory.person", key=key) == ("undecodable", "a tombstone needs the person's id as its key")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (b"", "the value is not JSON"),
        (b"\x00\x01\x02", "the value is not JSON"),
        (b'{"id": "\xff"}', "the value is not JSON"),
        (b'{"specversion": "1.0"', "the value is not JSON"),
        (b'{"n": 1e999}', "the value is not JSON"),
        (b'{"s": "\\ud800"}', "the value is not JSON"),
        (b"[" * 5_000, "the value is not JSON"),
        (b"[]", "the message is JSON but not a CloudEvent"),
        (b'"commitment"', "the message is JSON but not a CloudEvent"),
        (b"null", "the message is JSON but not a CloudEvent"),
    ],
)
def test_a_value_that_is_not_a_json_object_is_undecodable(value: bytes, words: str) -> None:
    reason, why = refusal(value, key=b"x")
    assert (reason, words) == ("undecodable", why[: len(words)])


def test_the_error_for_other_json_names_the_missing_members() -> None:
    why = "specversion: is missing; id: is missing; source: is missing; and 2 more"
    assert refusal({"hello": "world"}) == ("schema", why)


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (without("id"), "id: is missing"),
        (altered("id", to=None), "id: is missing"),
        (altered("id", to="sc-014"), "id: must be a UUID"),
        (altered("id", to=14), "id: must be a UUID"),
        (altered("specversion", to="0.3"), "specversion: must be '1.0'"),
        (altered("source", to="a\x00b"), "source: must not contain spaces or control characters"),
        (altered("subject", to=""), "subject: must have at least 1 character"),
        (
            altered("datacontenttype", to="application/xml"),
            "datacontenttype: must be a JSON media type such as application/json",
        ),
        (altered("time", to="2026-11-16T15:02:00"), f"time: {TIME_IN_WORDS}"),
        (altered("time", to="yesterday"), f"time: {TIME_IN_WORDS}"),
        (altered("time", to=1_795_000_000), f"time: {TIME_IN_WORDS}"),
        (altered("time", to="1795000000"), f"time: {TIME_IN_WORDS}"),
        (without("data"), "data: must be a JSON object"),
        (altered("data", to=[]), "data: must be a JSON object"),
        (altered("data", "commitment", to="SC-014"), "commitment: must be a JSON object"),
        (without("data", "commitment"), "commitment: is missing"),
        (altered("data", "commitment", "total", to="480,250.00"), f"commitment.total: {DECIMAL_IN_WORDS}"),
        (altered("data", "commitment", "total", to="4.8e5"), f"commitment.total: {DECIMAL_IN_WORDS}"),
        (altered("data", "commitment", "total", to="1" * 16), f"commitment.total: {DECIMAL_IN_WORDS}"),
        (altered("data", "commitment", "total", to="0.1234567"), f"commitment.total: {DECIMAL_IN_WORDS}"),
        (altered("data", "commitment", "total", to="NaN"), f"commitment.total: {DECIMAL_IN_WORDS}"),
        (altered("data", "commitment", "total", to="1.00\n"), f"commitment.total: {DECIMAL_IN_WORDS}"),
        (altered("data", "commitment", "total", to=480250.0), "commitment.total: must be a string"),
        (
            altered("data", "commitment", "lines", 2, "amount", to="1 000"),
            f"commitment.lines.2.amount: {DECIMAL_IN_WORDS}",
        ),
        (
            altered("data", "commitment", "retainage_percent", to="10%"),
            "commitment.retainage_percent: must be a percentage as a decimal string such as 10.0",
        ),
        (
            altered("data", "commitment", "currency", to="usd"),
            "commitment.currency: must be an ISO 4217 code such as USD",
        ),
        (
            altered("data", "commitment", "kind", to="lease"),
            "commitment.kind: must be 'subcontract' or 'purchase_order'",
        ),
        (
            altered("data", "commitment", "title", to="Concrete\x00works"),
            "commitment.title: must not contain the character U+0000",
        ),
        (
            altered("data", "commitment", "title", to="x" * 501),
            "commitment.title: must have at most 500 characters",
        ),
        (
            altered("data", "commitment", "url", to="javascript:alert(1)"),
            "commitment.url: must be an http or https address",
        ),
        (
            altered("data", "commitment", "id", to="two words"),
            "commitment.id: must not contain spaces or control characters, or be . or ..",
        ),
        (
            altered("data", "commitment", "x", to=2**60),
            "commitment: holds a number beyond 2^53 - 1, which readers round; send it as a string",
        ),
        (altered("data", "revision", to=-1), "revision: must be greater than or equal to 1"),
        (altered("data", "revision", to=0), "revision: must be greater than or equal to 1"),
        (altered("data", "revision", to=True), "revision: must be a whole number"),
        (altered("data", "revision", to="1"), "revision: must be a whole number"),
        (altered("data", "revision", to=1.5), "revision: must be a whole number"),
        (altered("data", "revision", to=None), "revision: must be a whole number"),
    ],
)
def test_the_error_for_an_invalid_message_says_where_and_why(bad: dict[str, Any], why: str) -> None:
    assert refusal(bad) == ("schema", why)


@pytest.mark.parametrize(
    ("topic", "path", "to", "why"),
    [
        ("decision.rejected", ("reason",), " \n ", "reason: must say something, without the character U+0000"),
        ("decision.accepted", ("content_hash",), "A" * 64, "content_hash: must be a SHA-256 in lower-case hex"),
        ("decision.accepted", ("round",), 0, "round: must be greater than or equal to 1"),
        (
            "directory.person",
            ("company_id",),
            "two words",
            "company_id: must not contain spaces or control characters, or be . or ..",
        ),
        ("directory.person", ("version",), "3", "version: must be a whole number"),
        ("digest.ready", ("time_zone",), "Central", "time_zone: is not the name of a time zone"),
        ("mail.settled", ("kind",), "Re-sent", "kind: must be at most 64 lower-case letters and underscores"),
        ("mail.settled", ("settled_at",), "2026-11-16T16:10:02", f"settled_at: {TIME_IN_WORDS}"),
    ],
)
def test_the_errors_on_other_topics_say_where_and_why(topic: str, path: tuple[str, ...], to: Any, why: str) -> None:
    assert refusal(altered("data", *path, to=to, topic=topic), topic) == ("schema", why)


def test_an_error_lists_only_the_first_problems() -> None:
    _, why = refusal(altered("data", "commitment", "lines", to=[{}] * 5))
    assert why.count(";") == 3
    assert why.endswith("; and 17 more")


def test_an_error_is_short_and_free_of_control_characters() -> None:
    reason, why = refusal(altered("subject", to="a\x00b"), key=b"x")
    assert reason == "schema"
    assert "\x00" not in why
    _, why = refusal(altered("type", to="\x00" * 5_000))
    assert "\x00" not in why
    assert len(why) <= 1_000


def test_an_error_does_not_quote_values() -> None:
    _, why = refusal(altered("data", "commitment", "url", to="not secret enough"))
    assert "secret" not in why


@pytest.mark.parametrize(
    "event_type", ["commitment.sent", "commitment.sent.v2", "invoice.sent.v1", "commitment.resent.v1"]
)
def test_an_event_type_of_another_topic_is_unknown(event_type: str) -> None:
    why = f"type '{event_type}' does not travel on commitment.sent"
    assert refusal(altered("type", to=event_type)) == ("unknown_type", why)


def test_the_key_must_be_the_subject() -> None:
    why = "the Kafka key is not the subject 'commitment-8841'"
    assert refusal(message(), key=b"commitment-8842") == ("key_mismatch", why)
    assert refusal(message(), key=None) == ("key_mismatch", why)


def test_the_subject_must_be_the_id_in_the_data() -> None:
    why = "the subject 'commitment-1' is not the id in the data, 'commitment-8841'"
    assert refusal(altered("subject", to="commitment-1")) == ("key_mismatch", why)


@pytest.mark.parametrize("topic", ["commitment.sent", "commitment.resent"])
def test_a_submission_with_too_many_bytes_is_too_large(topic: str) -> None:
    fitting = orjson.dumps(message(topic)).ljust(limits.MAX_SUBMISSION_BYTES)
    assert read(fitting, topic, key=b"commitment-8841").data.subject == "commitment-8841"
    why = "1,048,577 bytes; a submission has at most 1,048,576"
    assert refusal(fitting + b" ", topic, key=b"commitment-8841") == ("too_large", why)


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_a_message_that_unpacks_to_more_than_a_topic_takes_is_too_large(topic: Topic) -> None:
    huge = b"0" * (limits.MAX_MESSAGE_BYTES + 1)
    assert refusal(huge, topic.name, key=b"k")[0] == "too_large"
    assert refusal(b"{}", topic.name, key=huge)[0] == "too_large"
    assert refusal(b"{}", topic.name, key=b"k", headers=[("note", huge)]) == (
        "too_large",
        "2,097,160 bytes; a message has at most 2,097,152",
    )


def test_a_tombstone_with_a_huge_key_is_too_large() -> None:
    assert refusal(None, "directory.person", key=b"0" * (limits.MAX_MESSAGE_BYTES + 1))[0] == "too_large"


@pytest.mark.parametrize("count", [2_001, 10_000])
def test_a_submission_with_too_many_lines_is_too_large(count: int) -> None:
    why = f"{count} lines; at most 2000 are taken"
    assert refusal(altered("data", "commitment", "lines", to=[LINE] * count)) == ("too_large", why)


def test_a_binary_message_whose_content_is_not_json_is_refused() -> None:
    key, _, headers = binary(content_type=b"application/xml")
    why = "datacontenttype: must be a JSON media type such as application/json"
    assert refusal(b"<commitment/>", key=key, headers=headers) == ("schema", why)


def test_a_binary_message_without_a_content_type_is_read_as_json() -> None:
    key, value, headers = binary(content_type=None)
    assert read(value, key=key, headers=headers).data == example().event.data


@pytest.mark.parametrize(
    ("headers", "refused"),
    [
        ({"ce_id": None}, ("schema", "id: is missing")),
        ({"ce_id": b"14"}, ("schema", "id: must be a UUID")),
        ({"ce_source": b"\xff"}, ("undecodable", "a header of the event is not UTF-8")),
        ({"ce_type": b"x.v1"}, ("unknown_type", "type 'x.v1' does not travel on commitment.sent")),
    ],
)
def test_a_binary_message_with_bad_headers_is_refused(
    headers: dict[str, bytes | None], refused: tuple[str, str]
) -> None:
    key, value, named = binary(**headers)
    assert refusal(value, key=key, headers=named) == refused


def test_a_repeated_event_has_the_same_id_whatever_its_source_and_time() -> None:
    data = example("decision.rejected").event.data
    first = new_event(data, source="countersign/approval", time=BROKER_TIME)
    again = new_event(data.model_copy(update={"reason": "Other words."}), source="elsewhere", time=datetime.now(UTC))
    assert first.id == again.id == event_id(data)


@pytest.mark.parametrize(
    ("topic", "member"),
    [
        ("commitment.retrieved", "revision"),
        ("commitment.retrieved", "commitment_id"),
        ("decision.accepted", "revision"),
        ("decision.accepted", "round"),
        ("decision.rejected", "round"),
        ("export.failed", "round"),
        ("export.in_doubt", "probes"),
        ("commitment.status", "version"),
        ("mail.settled", "recipient_id"),
        ("mail.settled", "event_id"),
    ],
)
def test_the_event_id_depends_on(topic: str, member: str) -> None:
    data = example(topic).event.data
    value = getattr(data, member)
    other = data.model_copy(update={member: value + 1 if isinstance(value, int) else f"{value}-2"})
    assert event_id(other) != event_id(data)


def test_the_event_id_depends_on_the_topic() -> None:
    about = {"company_id": "c", "project_id": "p", "commitment_id": "x", "revision": 1, "round": 1}
    person = {"id": "p", "name": "P", "email": "p@x.example"}
    document = {"connection": "main", "id": "1"}
    succeeded = events.ExportSucceeded.model_validate(about | {"erp_document": document})
    resolved = events.DecisionResolved.model_validate(about | {"document": document, "decided_by": person})
    assert event_id(succeeded) != event_id(resolved)


def test_event_ids_never_change() -> None:
    assert example("commitment.sent", "concrete-works").event.id == UUID("7dc60ded-a1bf-5e9f-852e-14af91e34238")


def test_every_example_has_its_own_event_id() -> None:
    assert len({one.event.id for one in EXAMPLES}) == len(EXAMPLES)


def test_absent_members_are_not_encoded() -> None:
    viewer = example("directory.person", "viewer").event
    assert viewer.data.erp_tool is ToolLevel.READ_ONLY
    assert b"null" not in encode(viewer)


def test_two_documents_of_one_round_are_two_events_and_each_repeat_is_the_same() -> None:
    first = ErpDocument(connection="books", id="d-1", number="PO-1")
    told = ExportSucceeded(
        company_id="co-1", project_id="pr-1", commitment_id="c-1", revision=1, round=1, erp_document=first
    )
    others = [
        told.model_copy(update=change)
        for change in (
            {"erp_document": first.model_copy(update={"id": "d-2"})},
            {"erp_document": first.model_copy(update={"number": "PO-2"})},
            {"reopened": 1},
        )
    ]

    assert len({event_id(each) for each in (told, *others)}) == 4
    assert event_id(told) == event_id(told.model_copy())
