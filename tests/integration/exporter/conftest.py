"""An exporter for each test that needs one."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.exporter.exporter_process import ExporterProcess, running_exporter


@pytest.fixture
async def exporter(database_url: str, tmp_path: Path) -> AsyncIterator[ExporterProcess]:
    """An exporter with one connection, `main`, for the company co-1."""
    async with running_exporter(database_url, tmp_path) as running:
        yield running
