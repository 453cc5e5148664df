"""The page of the `tryton` connector names every setting and every failure that the connector has."""

import re
from pathlib import Path

from services.exporter.connections import load_connections
from services.exporter.connectors.tls import TlsSettings
from services.exporter.connectors.tryton_answer import FAILURES
from services.exporter.connectors.tryton_settings import TrytonSettings

PAGE = (Path(__file__).parents[2] / "docs" / "connectors" / "tryton.md").read_text()

STATED_DEFAULTS = {"has_products", "rounding_tolerance", "timeout_seconds"}


def unnamed_members(page: str) -> list[str]:
    """Settings that only this connector has and that `page` does not name."""
    fields = TrytonSettings.model_fields
    names = {fields[name].alias or name for name in fields.keys() - TlsSettings.model_fields.keys()}
    return sorted(name for name in names if not re.search(rf"\b{name}\b", page))


def unnamed_failures(page: str) -> list[str]:
    """Codes of the table of failures that `page` does not name; a family of codes is named by how it begins."""
    codes = {entry.code.rstrip("*") for entry in FAILURES.entries if not entry.code.startswith("http_")}
    return sorted(code for code in codes if code not in page)


def test_the_page_names_every_setting_and_failure() -> None:
    assert (unnamed_members(PAGE), unnamed_failures(PAGE)) == ([], [])


def test_a_setting_and_a_failure_that_the_page_lacks_are_found() -> None:
    page = PAGE.replace("default_product", "").replace("party_missing", "")

    assert (unnamed_members(page), unnamed_failures(page)) == (["default_product"], ["party_missing"])


def test_the_connection_on_the_page_can_be_loaded(tmp_path: Path) -> None:
    path = tmp_path / "connections.toml"
    path.write_text(PAGE.partition("```toml\n")[2].partition("```")[0])

    (connection,) = load_connections(path, {"TRYTON_PASSWORD": "secret"}).by_name.values()

    defaults = {name: TrytonSettings.model_fields[name].default for name in STATED_DEFAULTS}
    assert connection.settings.model_dump(include=STATED_DEFAULTS) == defaults
    assert connection.settings.settle_seconds == 2 * connection.settings.timeout_seconds
