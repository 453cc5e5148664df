"""An exporter whose connection `main` is polled."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.exporter.connections import Connection, Connections
from services.exporter.connectors.pull import PullSettings
from tests.integration.exporter.exporter_process import ExporterProcess, running_exporter
from tests.integration.exporter.polling.ledger import LedgerConnector


@pytest.fixture
async def polled(database_url: str, tmp_path: Path) -> AsyncIterator[ExporterProcess]:
    """An exporter with one connection, `main`, for the company co-1, to a ledger that is polled."""
    async with running_exporter(database_url, tmp_path) as exporter:
        settings = PullSettings(name="main", kind="ledger", title="Ledger", companies=("co-1",), user="ledger")
        connections = Connections({"main": Connection(settings, LedgerConnector())})
        yield ExporterProcess(exporter.database, connections, exporter.erp, exporter.clock)
