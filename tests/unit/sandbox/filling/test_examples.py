"""The demo's examples: the same each time, believable, and of every sort already among the first twelve."""

from collections import Counter
from decimal import Decimal

import pytest

from sandbox.approval_rules import LIMITS_OF_LEE, SECOND_APPROVAL_ABOVE
from sandbox.erp.rules import Rules, limits_of
from sandbox.filling.examples import WAITING, Course, Example, examples
from schemas.erp_limits import broken_limits
from schemas.events import LimitsProfile
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
    assert len({each.commitment.vendor.id for each in sixty}) == 8
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
    assert classes == {None, *FailureClass} - {FailureClass.FIX_DATA}


def test_one_of_the_first_twelve_is_within_lees_limit_and_needs_a_second_approver() -> None:
    (first,) = [each for each in waiting(12) if each.is_first_approved]
    total = Decimal(first.commitment.total)
    assert SECOND_APPROVAL_ABOVE < total <= LIMITS_OF_LEE[first.commitment.currency]


def test_dana_alone_may_accept_what_the_demo_lets_her_accept() -> None:
    accepted = [each for each in examples(150, URL) if each.course not in WAITING or each.course is Course.UPDATED]
    assert max(Decimal(each.commitment.total) for each in accepted) <= SECOND_APPROVAL_ABOVE


def test_a_number_is_longer_than_the_erp_takes_and_a_vendor_is_not_linked() -> None:
    assert [len(each.commitment.number) for each in waiting(12) if len(each.commitment.number) > 20] == [22]
    assert all(each.commitment.vendor.erp_code for each in waiting(12))
    assert any(not each.commitment.vendor.erp_code for each in waiting(13))


def test_what_is_answered_breaks_no_limit_that_the_erp_announces() -> None:
    limits = LimitsProfile.model_validate(limits_of(Rules()))
    for each in (each for each in examples(150, URL) if each.course not in WAITING or each.second):
        assert broken_limits(each.commitment, limits, "Small ERP") == ()


def _is_blocked(example: Example) -> bool:
    return Decimal(example.commitment.total) != sum(Decimal(line.amount) for line in example.commitment.lines)
