"""Folding a batch of events into states."""

from dataclasses import dataclass
from datetime import datetime

from schemas.envelope import Event, new_event
from schemas.events import CommitmentRetrieved, EventData
from services.pipeline.fold import Decided, Folded, On, RefusedError, StateChange
from tests.folding import fold
from tests.unit.pipeline.samples import NOW, retrieved

LATE = 99
REFUSED = 13
BROKEN = 14
ROWS_ONLY = 15


@dataclass(frozen=True)
class Log:
    revisions: tuple[int, ...] = ()


def noted(log: Log, event: Event[CommitmentRetrieved], now: datetime) -> Decided[Log, str]:
    revision = event.data.revision
    match revision:
        case 13:
            raise RefusedError("other_company", "not yours")
        case 14:
            raise ZeroDivisionError("a defect")
        case 15:
            return Decided(log, rows=("only a row",), is_changed=False)
        case 99:
            return Decided(log, is_changed=False)
    published = new_event(event.data, source="countersign/test", time=now)
    return Decided(Log((*log.revisions, revision)), (published,), (f"row {revision}",))


def folded(*events: Event[EventData], **states: Log) -> Folded[Log, str]:
    known = {event.subject: Log() for event in events} | states
    return fold((On(CommitmentRetrieved, noted),), known, events, NOW)


def test_events_of_one_key_are_applied_in_their_order() -> None:
    result = folded(*(retrieved("c", revision) for revision in (3, 1, 2)))
    assert result.changes == [StateChange("c", Log(), Log((3, 1, 2)), ("row 3", "row 1", "row 2"))]


def test_each_key_has_its_own_state_and_one_change() -> None:
    result = folded(retrieved("a", 1), retrieved("b", 7), retrieved("a", 2), b=Log((6,)))
    assert result.changes == [
        StateChange("a", Log(), Log((1, 2)), ("row 1", "row 2")),
        StateChange("b", Log((6,)), Log((6, 7)), ("row 7",)),
    ]


def test_events_are_published_in_the_order_of_their_causes() -> None:
    result = folded(retrieved("a", 1), retrieved("b", 7), retrieved("a", 2))
    assert [(event.subject, event.data.revision) for event in result.publish] == [("a", 1), ("b", 7), ("a", 2)]  # type: ignore[attr-defined]


def test_only_the_refused_event_is_left_out_and_its_reason_is_kept() -> None:
    refused = retrieved("a", REFUSED)
    result = folded(retrieved("a", 1), refused, retrieved("a", 2), retrieved("b", 5))
    assert [change.after for change in result.changes] == [Log((1, 2)), Log((5,))]
    ((event, error),) = result.refused
    assert event is refused
    assert isinstance(error, RefusedError)
    assert (error.reason, str(error)) == ("other_company", "not yours")


def test_an_event_whose_handler_fails_does_not_block_others() -> None:
    result = folded(retrieved("a", BROKEN), retrieved("a", 1))
    assert [change.after for change in result.changes] == [Log((1,))]
    assert [type(error) for _, error in result.refused] == [ZeroDivisionError]


def test_a_key_whose_events_were_all_refused_has_no_change() -> None:
    result = folded(retrieved("a", REFUSED), retrieved("a", BROKEN))
    assert (result.changes, result.publish, result.outcomes, len(result.refused)) == ([], [], [], 2)


def test_a_repeat_saves_nothing_and_is_counted_as_unchanged() -> None:
    repeat = retrieved("a", LATE)
    result = folded(repeat)
    assert result.changes == []
    assert result.outcomes == [(repeat, False)]


def test_rows_are_saved_even_if_the_state_is_unchanged() -> None:
    result = folded(retrieved("a", ROWS_ONLY), a=Log((1,)))
    assert result.changes == [StateChange("a", Log((1,)), Log((1,)), ("only a row",))]
    assert [is_changed for _, is_changed in result.outcomes] == [False]


def test_a_repeat_in_the_same_batch_hides_no_change() -> None:
    result = folded(retrieved("a", LATE), retrieved("a", 1), retrieved("a", LATE))
    assert result.changes == [StateChange("a", Log(), Log((1,)), ("row 1",))]
    assert [is_changed for _, is_changed in result.outcomes] == [False, True, False]


def test_the_given_states_are_not_modified() -> None:
    states = {"a": Log((1,))}
    fold((On(CommitmentRetrieved, noted),), states, [retrieved("a", 2)], NOW)
    assert states == {"a": Log((1,))}


def test_no_events_lead_to_nothing() -> None:
    assert folded() == Folded([], [], [], [])
