"""The page of the `quickbooks_desktop` connector names every setting and every failure that the connector has."""

import re
from pathlib import Path

from services.exporter.connections_file import read_settings
from services.exporter.connectors.protocol import ConnectionSettings
from services.exporter.connectors.quickbooks.failures import Failures
from services.exporter.connectors.quickbooks.settings import QuickBooksDesktopSettings

PAGE = (Path(__file__).parents[2] / "docs" / "connectors" / "quickbooks_desktop.md").read_text(encoding="utf-8")
STATED_DEFAULTS = {
    "qbxml_version",
    "sends_units",
    "sends_job",
    "refers_by_name",
    "allows_duplicate_numbers",
    "poll_minutes",
    "lists_hours",
    "timeout_seconds",
}


def unnamed_members(page: str) -> list[str]:
    """Settings that only this connector has and that `page` does not name."""
    names = QuickBooksDesktopSettings.model_fields.keys() - ConnectionSettings.model_fields.keys()
    return sorted(name for name in names if not re.search(rf"\b{name}\b", page))


def unnamed_failures(page: str) -> list[str]:
    """Codes of the table of failures that `page` does not name; a family of codes is named with two dots."""
    codes = {entry.code.replace("*", "..") for entry in Failures().table.entries}
    return sorted(code for code in codes if code not in page)


def test_the_page_names_every_setting_and_failure() -> None:
    assert (unnamed_members(PAGE), unnamed_failures(PAGE)) == ([], [])


def test_a_setting_and_a_failure_that_the_page_lacks_are_found() -> None:
    page = PAGE.replace("default_item", "").replace("job_unlinked", "").replace("3171", "")

    assert (unnamed_members(page), unnamed_failures(page)) == (["default_item"], ["3171", "job_unlinked"])


def test_the_connection_on_the_page_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "connections.toml"
    path.write_text(PAGE.partition("```toml\n")[2].partition("```")[0])

    [settings] = read_settings(path)

    defaults = {name: QuickBooksDesktopSettings.model_fields[name].default for name in STATED_DEFAULTS}
    assert settings.model_dump(include=STATED_DEFAULTS) == defaults
