"""Each limit of an ERP at its edge: the last value that it takes, and the first that it does not."""

import re
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.commitment import Commitment
from schemas.erp_limits import RULES, BrokenLimit, broken_limits
from schemas.events import LimitsProfile
from schemas.examples.cast import CONCRETE_1
from schemas.fields import DECIMAL_PATTERN

WITHOUT_LIMITS = LimitsProfile()


def line(position: int = 1, **members: Any) -> dict[str, Any]:
    return {"position": position, "quantity": "1", "unit_cost": "0", "amount": "0"} | members


def changed(*lines: dict[str, Any], **members: Any) -> Commitment:
    content = CONCRETE_1.model_dump() | members
    return Commitment.model_validate(content | ({"lines": lines} if lines else {}))


def broken(commitment: Commitment, **limits: Any) -> list[tuple[str, str]]:
    return [(each.rule, each.text) for each in broken_limits(commitment, LimitsProfile(**limits), "The ERP")]


def vendor(**members: Any) -> dict[str, Any]:
    return {"id": "v-1", "name": "Acme Concrete"} | members


def project(**members: Any) -> dict[str, Any]:
    return {"id": "pr-1", "name": "Riverside Tower"} | members


@pytest.mark.parametrize(
    ("limit", "last", "first", "text"),
    [
        ("number_characters", {"number": "SC-01"}, {"number": "SC-014"}, "5 characters in the number; SC-014 has 6"),
        (
            "title_characters",
            {"title": "Slabs"},
            {"title": "Slabs!"},
            "5 characters in the title; that of SC-014 (Slabs!) has 6",
        ),
        (
            "vendor_name_characters",
            {"vendor": vendor(name="Acme.")},
            {"vendor": vendor(name="Acme 1")},
            "5 characters in the vendor name; that of SC-014 (Acme 1) has 6",
        ),
        (
            "job_code_characters",
            {"project": project(erp_job_code="J-100")},
            {"project": project(erp_job_code="J-1000")},
            "5 characters in the job code; that of SC-014 (J-1000) has 6",
        ),
        (
            "line_description_characters",
            {"lines": [line(description="Slabs")]},
            {"lines": [line(), line(2, description="Slab\n2")]},
            "5 characters in the description of a line; SC-014 has more in line 2 (Slab 2)",
        ),
        (
            "unit_characters",
            {"lines": [line(unit="yards")]},
            {"lines": [line(unit="metres")]},
            "5 characters in the unit of a line; SC-014 has more in line 1 (metres)",
        ),
    ],
)
def test_a_text_has_at_most_as_many_characters_as_the_erp_takes(
    limit: str, last: dict[str, Any], first: dict[str, Any], text: str
) -> None:
    assert broken(changed(**last), **{limit: 5}) == []
    assert [each for _, each in broken(changed(**first), **{limit: 5})] == [f"The ERP takes {text}."]


def test_a_field_that_is_absent_is_not_too_long() -> None:
    bare = changed(line(), project=project())
    assert broken(bare, job_code_characters=1, unit_characters=1, line_description_characters=1) == []


@pytest.mark.parametrize(
    ("limits", "figure"),
    [
        ({"whole_digits": 4}, "9999.999999"),
        ({"whole_digits": 4}, "-9999"),
        ({"whole_digits": 4}, "0009999.5"),
        ({"decimals": 2}, "999999999999999.99"),
        ({"decimals": 2}, "1.990000"),
        ({"decimals": 0}, "7.0"),
        ({"whole_digits": 1, "decimals": 2}, "0.25"),
    ],
)
@pytest.mark.parametrize("field", ["quantity", "unit_cost", "amount"])
def test_a_figure_within_its_digits_is_taken(field: str, limits: dict[str, int], figure: str) -> None:
    of_field = {f"{field}_{name}": value for name, value in limits.items()}
    assert broken(changed(line(**{field: figure})), **of_field) == []


@pytest.mark.parametrize(
    ("limits", "figure", "taken"),
    [
        ({"whole_digits": 4}, "10000", "4 digits before the point"),
        ({"whole_digits": 4}, "-10000.5", "4 digits before the point"),
        ({"decimals": 2}, "1.991", "2 digits after the point"),
        ({"decimals": 0}, "0.5", "0 digits after the point"),
        ({"whole_digits": 8, "decimals": 4}, "1.23456", "8 digits before and 4 after the point"),
        ({"whole_digits": 8, "decimals": 4}, "100000000", "8 digits before and 4 after the point"),
    ],
)
@pytest.mark.parametrize(
    ("field", "rule", "name"),
    [("quantity", "quantities", "quantity"), ("unit_cost", "unit costs", "unit cost"), ("amount", "amounts", "amount")],
)
def test_a_figure_with_more_digits_is_named_with_its_line(
    field: str, rule: str, name: str, limits: dict[str, int], figure: str, taken: str
) -> None:
    of_field = {f"{field}_{each}": value for each, value in limits.items()}
    assert broken(changed(line(), line(2, **{field: figure})), **of_field) == [
        (rule, f"The ERP takes {taken} in the {name} of a line; SC-014 has more in line 2 ({figure}).")
    ]


