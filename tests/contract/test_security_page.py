"""docs/security.md has every requirement of OWASP ASVS 5.0, level 2, once, and names only tests that exist.

Each check is a function that lists problems; a test violates each of them on purpose.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from services.pipeline.formats import enumeration
from tests.contract.settings_classes import CLASSES, fields

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/security.md").read_text()
STATUSES = ("met", "not applicable", "open")
LAST_OF_SECTIONS = {
    1: {1: 2, 2: 9, 3: 11, 4: 3, 5: 2},
    2: {1: 3, 2: 3, 3: 4, 4: 1},
    3: {2: 2, 3: 4, 4: 6, 5: 5, 7: 2},
    4: {1: 3, 2: 1, 3: 2, 4: 4},
    5: {1: 1, 2: 3, 3: 2, 4: 3},
    6: {1: 3, 2: 12, 3: 4, 4: 4, 5: 5, 6: 3, 8: 4},
    7: {1: 3, 2: 4, 3: 2, 4: 5, 5: 2, 6: 2},
    8: {1: 2, 2: 3, 3: 1, 4: 1},
    9: {1: 3, 2: 4},
    10: {1: 2, 2: 2, 3: 4, 4: 11, 5: 5, 6: 2, 7: 3},
    11: {1: 2, 2: 3, 3: 3, 4: 4, 5: 1, 6: 1},
    12: {1: 3, 2: 2, 3: 4},
    13: {1: 1, 2: 5, 3: 2, 4: 5},
    14: {1: 2, 2: 4, 3: 3},
    15: {1: 3, 2: 3, 3: 7},
    16: {1: 1, 2: 5, 3: 4, 4: 3, 5: 3},
    17: {1: 1, 2: 4, 3: 2},
}
"""Of each chapter and section of the standard, the last number of levels 1 and 2; none below it is of level 3."""
REQUIREMENTS = {
    f"{chapter}.{section}.{number}"
    for chapter, sections in LAST_OF_SECTIONS.items()
    for section, last in sections.items()
    for number in range(1, last + 1)
}
ROW = re.compile(r"^\| ([0-9]+\.[0-9]+\.[0-9]+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
TEST = re.compile(r"`(tests/[a-z0-9_/]+\.py)::(test_[a-z0-9_]+)`")
FILE = re.compile(r"`((?:services/|ops/)?[a-z0-9_/-]+\.(?:py|toml|lock))`")
MIN_REASON_CHARACTERS = 7


def rows(page: str) -> Iterator[tuple[str, str, str]]:
    for number, _, status, where in ROW.findall(page):
        yield number, status, where


def wrong_numbers(page: str) -> list[str]:
    """Requirements that the page lacks, repeats or invents."""
    counted = Counter(number for number, _, _ in rows(page))
    repeated = {number for number, count in counted.items() if count > 1}
    return sorted((REQUIREMENTS ^ counted.keys()) | repeated)


def wrong_statuses(page: str) -> list[str]:
    return [f"{number}: {status}" for number, status, _ in rows(page) if status not in STATUSES]


def unproved(page: str) -> list[str]:
    """Rows that are met without a test or guard, or are not without a reason."""
    return [
        number
        for number, status, where in rows(page)
        if (not TEST.search(where) if status == "met" else len(where) < MIN_REASON_CHARACTERS)
    ]


def missing_tests(page: str) -> list[str]:
    """Tests and files that the page names and that do not exist."""
    tests = [f"{path}::{name}" for path, name in TEST.findall(page) if not _has_test(ROOT / path, name)]
    return [*tests, *(path for path in FILE.findall(page) if not (ROOT / path).exists())]


def _has_test(path: Path, name: str) -> bool:
    return path.exists() and re.search(rf"^(?:async )?def {name}\(", path.read_text(), re.MULTILINE) is not None


def wrong_counts(page: str) -> list[str]:
    """What the introduction says of the numbers, where the table says something else."""
    counted = Counter(status for _, status, _ in rows(page))
    numbers = enumeration([f"{counted[status]} are {status}" for status in STATUSES])
    sentence = f"Of the {len(REQUIREMENTS)} requirements of levels 1 and 2, {numbers}."
    return [] if sentence in " ".join(page.split()) else [sentence]


def missing_secrets(page: str) -> list[str]:
    """Secrets of the settings that the inventory lacks."""
    inventory = page.partition("## Secrets and algorithms")[2].partition("\n## ")[0]
    secrets = {
        names for settings in CLASSES for names, field in fields(settings) if "SecretStr" in str(field.annotation)
    }
    return sorted(" or ".join(names) for names in secrets if not any(f"`{name}`" in inventory for name in names))


CHECKS = (wrong_numbers, wrong_statuses, unproved, missing_tests, wrong_counts, missing_secrets)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_page_passes(check: Callable[[str], list[str]]) -> None:
    assert check(PAGE) == []


def test_every_secret_of_the_settings_is_in_the_inventory() -> None:
    assert missing_secrets(PAGE) == []


def test_the_standard_has_253_requirements_up_to_level_2() -> None:
    assert len(REQUIREMENTS) == 253


@pytest.mark.parametrize(
    ("check", "old", "new", "problems"),
    [
        (wrong_numbers, "| 7.4.2 |", "| 7.4.9 |", ["7.4.2", "7.4.9"]),
        (wrong_numbers, "| 7.4.2 |", "| 7.4.1 |", ["7.4.1", "7.4.2"]),
        (wrong_statuses, "| open | The provider decides", "| soon | The provider decides", ["6.3.3: soon"]),
        (unproved, "| not applicable | No Java |", "| not applicable | - |", ["1.3.8"]),
        (
            missing_tests,
            "::test_a_changed_link_is_refused",
            "::test_nothing",
            ["tests/unit/schemas/test_links.py::test_nothing"],
        ),
        (
            missing_tests,
            "`services/pipeline/http.py`",
            "`services/pipeline/web.py`",
            ["services/pipeline/web.py"] * PAGE.count("`services/pipeline/http.py`"),
        ),
        (missing_secrets, "| `LINK_SECRET` |", "| the secret |", ["LINK_SECRET"]),
    ],
)
def test_a_violation_is_found(check: Callable[[str], list[str]], old: str, new: str, problems: list[str]) -> None:
    assert old in PAGE
    assert check(PAGE.replace(old, new)) == problems


def test_a_met_requirement_without_a_test_and_a_wrong_count_are_found() -> None:
    row = next(each for each in PAGE.splitlines() if each.startswith("| 8.2.1 |"))
    assert unproved(PAGE.replace(row, "| 8.2.1 | functions need a right | met | surely |")) == ["8.2.1"]
    assert wrong_counts(PAGE.replace(row, row.replace("| met |", "| open |"))) != []


MADE_OF_TEXT = {
    "services": re.compile(r"\bfrom_string\(|\beval\(|\bexec\(|\bpickle\b|Markup\(|\|\s*safe\b"),
    "script": re.compile(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|postMessage|Storage"),
}


def made_of_text(kind: str, text: str) -> list[str]:
    """Calls by which text of others could become a template, code or markup, or stay in the browser."""
    return MADE_OF_TEXT[kind].findall(text)


def test_nothing_is_made_of_text_that_others_write() -> None:
    services = (*(ROOT / "services").rglob("*.py"), *(ROOT / "services").rglob("*.html"))
    scripts = list((ROOT / "services").rglob("*.js"))
    assert scripts
    assert {str(path) for path in services if made_of_text("services", path.read_text())} == set()
    assert {str(path) for path in scripts if made_of_text("script", path.read_text())} == set()


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("services", "environment.from_string(title)"),
        ("services", "{{ title | safe }}"),
        ("script", "shown.innerHTML = count"),
        ("script", "sessionStorage.setItem('q', q)"),
    ],
)
def test_what_makes_something_of_text_is_found(kind: str, text: str) -> None:
    assert len(made_of_text(kind, text)) == 1
