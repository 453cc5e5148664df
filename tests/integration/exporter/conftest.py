"""An exporter for each test that needs one."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from services.exporter.storage.migrations import MIGRATIONS
from services.pipeline.migrations import Migrations
from tests.integration.exporter.exporter_process import ExporterProcess, running_exporter


@pytest.fixture
def template(migrated: Callable[[Migrations], str]) -> str:
    """A database with the exporter's tables and no rows."""
    return migrated(MIGRATIONS)


@pytest.fixture
async def exporter(database_url: str, tmp_path: Path) -> AsyncIterator[ExporterProcess]:
    """An exporter with one connection, `main`, for the company co-1."""
    async with running_exporter(database_url, tmp_path) as running:
        yield running
