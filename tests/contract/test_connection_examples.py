"""The connection that a connector's page shows as an example can be used as it stands."""

import re
from pathlib import Path

import pytest

from services.exporter.connections import Connection, load_connections
from services.exporter.connectors.protocol import ChecksItself, ReadsDocuments

PAGES = Path(__file__).parents[2] / "docs" / "connectors"


def loaded(kind: str, folder: Path) -> Connection:
    """The connection in the example of this connector's page, with some secret."""
    page = (PAGES / f"{kind}.md").read_text()
    text, *_ = re.findall(r"^```toml\n(\[\[connection\]\].*?)^```", page, re.DOTALL | re.MULTILINE)
    (folder / "connections.toml").write_text(text, encoding="utf-8")
    secrets = dict.fromkeys(re.findall(r'^token_env = "(\w+)"', text, re.MULTILINE), "s3cret")
    (connection,) = load_connections(folder / "connections.toml", secrets).by_name.values()
    return connection


@pytest.mark.parametrize("kind", ["http", "lambda_erp"])
async def test_the_example_of_a_connectors_page_is_loaded(tmp_path: Path, kind: str) -> None:
    connection = loaded(kind, tmp_path)
    assert connection.settings.kind == kind
    await connection.connector.close()


async def test_lambda_erp_can_be_read_and_checked(tmp_path: Path) -> None:
    connector = loaded("lambda_erp", tmp_path).connector
    assert isinstance(connector, ReadsDocuments)
    assert isinstance(connector, ChecksItself)
    await connector.close()
