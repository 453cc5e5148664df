"""docs/sandbox.md names what the books of the demo's Tryton take, the demo's approval rules and its examples."""

import re
from decimal import Decimal
from pathlib import Path

from sandbox.approval_rules import LIMIT, LIMITS_OF_LEE, SECOND_APPROVAL_ABOVE
from sandbox.erp.rules import Rules
from sandbox.filling.examples import Course, Example, examples
from sandbox.people import LEE
from sandbox.tryton.books import COST_CODES, DEFAULT_UNIT, UNIT_SYMBOLS

PAGE = (Path(__file__).parents[2] / "docs/sandbox.md").read_text(encoding="utf-8")


def units_by_cost_code(page: str) -> dict[str, list[str]]:
    """The units of each cost code in the page's table, by their symbols in Tryton."""
    rows = re.findall(r"^\| (\d\d-\d{3}[^|]*) \| ([^|]*) \|$", page, re.MULTILINE)
    units = {codes: [UNIT_SYMBOLS.get(unit, unit) for unit in re.findall(r"`(.+?)`", cell)] for codes, cell in rows}
    return {code: symbols for codes, symbols in units.items() for code in codes.split(", ")}


def test_the_page_names_each_cost_code_with_the_unit_in_which_it_is_bought() -> None:
    named = units_by_cost_code(PAGE)

    assert named.keys() == COST_CODES.keys()
    assert [code for code, (_, unit) in COST_CODES.items() if unit not in named[code]] == []


def test_a_line_without_a_unit_is_taken_in_that_of_concrete() -> None:
    assert COST_CODES["03-300"][1] == DEFAULT_UNIT
    assert f"unit is taken as {next(name for name, symbol in UNIT_SYMBOLS.items() if symbol == DEFAULT_UNIT)}" in PAGE


def test_the_page_tells_the_approval_rules_of_the_demo() -> None:
    for row, amounts in (
        ("Dana Ruiz accepts up to", dict.fromkeys(LIMITS_OF_LEE, LIMIT)),
        ("Lee Park accepts up to", LIMITS_OF_LEE),
        ("two have to accept above", dict.fromkeys(LIMITS_OF_LEE, SECOND_APPROVAL_ABOVE)),
    ):
        assert f"| {row} | {' | '.join(f'{amount:,.0f}' for amount in amounts.values())} |" in PAGE


def test_what_can_be_tried_is_among_the_examples_of_every_demo() -> None:
    first, asked, own, in_doubt, too_long = (
        _example(of) for of in ("Second approval", "Limit and", "Separation", "Confirming", "A limit of")
    )

    assert first.is_first_approved
    assert asked.question
    assert Decimal(asked.commitment.total) > LIMITS_OF_LEE[asked.commitment.currency]
    assert own.commitment.creator == LEE
    assert in_doubt.course is Course.NAMED
    assert len(too_long.commitment.number) > Rules().number_characters


def _example(heading: str) -> Example:
    """The example that the item with this heading is about."""
    item = PAGE.partition(f"- **{heading}")[2].partition("\n- **")[0]
    return next(each for each in examples(12, "http://127.0.0.1") if each.commitment.number in item)
