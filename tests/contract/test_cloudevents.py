"""We and the `cloudevents` package read each other's messages."""

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from cloudevents.core.bindings import kafka
from cloudevents.core.bindings.kafka import KafkaMessage
from cloudevents.core.v1.event import CloudEvent

from schemas.envelope import CONTENT_TYPE, decode, encode
from schemas.examples import EXAMPLES, Example

AT = datetime(2026, 11, 22, tzinfo=UTC)

pytestmark = pytest.mark.parametrize(
    "example", EXAMPLES, ids=lambda example: f"{example.event.data.topic}/{example.name}"
)


def as_theirs(example: Example) -> CloudEvent:
    """`example` as an instance of their class, built from its attributes and data."""
    event = example.event
    attributes: dict[str, Any] = {
        "id": str(event.id),
        "source": event.source,
        "type": f"{event.data.topic}.v1",
        "subject": event.subject,
        "time": event.time,
        "datacontenttype": "application/json",
        "traceparent": event.traceparent,
        "specversion": "1.0",
    }
    return CloudEvent(attributes, event.data.model_dump(mode="json", by_alias=True, exclude_none=True))


def key_of(event: Any) -> str:
    return event.get_subject()


def read_back(example: Example, message: KafkaMessage) -> Any:
    assert isinstance(message.key, str)
    return decode(example.event.data.topic, message.key.encode(), message.value, list(message.headers.items()), AT)


def test_they_read_our_message_as_the_same_event(example: Example) -> None:
    ours = KafkaMessage({"content-type": CONTENT_TYPE.encode()}, None, encode(example.event))
    read, expected = kafka.from_kafka_event(ours), as_theirs(example)
    assert read.get_attributes() == expected.get_attributes()
    assert read.get_data() == expected.get_data()


def test_we_read_their_structured_message(example: Example) -> None:
    theirs = kafka.to_structured_event(as_theirs(example), key_mapper=key_of)
    assert theirs.headers == {"content-type": CONTENT_TYPE.encode()}
    assert read_back(example, theirs) == example.event


def test_we_read_their_binary_message(example: Example) -> None:
    theirs = kafka.to_binary_event(as_theirs(example), key_mapper=key_of)
    assert theirs.headers["ce_type"] == f"{example.event.data.topic}.v1".encode()
    assert orjson.loads(theirs.value)
    assert read_back(example, theirs) == example.event
