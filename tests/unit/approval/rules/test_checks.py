"""Findings on a commitment: what blocks acceptance, and what is only a warning."""

from typing import Any

import pytest

from schemas.commitment import Commitment
from schemas.events import DirectoryPerson, ErpConnection, LimitsProfile
from schemas.examples.cast import CONCRETE_1, RIVERSIDE, SAM
from schemas.fields import ToolLevel
from services.approval.rules.amounts import excess_over_lines, line_sum
from services.approval.rules.checks import findings, not_mended, note_findings, unknown_limits
from services.approval.rules.finding import Finding
from services.approval.rules.numbers import Namesake, is_number_cut, kept_number


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


def test_that_no_connection_takes_it_is_a_warning() -> None:
    found = findings(CONCRETE_1, SAM, why_unreachable="No ERP connection takes SC-014.")
    assert found == (Finding("ERP", "No ERP connection takes SC-014.", is_blocking=False),)


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
        ("480300.00", "USD 50.00 more than its lines. If it includes tax, freight and other charges, they have to be"),
        ("480200", "USD 50.00 less than its lines. If it includes discounts and credits, they have to be"),
        ("480250.01", "USD 0.01 more than its lines. If it includes tax, freight and other charges, they have to be"),
        (
            "1480250.00",
            "USD 1,000,000.00 more than its lines. If it includes tax, freight and other charges, they have to be",
        ),
    ],
)
def test_a_total_that_is_not_the_sum_of_the_lines_blocks(total: str, words: str) -> None:
    text = f"SC-014 cannot be accepted: its total is {words} lines of their own."
    assert findings(changed(total=total), SAM) == (Finding("total", text, is_blocking=True),)


@pytest.mark.parametrize("total", ["480250.05", "480249.95"])
def test_a_rounding_difference_that_the_company_allows_is_a_warning_that_states_it(total: str) -> None:
    (finding,) = findings(changed(total=total), SAM, erp=erp(rounding_minor_units=5))
    comparison = "more" if total > "480250" else "less"
    assert finding == Finding(
        "total",
        f"The total of SC-014 is USD 0.05 {comparison} than its lines. Accepting it accepts this rounding.",
        is_blocking=False,
    )


@pytest.mark.parametrize(("total", "limit"), [("480250.06", 5), ("480250.01", 0), ("480250.01", None)])
def test_a_difference_beyond_what_the_company_allows_blocks(total: str, limit: int | None) -> None:
    (finding,) = findings(changed(total=total), SAM, erp=erp(rounding_minor_units=limit))
    assert finding.is_blocking


def test_the_limit_counts_the_smallest_unit_of_the_currency() -> None:
    lines = [line(amount="100", quantity="1", unit_cost="100")]
    in_yen = changed(currency="JPY", total="105", lines=lines)
    assert not findings(in_yen, SAM, erp=erp(rounding_minor_units=5))[0].is_blocking
    assert findings(in_yen, SAM, erp=erp(rounding_minor_units=4))[0].is_blocking


def line(position: int = 1, **members: str) -> dict[str, Any]:
    return {"position": position, "quantity": "1", "unit_cost": "0", "amount": "0"} | members


@pytest.mark.parametrize(
    ("currency", "total", "amount", "odd"),
    [
        ("JPY", "100.50", "100.50", "its total and line 1 have"),
        ("JPY", "100", "100.50", "line 1 has"),
        ("USD", "0.005", "0.005", "its total and line 1 have"),
        ("KWD", "1.0005", "1.0005", "its total and line 1 have"),
    ],
)
def test_a_fraction_that_the_currency_does_not_have_blocks(currency: str, total: str, amount: str, odd: str) -> None:
    lines = [line(amount=amount, unit_cost=amount)]
    found = {each.rule: each for each in findings(changed(currency=currency, total=total, lines=lines), SAM)}
    unit = {"JPY": "JPY 1", "USD": "USD 0.01", "KWD": "KWD 0.001"}[currency]
    assert found["fraction"] == Finding(
        "fraction",
        f"SC-014 cannot be accepted: the smallest amount of {currency} is {unit}, but {odd} a fraction of it.",
    )


@pytest.mark.parametrize(
    ("currency", "amount"),
    [
        ("JPY", "100.000000"),
        ("KWD", "1.005"),
        ("USD", "-0.01"),
        ("RSD", "1250.50"),
        ("ALL", "0.01"),
        ("LBP", "0.25"),
        ("IQD", "1.250"),
    ],
)
def test_an_amount_that_can_be_booked_has_no_finding(currency: str, amount: str) -> None:
    lines = [line(amount=amount, unit_cost=amount)]
    assert findings(changed(currency=currency, total=amount, lines=lines), SAM) == ()


