"""How far a service is behind the ends that its topics had when it started."""

import pytest

from services.pipeline.broker.brokers import Span
from services.pipeline.catching_up import messages_behind
from services.pipeline.records import Partition

PARTITION = Partition("decision.accepted", 3)


@pytest.mark.parametrize(
    ("span", "saved", "behind"),
    [
        (Span(0, 0), None, 0),  # an empty topic
        (Span(7, 7), None, 0),  # all messages have expired, and nothing was ever read
        (Span(0, 5), None, 5),
        (Span(2, 5), None, 3),
        (Span(0, 5), 3, 2),
        (Span(0, 5), 5, 0),
        (Span(0, 5), 9, 0),  # more was decided since
        (Span(7, 7), 3, 4),  # what expired before it was read is missing for ever
    ],
)
def test_what_was_not_read_before_the_end_is_behind(span: Span, saved: int | None, behind: int) -> None:
    assert messages_behind({PARTITION: span}, {} if saved is None else {PARTITION: saved}) == behind


def test_every_partition_counts() -> None:
    other = Partition("decision.rejected", 0)
    assert messages_behind({PARTITION: Span(0, 2), other: Span(0, 3)}, {PARTITION: 2}) == 3
