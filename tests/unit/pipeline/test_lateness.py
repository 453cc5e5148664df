"""How far a service is behind follows from which ends of its topics it has passed, and when these were asked for."""

from datetime import UTC, datetime, timedelta

import pytest

from services.pipeline.broker.brokers import Span
from services.pipeline.lateness import Lateness
from services.pipeline.records import Partition, Record
from services.pipeline.tables import KernelTables

START = datetime(2026, 11, 16, 15, 2, tzinfo=UTC)
ONE, OTHER = Partition("commitment.sent", 0), Partition("commitment.sent", 1)


class Watched(Lateness):
    """Lateness of which each look is at a minute after START."""

    def __init__(self) -> None:
        self.minute = 0
        super().__init__(None, KernelTables, lambda: START + timedelta(minutes=self.minute))  # type: ignore[arg-type]

    def look(self, minute: int, *, end: int, saved: int, other: int = 0) -> int | None:  # type: ignore[override]
        """The minutes that it is behind after a look."""
        self.minute = minute
        self.compare({ONE: Span(0, end), OTHER: Span(0, other)}, {ONE: saved}, START + timedelta(minutes=minute))
        return self.minutes

    def settle(self, minute: int) -> None:
        """Settle a message from that minute."""
        self.settled([Record(ONE, 0, b"", b"", [], START + timedelta(minutes=minute))])

    @property
    def minutes(self) -> int | None:
        return None if self.behind is None else int(self.behind.total_seconds() // 60)


@pytest.fixture
def watched() -> Watched:
    return Watched()


def test_a_service_that_has_read_everything_is_not_behind(watched: Watched) -> None:
    assert watched.look(10, end=5, saved=5) is None
    assert watched.look(11, end=9, saved=5) is None


def test_it_is_behind_since_the_last_look_that_it_has_passed(watched: Watched) -> None:
    watched.look(10, end=5, saved=5)
    assert watched.look(22, end=9, saved=5) == 12
    assert watched.look(23, end=20, saved=9) is None
    assert watched.look(26, end=20, saved=12) == 4
    assert watched.look(27, end=20, saved=20) is None


def test_the_latest_partition_counts(watched: Watched) -> None:
    watched.look(10, end=5, saved=5)
    assert watched.look(15, end=9, saved=9, other=3) == 5


def test_a_message_that_was_settled_tells_until_when_everything_is_known(watched: Watched) -> None:
    watched.minute = 120
    watched.look(120, end=9, saved=3)
    watched.settle(60)
    assert watched.minutes == 60
    watched.settle(115)
    assert watched.minutes == 5
    assert watched.look(121, end=9, saved=9) is None


def test_a_message_from_the_future_hides_nothing_later(watched: Watched) -> None:
    watched.look(10, end=9, saved=3)
    watched.settle(9_999)
    watched.minute = 15
    assert watched.minutes == 5


def test_a_restored_database_is_behind_until_it_has_read_again(watched: Watched) -> None:
    watched.look(10, end=9, saved=9)
    assert watched.look(11, end=9, saved=2) is None
    watched.settle(1)
    assert watched.minutes == 10
    assert watched.look(12, end=9, saved=9) is None


def test_without_any_answer_of_the_brokers_it_counts_from_the_start(watched: Watched) -> None:
    assert watched.minutes is None
    watched.minute = 12
    assert watched.minutes == 12
