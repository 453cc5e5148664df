"""Which connection ends when there are too many."""

from collections.abc import Sequence

import pytest

from services.pipeline.making_room import USUAL_CONNECTIONS, Held, Waits, to_free_memory, to_let_in

MANY = 3 * USUAL_CONNECTIONS


def several(by: str, waits: Waits, count: int, *, since: float = 0.0, kept_bytes: int = 0) -> list[tuple[Held, str]]:
    """Return connections of one network, each a second younger than the one before."""
    return [(Held(by, waits, since + each, kept_bytes), f"{by} {waits.name} {each}") for each in range(count)]


def ends_for(newcomer: str, *others: Sequence[tuple[Held, str]]) -> str:
    return to_let_in((Held(newcomer, Waits.REQUEST, 1_000.0), "newcomer"), [each for some in others for each in some])


@pytest.mark.parametrize("waits", Waits)
def test_whoever_has_most_makes_room_for_others_whatever_theirs_wait_for(waits: Waits) -> None:
    assert ends_for("b", several("b", Waits.REQUEST, 2), several("a", waits, MANY)) == f"a {waits.name} 0"


@pytest.mark.parametrize("waits", [Waits.REQUEST, Waits.READER, Waits.NEXT_REQUEST])
def test_nobody_makes_room_for_somebody_who_has_more(waits: Waits) -> None:
    assert ends_for("a", several("b", waits, MANY), several("a", Waits.ANSWER, MANY)) == "newcomer"


def test_of_one_network_half_a_request_ends_first_then_who_does_not_read_then_who_idles() -> None:
    halves, idlers = several("a", Waits.REQUEST, 2, since=9), several("a", Waits.NEXT_REQUEST, 2)
    readers, worked_on = several("a", Waits.READER, 2, since=5), several("a", Waits.ANSWER, MANY)
    assert ends_for("a", worked_on, idlers, readers, halves) == "a REQUEST 0"
    assert ends_for("a", worked_on, idlers, readers) == "a READER 0"
    assert ends_for("a", worked_on, idlers) == "a NEXT_REQUEST 0"
    assert ends_for("a", worked_on) == "newcomer"


def test_a_browser_counts_as_no_more_than_somebody_with_one_connection() -> None:
    browser = several("browser", Waits.NEXT_REQUEST, USUAL_CONNECTIONS)
    strangers = [each for number in range(MANY) for each in several(f"stranger {number}", Waits.REQUEST, 1)]
    assert ends_for("another", browser, strangers) == "stranger 0 REQUEST 0"


def test_what_is_kept_for_the_largest_keeper_is_freed_oldest_first() -> None:
    mine, theirs = several("a", Waits.READER, 1, kept_bytes=40), several("b", Waits.READER, 3, since=5, kept_bytes=30)
    assert to_free_memory([*mine, *theirs], 129) == "b READER 0"
    assert to_free_memory([*mine, *theirs], 130) is None


def test_the_only_one_for_which_something_is_kept_goes_on() -> None:
    assert to_free_memory([*several("a", Waits.READER, 1, kept_bytes=99), *several("b", Waits.ANSWER, 5)], 10) is None