def test_many_fractions_are_counted_and_not_all_named() -> None:
    lines = [line(position, amount="0.5", unit_cost="0.5") for position in range(1, 8)]
    (found,) = [each for each in findings(changed(currency="JPY", total="3.5", lines=lines), SAM) if each.is_blocking]
    assert "but its total, line 1, line 2 and others have a fraction of it." in found.text


@pytest.mark.parametrize(
    ("members", "words"),
    [
        (
            {"quantity": "12.5", "unit_cost": "100.00", "amount": "12500.00"},
            "Line 1: its amount is USD 11,250.00 more than quantity times unit cost, USD 1,250.00.",
        ),
        (
            {"quantity": "3", "unit_cost": "33.33", "amount": "99.98"},
            "Line 1: its amount is USD 0.01 less than quantity times unit cost, USD 99.99.",
        ),
        (
            {"quantity": "1", "unit_cost": "0", "amount": "5000.00"},
            "Line 1: its amount is USD 5,000.00 more than quantity times unit cost, USD 0.00.",
        ),
        (
            {"quantity": f"1{'0' * 14}", "unit_cost": f"1{'0' * 14}", "amount": "0"},
            "Line 1: its amount is USD {0} less than quantity times unit cost, USD {0}.".format(f"10{',000' * 9}.00"),
        ),
    ],
)
def test_an_amount_that_is_not_quantity_times_unit_cost_is_a_warning(members: dict[str, str], words: str) -> None:
    odd = changed(total=members["amount"], lines=[line(**members)])
    assert findings(odd, SAM) == (Finding("line amounts", words, is_blocking=False),)


@pytest.mark.parametrize(
    "members",
    [
        {"quantity": "3", "unit_cost": "33.335", "amount": "100.01"},
        {"quantity": "1000000", "unit_cost": "0.000001", "amount": "1.00"},
        {"quantity": "0", "unit_cost": "0", "amount": "5000.00"},
        {"quantity": "-2", "unit_cost": "50.00", "amount": "-100.00"},
        {"quantity": "0", "unit_cost": "12.00", "amount": "0.00"},
    ],
)
def test_rounding_lump_sums_credits_and_zero_lines_are_no_findings(members: dict[str, str]) -> None:
    assert findings(changed(total=members["amount"], lines=[line(**members)]), SAM) == ()


def test_lines_beyond_three_are_counted() -> None:
    lines = [line(position, quantity="1", unit_cost="1", amount="2") for position in range(1, 6)]
    (found,) = findings(changed(total="10", lines=lines), SAM)
    assert found.text.count("Line ") == 3
    assert found.text.endswith(" 2 more lines differ.")


def test_a_number_that_another_commitment_has_is_a_warning() -> None:
    other = Namesake("SC-014", "Structural steel", "Harbor Bridge")
    assert findings(CONCRETE_1, SAM, namesake=other) == (
        Finding(
            "number",
            "SC-014 is also the number of Structural steel of Harbor Bridge. "
            "Accounting would have two documents with one number.",
            is_blocking=False,
        ),
    )


def test_a_number_that_another_one_is_cut_to_is_a_warning() -> None:
    target = erp(number_characters=6, truncates_number=True)
    assert is_number_cut(CONCRETE_1.number, target)
    (found,) = findings(CONCRETE_1, SAM, erp=target, namesake=Namesake("SC-0144", "Structural steel", "Harbor Bridge"))
    assert "Structural steel of Harbor Bridge, SC-0144, once QuickBooks has cut it." in found.text
    assert not found.is_blocking


def test_two_that_wait_and_would_get_one_number_warn_of_each_other_and_block_nobody() -> None:
    target = erp(number_characters=11, truncates_number=True)
    twin = Namesake("RIV-SC-2026-009", "Structural steel", "Harbor Bridge", is_waiting=True)
    (finding,) = findings(changed(number="RIV-SC-2026-014"), SAM, erp=target, namesake=twin)
    assert finding.text == (
        "QuickBooks keeps 11 characters. RIV-SC-2026-014 would become RIV-SC-2026. "
        "RIV-SC-2026-009 waits too and would get the same number: accept one only."
    )
    assert not finding.is_blocking


def test_one_that_waits_with_the_same_number_says_that_one_only_is_to_be_accepted() -> None:
    twin = Namesake("SC-014", "Structural steel", "Harbor Bridge", is_waiting=True)
    (finding,) = findings(CONCRETE_1, SAM, namesake=twin)
    assert finding.text.endswith("Structural steel of Harbor Bridge, which waits too: accept one only.")


