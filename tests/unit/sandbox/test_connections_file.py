"""Tests of the file for ERP_CONNECTIONS that the sandbox writes."""

from pathlib import Path

import pytest

from sandbox.configuration import write_connections
from schemas.examples.cast import COMPANY
from services.exporter.connections import load_connections

SMALL = {"name": "small-erp", "kind": "http", "title": "Small ERP", "url": "http://127.0.0.1:1", "token_env": "T"}
TRYTON = SMALL | {
    "name": "tryton",
    "kind": "tryton",
    "database": "tryton",
    "user": "u",
    "units": {"m3": "m³", "sq ft": "ft²"},
}


@pytest.mark.parametrize("erp", [SMALL, TRYTON])
def test_the_file_is_read_as_it_was_meant(tmp_path: Path, erp: dict[str, str | dict[str, str]]) -> None:
    path = write_connections(tmp_path, erp, {"timeout_seconds": 7.5})

    connections = load_connections(path, {"T": "secret"})

    (connection,) = connections.by_name.values()
    assert (connection.name, connection.settings.companies) == (erp["name"], (COMPANY,))
    assert connection.settings.timeout_seconds == 7.5
    assert connection.settings.model_dump().get("units") == erp.get("units")
