"""Sorts what waits for an answer: routine items first, then those to look at, then those that cannot be accepted."""

from collections.abc import Sequence
from decimal import Decimal
from enum import StrEnum

from services.approval.rules.finding import Finding
from services.pipeline.formats import EXACT

MINUS = "\N{MINUS SIGN}"
AGING_DAYS, OLD_DAYS = 5, 10
"""From so many days on an item has waited long, and too long."""


class Group(StrEnum):
    """What an approver has to do before accepting."""

    READY = "ready"
    LOOK = "look"
    BLOCKED = "blocked"


GROUP_WORDS = {Group.READY: "Ready to accept", Group.LOOK: "Look first", Group.BLOCKED: "Blocked"}


def group_of(
    findings: Sequence[Finding],
    *,
    is_disputed: bool,
    is_changed: bool,
    has_note: bool,
    updates: bool,
    is_asked: bool = False,
) -> Group:
    """The group of a commitment that waits.

    Something is to be looked at if a rule found anything, if it was changed after an earlier revision, if its sender
    wrote a note or was asked, or if it `updates` a document of the ERP.
    """
    if is_disputed or any(finding.is_blocking for finding in findings):
        return Group.BLOCKED
    return Group.LOOK if findings or is_changed or has_note or is_asked or updates else Group.READY


def per_cent(before: Decimal, after: Decimal) -> str:
    """By how much an amount has changed, such as "+16.8 %"; empty if it did not, or began at nothing."""
    if not before or before == after:
        return ""
    change = EXACT.divide(EXACT.multiply(EXACT.subtract(after, before), Decimal(100)), abs(before))
    if abs(change) < Decimal("0.05"):
        return "±0.0 %"
    return f"{MINUS if change < 0 else '+'}{abs(change):,.1f} %"
