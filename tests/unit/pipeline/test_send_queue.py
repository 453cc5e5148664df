"""Which rows of the outbox may be sent now."""

from hypothesis import given
from hypothesis import strategies as st

from services.pipeline.send_queue import OutboxRow, Sending, SendQueue
from tests.unit.pipeline.samples import NOW

RETRIEVED = "commitment.retrieved"
STATUS = "commitment.status"


def row(number: int, topic: str = RETRIEVED, key: str = "a") -> OutboxRow:
    return OutboxRow(number, NOW, topic, key, b"%d" % number)


def queue_of(*rows: OutboxRow) -> SendQueue:
    queue = SendQueue()
    queue.add(rows)
    return queue


def numbers(sent: Sending) -> list[int]:
    return [number for number, _ in sent.names]


def ids(sending: list[Sending]) -> list[int]:
    return [each.row.id for each in sending]


def test_only_the_oldest_row_of_each_key_is_sent() -> None:
    queue = queue_of(row(1), row(2, key="b"), row(3), row(4, key="b"))
    assert ids(queue.take()) == [1, 2]
    assert queue.take() == []


def test_the_next_row_of_a_key_is_sent_once_the_one_before_has_left_the_outbox() -> None:
    queue = queue_of(row(1), row(2))
    first = queue.take()
    queue.done(first)
    assert ids(queue.take()) == [2]


def test_the_same_key_on_another_topic_does_not_wait() -> None:
    assert ids(queue_of(row(1), row(2, "decision.accepted")).take()) == [1, 2]


def test_on_a_compacted_topic_the_newest_row_replaces_all_before_it() -> None:
    sending = queue_of(row(1, STATUS), row(2, STATUS, "b"), row(3, STATUS), row(4, STATUS)).take()
    assert [(each.row.id, numbers(each)) for each in sending] == [(4, [1, 3, 4]), (2, [2])]


def test_rows_of_a_topic_that_only_a_later_release_knows_are_sent_one_by_one() -> None:
    queue = queue_of(row(1, "commitment.later"), row(2, "commitment.later"))
    first = queue.take()
    queue.done(first)
    assert ids([*first, *queue.take()]) == [1, 2]


def test_an_empty_queue_has_nothing_to_send() -> None:
    assert SendQueue().take() == []


def test_a_row_that_was_not_acknowledged_is_sent_again_before_the_later_ones_of_its_key() -> None:
    queue = queue_of(row(1), row(2))
    queue.give_back(queue.take()[0])
    assert ids(queue.take()) == [1]


def test_a_row_that_was_not_acknowledged_still_replaces_the_older_ones() -> None:
    queue = queue_of(row(1, STATUS), row(2, STATUS))
    queue.give_back(queue.take()[0])
    queue.add([row(3, STATUS)])
    assert [numbers(each) for each in queue.take()] == [[1, 2, 3]]


def test_a_parked_row_takes_those_that_wait_behind_it_along() -> None:
    queue = queue_of(row(1), row(2), row(3, key="b"))
    first, other = queue.take()
    queue.drop(first)
    assert queue.take() == []
    assert queue.known == {other.row.name}


def test_without_the_lease_only_what_is_being_sent_is_remembered() -> None:
    queue = queue_of(row(1), row(2))
    queue.take()
    queue.forget_waiting()
    assert queue.known == {(1, NOW)}
    assert queue.is_sending


@given(
    st.lists(st.tuples(st.sampled_from([RETRIEVED, STATUS]), st.sampled_from("abc")), max_size=30),
    st.lists(st.booleans(), max_size=40),
)
def test_whatever_fails_on_the_way_all_is_sent_in_order_and_nothing_is_left(
    lines: list[tuple[str, str]], failures: list[bool]
) -> None:
    rows = [row(number, *line) for number, line in enumerate(lines)]
    left = {each.id: each for each in rows}
    queue, sent = SendQueue(), []
    while left:
        queue.add(each for each in left.values() if each.name not in queue.known)
        chosen = queue.take()
        assert len({(each.row.topic, each.row.key) for each in chosen}) == len(chosen) > 0
        for each in chosen:
            if failures and failures.pop():
                queue.give_back(each)
                continue
            sent.append(each.row)
            for number, _ in each.names:
                del left[number]
            queue.done([each])
    assert (queue.known, queue.size_bytes, queue.is_sending) == (set(), 0, False)
    for line in set(lines):
        numbers = [each.id for each in sent if (each.topic, each.key) == line]
        expected = [each.id for each in rows if (each.topic, each.key) == line]
        assert numbers == sorted(numbers)
        assert numbers[-1] == expected[-1]
        assert line[0] == STATUS or numbers == expected
