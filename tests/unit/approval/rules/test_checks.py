"""Findings on a commitment: what blocks acceptance, and what is only a warning."""

from typing import Any

import pytest

from schemas.commitment import Commitment
from schemas.events import DirectoryPerson, ErpConnection, LimitsProfile
from schemas.examples.cast import CONCRETE_1, RIVERSIDE, SAM
from schemas.fields import ToolLevel
from services.approval.rules.checks import Finding, excess_over_lines, findings, kept_number, line_sum


def changed(**members: Any) -> Commitment:
    return Commitment.model_validate(CONCRETE_1.model_dump() | members)


def erp(**limits: Any) -> ErpConnection:
    return ErpConnection(
        name="quickbooks",
        version=1,
        kind="quickbooks_desktop",
        title="QuickBooks",
        companies=("company-204",),
        limits=LimitsProfile(**limits),
    )


def sender(level: ToolLevel | None) -> DirectoryPerson:
    return DirectoryPerson(
        company_id="company-204",
        person_id=SAM.id,
        version=1,
        name=SAM.name,
        email=SAM.email,
        erp_tool=ToolLevel.NONE,
        commitments_tool={RIVERSIDE.id: level} if level else {},
    )


def test_a_valid_commitment_has_no_findings() -> None:
    found = findings(CONCRETE_1, SAM, sender=sender(ToolLevel.ADMIN), erp=erp(number_characters=11))
    assert found == ()


@pytest.mark.parametrize(
    ("total", "words"),
    [
        ("480300.00", "SC-014 cannot be accepted: its total is USD 50.00 more than its lines."),
        ("480200", "SC-014 cannot be accepted: its total is USD 50.00 less than its lines."),
        ("480250.005", "SC-014 cannot be accepted: its total is USD 0.005 more than its lines."),
        ("1480250.00", "SC-014 cannot be accepted: its total is USD 1,000,000.00 more than its lines."),
    ],
)
def test_a_total_that_is_not_the_sum_of_the_lines_blocks(total: str, words: str) -> None:
    assert findings(changed(total=total), SAM) == (Finding("total", words, is_blocking=True),)


def test_the_excess_is_the_total_minus_the_lines() -> None:
    wrong = changed(total="480300.00")
    assert line_sum(wrong) == line_sum(CONCRETE_1)
    assert excess_over_lines(CONCRETE_1) == 0
    assert str(excess_over_lines(wrong)) == "50.00"


def test_totals_are_compared_as_numbers() -> None:
    assert findings(changed(total="480250"), SAM) == ()


@pytest.mark.parametrize("level", [ToolLevel.NONE, ToolLevel.READ_ONLY, ToolLevel.STANDARD])
def test_a_sender_with_less_than_admin_blocks(level: ToolLevel) -> None:
    (finding,) = findings(CONCRETE_1, SAM, sender=sender(level))
    assert finding.is_blocking
    assert finding.text == (
        "SC-014 cannot be accepted: Sam Lee may not send commitments of Riverside Tower; "
        "that needs Admin on its Commitments tool."
    )


@pytest.mark.parametrize("known", [None, sender(None), sender(ToolLevel.ADMIN)])
def test_a_sender_without_a_known_level_does_not_block(known: DirectoryPerson | None) -> None:
    assert findings(CONCRETE_1, SAM, sender=known) == ()


def test_a_number_that_would_be_cut_is_a_warning() -> None:
    number = changed(number="RIV-SC-2026-014")
    (finding,) = findings(number, SAM, erp=erp(number_characters=11, truncates_number=True))
    assert finding == Finding(
        "number",
        "QuickBooks keeps 11 characters. RIV-SC-2026-014 would become RIV-SC-2026.",
        is_blocking=False,
    )


def test_a_number_that_would_be_cut_to_a_taken_one_blocks() -> None:
    number = changed(number="RIV-SC-2026-014")
    target = erp(number_characters=11, truncates_number=True)
    (finding,) = findings(number, SAM, erp=target, number_taken_by="RIV-SC-2026-009")
    assert finding == Finding(
        "number",
        "QuickBooks keeps 11 characters. RIV-SC-2026-014 would become RIV-SC-2026, already used by RIV-SC-2026-009.",
    )
    assert kept_number(number, target) == "RIV-SC-2026"


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"number_characters": 5}, "QuickBooks takes 5 characters in the number; SC-014 has 6."),
        ({"title_characters": 10}, "QuickBooks takes 10 characters in the title; this one has 14."),
        ({"vendor_name_characters": 10}, "QuickBooks takes 10 characters in the vendor name; this one has 13."),
    ],
)
def test_text_that_is_too_long_for_the_erp_blocks(limits: dict[str, int], words: str) -> None:
    (finding,) = findings(CONCRETE_1, SAM, erp=erp(**limits))
    assert (finding.text, finding.is_blocking) == (words, True)
