"""What is published at the edges of its types can be read: the shortest and the longest texts, decimals and times."""

from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest

from schemas.envelope import decode, encode, new_event
from schemas.events import DigestReady
from schemas.limits import MAX_MESSAGE_BYTES
from schemas.topics import TOPICS, Topic
from tests.unit.schemas.edges import Edge, record

AT = datetime(2026, 11, 22, tzinfo=UTC)
IN_ONE_RECORD = [topic for topic in TOPICS if topic.event is not DigestReady]
"""A summary at its most has too many rows for a message, so the rule that makes it leaves some out."""


@pytest.mark.parametrize("edge", get_args(Edge))
@pytest.mark.parametrize("topic", IN_ONE_RECORD, ids=lambda topic: topic.name)
def test_an_event_at_the_edges_of_its_types_fits_a_message_and_is_read_as_it_was_written(
    topic: Topic, edge: Edge
) -> None:
    event = new_event(topic.event.model_validate(record(topic.event, edge)), source="countersign/tests", time=AT)
    value = encode(event)

    read = decode(topic.name, event.subject.encode(), value, [], AT)

    assert (read.data, len(value) <= MAX_MESSAGE_BYTES) == (event.data, True)


@pytest.mark.parametrize("edge", get_args(Edge))
@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_days_can_be_added_to_every_time_of_an_event(topic: Topic, edge: Edge) -> None:
    data = topic.event.model_validate(record(topic.event, edge))
    times = [each for each in data.__dict__.values() if isinstance(each, datetime)]
    assert all(each - timedelta(days=300) < each < each + timedelta(days=300) for each in times)
