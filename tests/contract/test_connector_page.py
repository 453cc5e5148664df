"""The page about writing a connector shows the example connector as it is, file by file."""

import re
from pathlib import Path

from services.exporter.connector_tests import suite

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "tests" / "integration" / "exporter" / "example_connector"
PAGE = (ROOT / "docs" / "connectors" / "writing-a-connector.md").read_text()


def shown_files(page: str) -> dict[str, str]:
    """Return the content of each file that the page shows, by name."""
    blocks = re.findall(r"^`([\w./-]+)`\n\n```\w+\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    return dict(blocks)


def example_files() -> dict[str, str]:
    """Return the content of each file of the example, by name."""
    paths = [path for path in EXAMPLE.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return {str(path.relative_to(EXAMPLE)): path.read_text() for path in paths}


def test_the_page_shows_the_whole_example() -> None:
    assert shown_files(PAGE) == example_files()


def test_a_line_that_differs_is_found() -> None:
    changed = PAGE.replace("NOT_SENT = (httpx2.ConnectError,", "NOT_SENT = (httpx2.HTTPError,")
    assert shown_files(changed) != example_files()


def test_the_page_names_every_class_of_tests() -> None:
    named = set(re.findall(r"`([A-Z]\w+Tests)`", PAGE))
    classes = {each for each in vars(suite) if each.endswith("Tests")}
    assert named == classes | {"ReadTests", "CheckTests"}
