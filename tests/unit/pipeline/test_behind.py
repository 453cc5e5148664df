"""How far a service is behind, in words and numbers, from what Kafka and the database say."""

from datetime import UTC, datetime, timedelta

import pytest

from services.pipeline.behind import Place, Seen, beyond, in_words, place_of, summary, to_look_at, unread
from services.pipeline.broker.brokers import Span
from services.pipeline.broker.inquiry import Group, Member
from services.pipeline.records import Partition

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
FIRST, SECOND = Partition("commitment.sent", 0), Partition("commitment.sent", 1)


@pytest.mark.parametrize(
    ("saved", "span", "place", "behind"),
    [
        (None, None, Place.UNKNOWN, None),
        (5, None, Place.UNKNOWN, None),
        (None, Span(3, 10), Place.NEVER_READ, 7),
        (3, Span(3, 10), Place.IN_RANGE, 7),
        (10, Span(3, 10), Place.IN_RANGE, 0),
        (2, Span(3, 10), Place.BELOW, 7),
        (11, Span(3, 10), Place.ABOVE, None),
        (0, Span(0, 0), Place.IN_RANGE, 0),
    ],
)
def test_where_an_offset_is_and_how_much_is_unread(
    saved: int | None, span: Span | None, place: Place, behind: int | None
) -> None:
    assert (place_of(saved, span), unread(saved, span)) == (place, behind)


def seen(saved: dict[Partition, int], spans: dict[Partition, Span], *members: Member) -> Seen:
    return Seen("approval", [FIRST, SECOND], saved, spans, Group("countersign.approval", "consumer", members), {})


def test_the_sentence_says_how_far_behind_on_what_since_when_and_what_nobody_reads() -> None:
    member = Member("m-1", "10.0.0.7", frozenset({FIRST}))
    where = seen({FIRST: 3, SECOND: 1}, {FIRST: Span(0, 1_207), SECOND: Span(5, 9)}, member)
    assert where.unread() == {FIRST: 3, SECOND: 5}
    lags = where.lags({FIRST: NOW - timedelta(minutes=3, seconds=20)})
    assert summary("approval", lags, 1, NOW) == (
        "approval is 1,208 messages behind (1,208 on commitment.sent), the oldest 3 min old; "
        "nobody reads commitment.sent/1; out of range: commitment.sent/1"
    )
    assert [each.needs_a_look for each in lags] == [True, True]


def test_a_service_that_has_read_everything_says_so_and_one_without_a_process_too() -> None:
    saved, spans = {FIRST: 7, SECOND: 9}, {FIRST: Span(0, 7), SECOND: Span(0, 9)}
    member = Member("m-1", "10.0.0.7", frozenset({FIRST, SECOND}))
    assert summary("approval", seen(saved, spans, member).lags({}), 1, NOW) == "approval has read everything"
    assert not any(each.needs_a_look for each in seen(saved, spans, member).lags({}))
    assert "its group has no member" in summary("approval", seen(saved, spans).lags({}), 0, NOW)


def test_without_any_process_only_the_partitions_are_listed_in_which_something_waits() -> None:
    lags = seen({FIRST: 7, SECOND: 8}, {FIRST: Span(0, 7), SECOND: Span(0, 9)}).lags({})
    assert [each.partition for each in to_look_at(lags, 0)] == [SECOND]
    assert [each.partition for each in to_look_at(lags, 1)] == [FIRST, SECOND]


def test_a_service_that_lost_messages_has_not_read_everything_but_what_is_left() -> None:
    lags = seen(
        {FIRST: 2}, {FIRST: Span(5, 5), SECOND: Span(0, 0)}, Member("m-1", "h", frozenset({FIRST, SECOND}))
    ).lags({})
    assert (
        summary("approval", lags, 1, NOW)
        == "approval has read everything that is left; out of range: commitment.sent/0"
    )


def test_a_topic_that_cannot_be_seen_is_named_once_and_not_as_something_that_nobody_reads() -> None:
    lags = seen({}, {}, Member("m-1", "10.0.0.7", frozenset())).lags({})
    assert summary("approval", lags, 1, NOW) == (
        "approval has read everything that can be seen; no leader, or no topic: all of commitment.sent"
    )


def test_a_limit_counts_messages_and_age_and_what_cannot_be_told_is_beyond_it() -> None:
    lags = seen({FIRST: 3, SECOND: 9}, {FIRST: Span(0, 10), SECOND: Span(0, 9)}).lags({FIRST: NOW - timedelta(hours=2)})
    assert beyond(lags, NOW, 7, 7200.0) == []
    assert [each.words for each in beyond(lags, NOW, 6, None)] == ["7 messages behind, 0 partitions unknown"]
    assert [each.words for each in beyond(lags, NOW, None, 7199.0)] == ["the oldest unread message is 2 h old"]
    hidden = seen({FIRST: 3}, {SECOND: Span(0, 0)}).lags({})
    assert [each.words for each in beyond(hidden, NOW, 100, None)] == ["0 messages behind, 1 partitions unknown"]


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.4, "0 s"), (59, "59 s"), (60, "1 min"), (3599, "59 min"), (3600, "1 h"), (172_800, "2 d")]
)
def test_a_span_of_time_is_said_in_its_largest_unit(seconds: float, words: str) -> None:
    assert in_words(seconds) == words
