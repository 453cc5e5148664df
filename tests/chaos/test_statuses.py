"""What the fault runs would notice: a status that goes back, a repeat, a wait."""

from sandbox.drill.statuses import Course


def course(*versions: int) -> Course:
    ribbons = ["BLUE"] * (len(versions) - 1) + ["GREEN"]
    return Course(sent_at=10.0, versions=list(versions), ribbons=ribbons, status_at=[11.0, 15.0, 16.0][: len(versions)])


def test_a_status_after_a_newer_one_has_gone_back() -> None:
    assert course(1, 3, 2).has_gone_back
    assert not course(1, 2, 3).has_gone_back


def test_a_repeat_is_counted_and_has_not_gone_back() -> None:
    assert (course(1, 2, 2).has_gone_back, course(1, 2, 2).repeats) == (False, 1)


def test_the_ribbon_is_that_of_the_highest_version() -> None:
    assert (course(1, 3, 2).ribbon, Course().ribbon) == ("BLUE", "")


def test_the_longest_wait_is_between_two_pieces_of_news() -> None:
    assert course(1, 2, 3).longest_wait_seconds == 4.0
    assert course(1).longest_wait_seconds == 1.0
    assert course(1, 2, 3).green_after_seconds == 6.0
