"""Which connection ends when there are too many."""

import pytest

from services.pipeline.making_room import USUAL_CONNECTIONS, Room, Waits

MANY = 3 * USUAL_CONNECTIONS


class Held:
    """A room in which connections come one after the other."""

    def __init__(self) -> None:
        self.room: Room[str] = Room()

    def several(self, by: str, waits: Waits, count: int, *, kept_bytes: int = 0) -> "Held":
        for number in range(count):
            self.room.put(f"{by} {waits.name} {number}", by, waits)
            self.room.keep(f"{by} {waits.name} {number}", kept_bytes)
        return self

    def ends_for(self, newcomer: str) -> str:
        self.room.put("newcomer", newcomer, Waits.REQUEST)
        return self.room.to_let_in("newcomer")


@pytest.mark.parametrize("waits", Waits)
def test_whoever_has_most_makes_room_for_others_whatever_theirs_wait_for(waits: Waits) -> None:
    held = Held().several("b", Waits.REQUEST, 2).several("a", waits, MANY)
    assert held.ends_for("b") == f"a {waits.name} 0"


@pytest.mark.parametrize("waits", [Waits.REQUEST, Waits.READER, Waits.NEXT_REQUEST])
def test_nobody_makes_room_for_somebody_who_has_more(waits: Waits) -> None:
    assert Held().several("b", waits, MANY).several("a", Waits.ANSWER, MANY).ends_for("a") == "newcomer"


def test_of_one_network_half_a_request_ends_first_then_who_does_not_read_then_who_idles() -> None:
    held = Held().several("a", Waits.ANSWER, MANY)
    assert held.ends_for("a") == "newcomer"
    assert held.several("a", Waits.NEXT_REQUEST, 2).ends_for("a") == "a NEXT_REQUEST 0"
    assert held.several("a", Waits.READER, 2).ends_for("a") == "a READER 0"
    assert held.several("a", Waits.REQUEST, 2).ends_for("a") == "a REQUEST 0"


def test_whoever_has_begun_to_wait_last_ends_last() -> None:
    held = Held().several("a", Waits.NEXT_REQUEST, MANY)
    held.room.put("a NEXT_REQUEST 0", "a", Waits.ANSWER)
    held.room.put("a NEXT_REQUEST 0", "a", Waits.NEXT_REQUEST)
    held.room.put("a NEXT_REQUEST 1", "a", Waits.NEXT_REQUEST)
    held.room.remove("a NEXT_REQUEST 2")
    assert held.ends_for("a") == "a NEXT_REQUEST 1"


def test_a_browser_counts_as_no_more_than_somebody_with_one_connection() -> None:
    held = Held().several("browser", Waits.NEXT_REQUEST, USUAL_CONNECTIONS)
    for number in range(MANY):
        held.several(f"stranger {number}", Waits.REQUEST, 1)
    assert held.ends_for("another") == "stranger 0 REQUEST 0"


def test_what_is_kept_for_the_largest_keeper_is_freed_oldest_first() -> None:
    held = Held().several("a", Waits.READER, 1, kept_bytes=40).several("b", Waits.READER, 3, kept_bytes=30)
    assert held.room.kept_bytes == 130
    assert held.room.to_free_memory() == "b READER 0"
    held.room.remove("b READER 0")
    held.room.remove("b READER 0")
    held.room.keep("b READER 1", 9)
    assert held.room.kept_bytes == 79
    assert held.room.to_free_memory() == "a READER 0"


def test_the_only_one_for_which_something_is_kept_goes_on() -> None:
    held = Held().several("a", Waits.READER, 1, kept_bytes=99).several("b", Waits.ANSWER, 5)
    assert held.room.to_free_memory() is None
