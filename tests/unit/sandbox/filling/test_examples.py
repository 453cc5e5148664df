"""The demo's examples: the same each time, believable, and of every sort already among the first twelve."""

from collections import Counter
from decimal import Decimal

import pytest

from sandbox.filling.examples import WAITING, Course, Example, examples
from schemas.fields import FailureClass

URL = "http://127.0.0.1:8081"


def waiting(count: int) -> list[Example]:
    return [each for each in examples(count, URL) if each.course in WAITING]


@pytest.mark.parametrize("count", [0, 1, 12, 60])
def test_as_many_wait_as_were_asked_for(count: int) -> None:
    assert len(waiting(count)) == count


def test_they_are_the_same_in_every_demo_however_many_there_are() -> None:
    assert examples(60, URL) == examples(60, URL)
    assert examples(12, URL) == examples(60, URL)[: len(examples(12, URL))]


def test_the_first_twelve_have_every_sort() -> None:
    assert {each.course for each in waiting(12)} == set(WAITING)
    assert any(each.note for each in waiting(12))
    assert Counter(_is_blocked(each) for each in waiting(12))[True] == 1
    answered = {each.course for each in examples(0, URL)}
    assert answered == set(Course) - set(WAITING)


def test_sixty_are_a_believable_mix() -> None:
    sixty = waiting(60)
    assert len({each.commitment.number for each in examples(60, URL)}) == len(examples(60, URL))
    assert len({each.commitment.project.id for each in sixty}) == 4
    assert len({each.commitment.vendor.id for each in sixty}) == 7
    assert {each.commitment.currency for each in sixty} == {"USD", "EUR", "CAD"}
    assert len({each.age.days for each in sixty}) > 8
    assert len([each for each in sixty if each.course is Course.WAITS and not _is_blocked(each)]) > 30


def test_only_a_blocked_one_has_another_total_than_its_lines() -> None:
    for each in examples(60, URL):
        for commitment in filter(None, (each.commitment, each.second)):
            difference = Decimal(commitment.total) - sum(Decimal(line.amount) for line in commitment.lines)
            assert difference in (0, 250)


def test_the_classes_of_failure_that_the_erps_rules_do_not_have_are_faults() -> None:
    classes = {each.failure_class for each in examples(0, URL) if each.course is Course.FAILED}
    assert classes == {None, FailureClass.FIX_SETUP, FailureClass.RETRY_LATER}


def _is_blocked(example: Example) -> bool:
    return Decimal(example.commitment.total) != sum(Decimal(line.amount) for line in example.commitment.lines)
