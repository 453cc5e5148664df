"""Each promise of docs/desk-promises.md has a test that has its number, and each number is that of a promise."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROMISES = re.findall(r"^\| A(\d+) \|", (ROOT / "docs/desk-promises.md").read_text(), re.MULTILINE)


def numbers_in_tests() -> set[str]:
    """The numbers in the names of all tests: two in `test_a4_a13_...`."""
    sources = (path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    names = (name for source in sources for name in re.findall(r"def test_((?:a\d+_)+)", source))
    return {number for name in names for number in re.findall(r"a(\d+)_", name)}


def test_the_promises_are_numbered_without_a_gap() -> None:
    assert list(map(int, PROMISES)) == list(range(1, 29))


def test_every_promise_has_a_test() -> None:
    assert numbers_in_tests() == set(PROMISES)