@pytest.mark.parametrize("limits", [{"number_characters": 4}, {"forbidden_number_characters": "-"}])
def test_a_number_that_the_erp_does_not_take_is_mended_by_a_document_number(limits: dict[str, Any]) -> None:
    (with_number,) = findings(CONCRETE_1, SAM, erp=erp(**limits, takes_erp_code=True))
    (without,) = findings(CONCRETE_1, SAM, erp=erp(**limits))
    assert (with_number.mended_by, without.mended_by) == ("erp_code", "")
    assert "Give a document number, or reject it;" in with_number.text
    assert not_mended([with_number, without], "PO-1") == (without,)
    assert not_mended([with_number, without], None) == (with_number, without)


def test_a_commitment_without_lines_is_a_warning_unless_the_erp_needs_some() -> None:
    empty = changed(total="0", lines=[])
    (warned,) = findings(empty, SAM)
    assert (warned.rule, warned.is_blocking) == ("lines", False)
    (refused,) = findings(empty, SAM, erp=erp(needs_lines=True))
    assert refused.is_blocking


def test_limits_that_are_not_known_are_named() -> None:
    assert unknown_limits(None) == ("number", "title", "vendor name")
    assert unknown_limits(erp(number_characters=1, title_characters=1, vendor_name_characters=1)) == ()


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
    (finding,) = findings(
        number, SAM, erp=target, namesake=Namesake("RIV-SC-2026-009", "Structural steel", "Harbor Bridge")
    )
    assert finding == Finding(
        "number",
        "QuickBooks keeps 11 characters. RIV-SC-2026-014 would become RIV-SC-2026, already used by RIV-SC-2026-009.",
    )
    assert kept_number(number.number, target) == "RIV-SC-2026"


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"number_characters": 5}, ("5 characters in the number; SC-014 has 6", "shorten the number")),
        (
            {"title_characters": 10},
            ("10 characters in the title; that of SC-014 (Concrete works) has 14", "shorten the title"),
        ),
        (
            {"vendor_name_characters": 10},
            ("10 characters in the vendor name; that of SC-014 (Acme Concrete) has 13", "shorten the vendor name"),
        ),
        (
            {"one_cost_type_only": True},
            (
                "one cost type for all lines; SC-014 has line 1 (S), line 2 (M)",
                "make it one commitment for each cost type",
            ),
        ),
    ],
)
def test_what_the_erp_does_not_take_blocks_and_says_what_to_do(limits: dict[str, Any], words: tuple[str, str]) -> None:
    lines = [line(cost_type="S"), line(2, cost_type="M")]
    (finding,) = findings(changed(lines=lines, total="0"), SAM, erp=erp(**limits))
    broken, remedy = words
    assert finding.is_blocking
    assert finding.text == f"QuickBooks takes {broken}. Reject it; the project has to {remedy} and re-send it."


def test_a_title_that_would_be_cut_is_a_warning() -> None:
    (finding,) = findings(CONCRETE_1, SAM, erp=erp(title_characters=8, truncates_title=True))
    assert finding == Finding(
        "title",
        "QuickBooks takes 8 characters in the title; that of SC-014 (Concrete works) would become Concrete. "
        "Accepting it accepts this.",
        is_blocking=False,
    )


def test_a_number_that_is_too_long_is_not_compared_with_others() -> None:
    (finding,) = findings(
        CONCRETE_1, SAM, erp=erp(number_characters=5), namesake=Namesake("SC-014", "Steel", "Harbor Bridge")
    )
    assert finding.is_blocking


def test_a_note_must_fit_the_memo_beside_the_marker() -> None:
    marker_characters = len("c-1/2/") + 64
    target = erp(memo_characters=marker_characters + 11)
    assert note_findings("ten signs.", "c-1", 2, target) == ()
    (found,) = note_findings("eleven sign", "c-1", 2, target)
    assert found == Finding(
        "note", "QuickBooks takes 81 characters in the memo; 10 are left for a note, and this one has 11."
    )


@pytest.mark.parametrize("target", [None, erp(), erp(memo_characters=1)])
def test_without_a_note_or_a_limit_the_memo_has_no_finding(target: ErpConnection | None) -> None:
    assert note_findings(None, "c-1", 2, target) == ()
    if target is None or target.limits.memo_characters is None:
        assert note_findings("x" * 4_000, "c-1", 2, target) == ()


def test_a_senders_levels_that_cannot_be_read_are_a_warning() -> None:
    odd = DirectoryPerson.model_validate(sender(None).model_dump() | {"commitments_tool": "read_only"})
    assert findings(CONCRETE_1, SAM, sender=odd) == (
        Finding(
            "sender",
            "The directory does not say in a form that is understood whether Sam Lee may send commitments of "
            "Riverside Tower.",
            is_blocking=False,
        ),
    )
