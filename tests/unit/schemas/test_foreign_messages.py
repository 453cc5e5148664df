"""Messages as other systems' libraries write them are read as the same events."""

import base64
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.message import Headers
from schemas.publish import binary_message
from tests.unit.schemas.messages import example, message, read, refusal

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
FOREIGN_HEADERS: Headers = [
    ("value.schema.id", b"\x00\x00\x00\x01\x86\xa0"),
    ("spring_json_header_types", b"\xff\xfe"),
    ("__TypeId__", None),
    ("kafka_deliveryAttempt", b"\x00\x00\x00\x80"),
    ("uber-trace-id", "spür".encode("latin-1")),
    ("ce_ourextension", b"\xff"),
]


def binary(content_type: bytes | None = b"application/json", **changed: bytes | None) -> tuple[bytes, Headers]:
    """Value and headers of the example in binary mode."""
    made = binary_message(example())
    named = {name: text.encode() for name, text in made["headers"].items() if name != "content-type"}
    headers = {**named, "content-type": content_type} | changed
    return orjson.dumps(made["value"]), [(name, text) for name, text in headers.items() if text is not None]


def key() -> bytes:
    return example().event.subject.encode()


def read_structured(whole: dict[str, Any], *headers: tuple[str, bytes | None]) -> object:
    return read(orjson.dumps(whole), key=key(), headers=headers)


def test_headers_of_other_systems_may_hold_anything() -> None:
    value, headers = binary()
    assert read(value, key=key(), headers=[*FOREIGN_HEADERS, *headers]) == example().event
    assert read_structured(message(), *FOREIGN_HEADERS) == example().event


@given(st.lists(st.tuples(st.text(), st.none() | st.binary())))
def test_no_header_that_is_not_ours_changes_an_event(foreign: list[tuple[str, bytes | None]]) -> None:
    others = [
        (name, text)
        for name, text in foreign
        if not name.lower().startswith(("ce_", "ce-", "content-type", "spring_json"))
    ]
    value, headers = binary()
    assert read(value, key=key(), headers=[*others, *headers]) == example().event


def test_a_trace_in_no_encoding_is_ignored() -> None:
    value, headers = binary(ce_traceparent=b"\xff")
    assert read(value, key=key(), headers=headers).traceparent is None


def test_springs_header_mapper_writes_json() -> None:
    value, headers = binary()
    quoted = [(name, orjson.dumps((text or b"").decode())) for name, text in headers if name != "ce_time"]
    whole = read(value, key=key(), headers=[*quoted, ("ce_time", b"1794841320.5"), ("spring_json_header_types", b"{}")])
    assert (whole.id, whole.source, whole.data) == (example().event.id, example().event.source, example().event.data)
    assert whole.time.isoformat() == "2026-11-16T15:02:00.500000+00:00"


@pytest.mark.parametrize("source", [b'"unfinished', b'"\\ud800"', b"14", b"{}"])
def test_other_headers_of_spring_are_taken_as_they_are(source: bytes) -> None:
    value, headers = binary(ce_source=source)
    mapped = [*headers, ("spring_json_header_types", b"{}")]
    assert read(value, key=key(), headers=mapped).source == source.decode()


@pytest.mark.parametrize(
    "content_type",
    [
        b"application/cloudevents+json",
        b"application/cloudevents+json; charset=utf-8",
        b"Application/CloudEvents+JSON;charset=UTF-8",
        b"application/cloudevents",
        b"application/json",
        b"text/plain",
        None,
    ],
)
def test_a_structured_message_may_have_any_of_these_content_types(content_type: bytes | None) -> None:
    assert read_structured(message(), ("Content-Type", content_type)) == example().event


@pytest.mark.parametrize(
    "content_type",
    ["application/cloudevents+avro", "application/cloudevents+protobuf", "application/cloudevents-batch+json"],
)
def test_other_formats_are_named_in_the_refusal(content_type: str) -> None:
    reason, why = refusal(message(), headers=[("content-type", content_type.encode())])
    assert (reason, why) == ("undecodable", f"of the formats of CloudEvents only JSON is read, not '{content_type}'")


@pytest.mark.parametrize(
    "content_type",
    [b"application/json", b"Application/JSON; charset=UTF-8", b"application/vnd.harbor.commitment+json", b"", None],
)
def test_a_binary_message_may_have_any_json_media_type_or_none(content_type: bytes | None) -> None:
    value, headers = binary(content_type)
    assert read(value, key=key(), headers=headers) == example().event


def test_names_of_headers_are_read_in_any_case() -> None:
    value, headers = binary()
    shouted = [(name.upper(), text) for name, text in headers]
    assert read(value, key=key(), headers=shouted) == example().event


def test_a_byte_order_mark_is_skipped() -> None:
    value, headers = binary()
    assert read(BYTE_ORDER_MARK + value, key=key(), headers=headers) == example().event
    assert read(BYTE_ORDER_MARK + orjson.dumps(message()), key=key()) == example().event


def test_data_may_be_base_64() -> None:
    whole = message()
    encoded = base64.b64encode(orjson.dumps(whole.pop("data"))).decode()
    assert read_structured(whole | {"data_base64": encoded}) == example().event
    assert read_structured(whole | {"data": None, "data_base64": encoded}) == example().event


@pytest.mark.parametrize(
    ("encoded", "refused"),
    [
        ("not base 64!", ("undecodable", "data_base64 is not Base64")),
        ("é", ("undecodable", "data_base64 is not Base64")),
        (14, ("undecodable", "data_base64 is not Base64")),
        ("", ("undecodable", "the value is not JSON: Input is a zero-length, empty document at byte 0")),
        (base64.b64encode(b"<commitment/>").decode(), ("undecodable", "the value is not JSON: ")),
        (base64.b64encode(b"[" * 65 + b"]" * 65).decode(), ("undecodable", "the value is nested more than 64")),
    ],
)
def test_other_base_64_is_refused(encoded: Any, refused: tuple[str, str]) -> None:
    whole = message()
    del whole["data"]
    reason, why = refusal(whole | {"data_base64": encoded})
    assert (reason, why[: len(refused[1])]) == refused


def test_an_event_has_its_data_once() -> None:
    assert refusal(message() | {"data_base64": "e30="}) == ("schema", "an event has data or data_base64, not both")


def test_the_type_of_the_data_may_be_left_out() -> None:
    whole = message()
    del whole["datacontenttype"]
    assert read_structured(whole) == example().event
