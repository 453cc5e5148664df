"""docs/operations.md has every check of the check-up, and no other."""

import re
from pathlib import Path

import pytest

from services.doctor.checks import CHECKS

PAGE = (Path(__file__).parents[2] / "docs/operations.md").read_text()
HEADING = "\n## A check-up\n"


def wrong_checks(page: str) -> list[str]:
    """Checks that the page lacks or invents."""
    table = page.partition(HEADING)[2].partition("\n## ")[0]
    first = " ".join(re.findall(r"^\| (`[^|]*) \|", table, re.MULTILINE))
    return sorted(set(re.findall("`([^`]+)`", first)) ^ {each.name for each in CHECKS})


def test_the_page_has_every_check() -> None:
    assert wrong_checks(PAGE) == []


@pytest.mark.parametrize(
    ("before", "after", "finding"),
    [
        ("| `open work` |", "| |", ["open work"]),
        ("| `open work` |", "| `open works` |", ["open work", "open works"]),
        (", `mail server` |", " |", ["mail server"]),
    ],
)
def test_a_check_that_differs_is_detected(before: str, after: str, finding: list[str]) -> None:
    assert before in PAGE
    assert wrong_checks(PAGE.replace(before, after)) == finding