@given(
    figure=st.from_regex(re.compile(DECIMAL_PATTERN, re.ASCII), fullmatch=True),
    whole=st.integers(1, 15),
    decimals=st.integers(0, 6),
)
def test_digits_are_those_of_the_number_however_it_is_written(figure: str, whole: int, decimals: int) -> None:
    number = Decimal(figure).copy_abs()
    fits = number < Decimal(10) ** whole and number == round(number, decimals)
    assert (broken(changed(line(amount=figure)), amount_whole_digits=whole, amount_decimals=decimals) == []) == fits


def test_characters_that_are_forbidden_are_named() -> None:
    limits = {"forbidden_number_characters": "/\\", "forbidden_title_characters": "\t\n\r"}
    assert broken(CONCRETE_1, **limits) == []
    assert broken(changed(number="SC/14\\2", title="Slabs\nof\tit"), **limits) == [
        ("number characters", "The ERP takes no / or \\ in the number; SC/14\\2 has / and \\."),
        (
            "title characters",
            "The ERP takes no tab or line break in the title; that of SC/14\\2 (Slabs of it) has tab and line break.",
        ),
    ]


@pytest.mark.parametrize(("flag", "field"), [("needs_cost_code", "cost_code"), ("needs_cost_type", "cost_type")])
def test_every_line_needs_the_codes_that_the_erp_needs(flag: str, field: str) -> None:
    name = field.replace("_", " ")
    assert broken(changed(line(**{field: "S"})), **{flag: True}) == []
    assert broken(changed(line(**{field: "S"}), line(2), line(3, **{field: " "})), **{flag: True}) == [
        (f"{name}s", f"The ERP takes no line without a {name}; SC-014 has none in line 2, line 3.")
    ]


def test_lines_may_have_to_share_one_cost_type() -> None:
    one = changed(line(cost_type="S"), line(2, cost_type="S"), line(3))
    assert broken(one, one_cost_type_only=True) == []
    two = changed(line(cost_type="S"), line(2, cost_type="M"), line(3, cost_type="S"))
    assert broken(two, one_cost_type_only=True) == [
        ("one cost type", "The ERP takes one cost type for all lines; SC-014 has line 1 (S), line 2 (M).")
    ]


def test_a_commitment_may_have_to_have_lines() -> None:
    assert broken(CONCRETE_1, needs_lines=True) == []
    assert broken(changed(lines=[]), needs_lines=True) == [
        ("lines", "The ERP takes no commitment without lines; SC-014 has none.")
    ]


def test_a_vendor_may_have_to_be_linked() -> None:
    assert broken(changed(vendor=vendor(erp_code="V-9")), needs_vendor_code=True) == []
    assert broken(changed(vendor=vendor()), needs_vendor_code=True) == [
        (
            "vendor code",
            "The ERP takes no vendor without a code; Acme Concrete, the vendor of SC-014, has none.",
        )
    ]


def test_only_the_lines_of_a_purchase_order_may_have_to_have_a_quantity_and_a_unit_cost() -> None:
    lines = [line(quantity="2", unit_cost="5.00"), line(2, quantity="0", unit_cost="0"), line(3, unit_cost="0.00")]
    assert broken(changed(*lines, kind="subcontract"), needs_order_quantities=True) == []
    assert broken(changed(lines[0], kind="purchase_order"), needs_order_quantities=True) == []
    ((rule, text),) = broken(changed(*lines, kind="purchase_order"), needs_order_quantities=True)
    assert rule == "order quantities"
    assert text == (
        "The ERP takes no line of a purchase order without a quantity and a unit cost; "
        "SC-014 has none in line 2, line 3."
    )


def test_a_title_that_is_cut_says_what_is_left() -> None:
    limits = LimitsProfile(title_characters=8, truncates_title=True)
    assert broken_limits(CONCRETE_1, limits, "The ERP") == (
        BrokenLimit(
            "title",
            "The ERP takes 8 characters in the title; that of SC-014 (Concrete works) would become Concrete.",
            "shorten the title",
            is_cut=True,
        ),
    )


def test_lines_beyond_three_are_counted_and_long_values_shortened() -> None:
    lines = [line(position, unit="x" * 100) for position in range(1, 8)]
    ((_, text),) = broken(changed(*lines), unit_characters=6)
    unit = f"{'x' * 59}…"
    assert text.endswith(f"SC-014 has more in line 1 ({unit}), line 2 ({unit}), line 3 ({unit}) and 4 more.")


def test_without_a_known_limit_everything_is_taken() -> None:
    odd = changed(line(unit="x" * 255, quantity="9" * 15 + ".123456"), title="x" * 500, number="/" * 255)
    assert broken_limits(odd, WITHOUT_LIMITS, "The ERP") == ()
    assert {rule.taken(WITHOUT_LIMITS) for rule in RULES} == {""}


def test_every_rule_has_a_name_of_its_own() -> None:
    names = [rule.name for rule in RULES]
    assert sorted(set(names)) == sorted(names)
