from time import perf_counter
from typing import Any

import pytest

from schemas.commitment import Commitment
from schemas.events import Change
from schemas.examples.cast import CONCRETE_1, CONCRETE_2
from schemas.limits import MAX_CHANGES, MAX_EXCERPT_CHARACTERS, MAX_LINES
from services.approval.rules.differences import differences

LINE = CONCRETE_1.lines[0].model_dump()


def changed(**members: Any) -> Commitment:
    return Commitment.model_validate(CONCRETE_1.model_dump() | members)


def between_two(before: Commitment, after: Commitment) -> list[tuple[str, str, str]]:
    return [(each.field, each.before, each.after) for each in differences(before, after)]


def between(**members: Any) -> list[tuple[str, str, str]]:
    return [(each.field, each.before, each.after) for each in differences(CONCRETE_1, changed(**members))]


def test_the_same_content_has_no_differences() -> None:
    assert differences(CONCRETE_1, CONCRETE_1) == ()


def test_a_member_of_a_line_is_labelled_with_its_position() -> None:
    assert differences(CONCRETE_1, CONCRETE_2) == (Change(field="Line 3 cost code", before="03-300", after="03-310"),)


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"title": "Concrete"}, ("Title", "Concrete works", "Concrete")),
        ({"total": "1.00"}, ("Total", "USD 480,250.00", "USD 1.00")),
        ({"currency": "EUR"}, ("Currency", "USD", "EUR")),
        ({"retainage_percent": None}, ("Retainage percent", "10.0", "")),
        (
            {"vendor": {"id": "vendor-88", "name": "Beta Concrete", "erp_code": "ACME"}},
            ("Vendor name", "Acme Concrete", "Beta Concrete"),
        ),
        (
            {"insurance": {"expires": "2027-03-31", "certificate": "COI-9"}},
            ("Insurance certificate", "COI-55120", "COI-9"),
        ),
        ({"tags": ["urgent"]}, ("Tags 1", "", "urgent")),
    ],
)
def test_a_member_has_a_readable_label(members: dict[str, Any], expected: tuple[str, str, str]) -> None:
    assert between(**members) == [expected]


def test_an_added_or_removed_line_is_one_difference() -> None:
    added = {"position": 6, "description": "Pump", "quantity": "1", "unit_cost": "5.00", "amount": "5.00"}
    lines = [line.model_dump() for line in CONCRETE_1.lines]
    assert between(lines=[*lines, added]) == [("Line 6", "", "Pump, 1 at USD 5.00, USD 5.00")]
    assert between(lines=lines[1:]) == [
        ("Line 1", "03-100, S, Formwork, slabs and core walls, 18,500 sf at USD 6.40, USD 118,400.00", "")
    ]


def test_amounts_and_quantities_of_a_line_read_as_on_the_rest_of_the_page() -> None:
    lines = [LINE | {"quantity": "18500.50", "unit_cost": "6.4", "amount": "118403.2"}]
    assert between_two(changed(lines=[LINE]), changed(lines=lines, currency="EUR"))[1:] == [
        ("Line 1 quantity", "18,500", "18,500.5"),
        ("Line 1 amount", "USD 118,400.00", "EUR 118,403.20"),
    ]


def test_an_amount_says_by_how_much_it_changed() -> None:
    lines = [LINE | {"quantity": "20000", "amount": "59200.00"}]
    found = {
        each.field: each.delta for each in differences(changed(lines=[LINE]), changed(lines=lines, total="480250.05"))
    }
    assert found == {
        "Total": "+0.05",
        "Line 1 quantity": "+1,500 (+8.1 %)",
        "Line 1 amount": "\N{MINUS SIGN}59,200.00 (\N{MINUS SIGN}50.0 %)",
    }


def test_amounts_in_two_currencies_and_words_have_no_difference_in_figures() -> None:
    assert {each.delta for each in differences(CONCRETE_1, changed(currency="EUR", title="Concrete"))} == {None}
    assert [each.delta for each in differences(changed(total="0"), CONCRETE_1)] == ["+480,250.00"]


def test_a_lump_sum_has_no_unit_cost() -> None:
    lump = {"position": 6, "description": "Pump", "quantity": "0", "unit_cost": "0", "amount": "5.00"}
    lines = [line.model_dump() for line in CONCRETE_1.lines]
    assert between(lines=[*lines, lump]) == [("Line 6", "", "Pump, USD 5.00")]


def test_an_amount_that_is_only_written_otherwise_is_no_difference() -> None:
    assert between(total="480250.000") == []


def test_lines_with_the_same_position_get_different_labels() -> None:
    before = changed(lines=[LINE, LINE])
    after = changed(lines=[LINE, LINE | {"unit": "m2"}])
    assert [each.field for each in differences(before, after)] == ["Line 1 (again) unit"]


@pytest.mark.alone
def test_every_line_of_one_position_is_compared_in_a_moment() -> None:
    before = changed(lines=[LINE] * MAX_LINES)
    after = changed(lines=[*([LINE] * (MAX_LINES - 1)), LINE | {"unit": "m2"}])
    started = perf_counter()
    ((field, _, _),) = between_two(before, after)
    assert field == f"Line 1 (again {MAX_LINES - 1}) unit"
    assert perf_counter() - started < 3  # comparing each with all others took 11 s


def test_differences_beyond_a_hundred_are_counted_not_listed() -> None:
    before = changed(lines=[LINE | {"position": place} for place in range(1, MAX_LINES)])
    changes = differences(before, changed(lines=[]))
    assert len(changes) == MAX_CHANGES
    assert (changes[0].field, changes[-1].after) == ("Line 1", f"{MAX_LINES - 1 - 99} more")


def test_unknown_members_of_any_kind_fit_the_event() -> None:
    ((field, _, after),) = between(**{"x" * 999: "\x00" * 999})
    assert len(field) < len("x" * 999)
    assert len(after) == MAX_EXCERPT_CHARACTERS
    assert between(**{"": "nameless"}) == [("Unnamed", "", "nameless")]
