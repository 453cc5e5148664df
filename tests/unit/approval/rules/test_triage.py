"""What waits is sorted by what an approver has to do first, and a total says by how much it has changed."""

from decimal import Decimal

import pytest

from services.approval.rules.finding import Finding
from services.approval.rules.triage import Group, group_of, per_cent

ROUTINE = {"is_disputed": False, "is_changed": False, "has_note": False, "updates": False}


def test_what_nobody_has_to_look_at_is_routine() -> None:
    assert group_of((), **ROUTINE) is Group.READY


@pytest.mark.parametrize("member", ["is_changed", "has_note", "updates"])
def test_what_is_not_as_usual_is_looked_at_first(member: str) -> None:
    assert group_of((), **ROUTINE | {member: True}) is Group.LOOK


@pytest.mark.parametrize(
    ("finding", "group"),
    [
        (Finding("total", "More than its lines."), Group.BLOCKED),
        (Finding("title", "It is cut.", is_blocking=False), Group.LOOK),
        (Finding("vendor", "Not known.", is_blocking=False, is_known=False), Group.LOOK),
    ],
)
def test_a_finding_is_never_routine(finding: Finding, group: Group) -> None:
    assert group_of((finding,), **ROUTINE) is group


def test_a_dispute_is_blocked() -> None:
    assert group_of((), **ROUTINE | {"is_disputed": True}) is Group.BLOCKED


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("198897.25", "165424.55", "\N{MINUS SIGN}16.8 %"),
        ("100", "103", "+3.0 %"),
        ("100", "100.00", ""),
        ("0", "50", ""),
        ("-100", "-50", "+50.0 %"),
        ("100000", "100001", "±0.0 %"),
        ("1", "12345.6", "+1,234,460.0 %"),
    ],
)
def test_a_changed_total_is_told_in_per_cent(before: str, after: str, words: str) -> None:
    assert per_cent(Decimal(before), Decimal(after)) == words
