"""docs/sandbox.md names what the books of the demo's Tryton take."""

import re
from pathlib import Path

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
