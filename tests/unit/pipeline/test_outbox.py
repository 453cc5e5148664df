"""Which rows of the outbox may be sent now."""

from hypothesis import given
from hypothesis import strategies as st

from services.pipeline.outbox import OutboxRow, Sendable, sendable

RETRIEVED = "commitment.retrieved"
STATUS = "commitment.status"


def row(number: int, topic: str = RETRIEVED, key: str = "a") -> OutboxRow:
    return OutboxRow(number, topic, key, b"%d" % number)


def test_only_the_oldest_row_of_each_key_is_sent() -> None:
    rows = [row(1), row(2, key="b"), row(3), row(4, key="b")]
    assert sendable(rows) == [Sendable(row(1), (1,)), Sendable(row(2, key="b"), (2,))]


def test_the_same_key_on_another_topic_does_not_wait() -> None:
    rows = [row(1), row(2, "decision.accepted")]
    assert [chosen.row.id for chosen in sendable(rows)] == [1, 2]


def test_on_a_compacted_topic_the_newest_row_replaces_all_before_it() -> None:
    rows = [row(1, STATUS), row(2, STATUS, "b"), row(3, STATUS), row(4, STATUS)]
    assert sendable(rows) == [Sendable(row(4, STATUS), (1, 3, 4)), Sendable(row(2, STATUS, "b"), (2,))]


def test_an_empty_outbox_has_nothing_to_send() -> None:
    assert sendable([]) == []


@given(st.lists(st.tuples(st.sampled_from([RETRIEVED, STATUS]), st.sampled_from("abc")), max_size=30))
def test_repeated_sending_empties_the_outbox_in_order_and_ends_with_the_newest_status(
    lines: list[tuple[str, str]],
) -> None:
    waiting = [row(number, *line) for number, line in enumerate(lines)]
    last = {(each.topic, each.key): each.id for each in waiting}
    sent: list[OutboxRow] = []
    while waiting:
        chosen = sendable(waiting)
        assert len({(each.row.topic, each.row.key) for each in chosen}) == len(chosen) > 0
        sent += [each.row for each in chosen]
        settled = {number for each in chosen for number in each.settles}
        waiting = [each for each in waiting if each.id not in settled]
    for line, newest in last.items():
        ids = [each.id for each in sent if (each.topic, each.key) == line]
        assert ids == sorted(ids)
        assert ids[-1] == newest
    assert len([each for each in sent if each.topic == RETRIEVED]) == len(
        [1 for topic, _ in lines if topic == RETRIEVED]
    )
