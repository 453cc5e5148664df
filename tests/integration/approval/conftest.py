"""A desk of the test's own, on a database with nothing in it but the tables and the company's people."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator

import pytest
from pydantic import SecretStr

from sandbox.servers.postgres import create_database, drop_database
from services.approval.storage.migrations import MIGRATIONS
from services.pipeline.migrations import migrate
from tests.integration.approval.desk import Desk, running_desk, settings


@pytest.fixture(scope="session")
def migrated(postgres: str) -> Iterator[str]:
    """The name of a database with approval's tables, to be copied: much faster than a migration for each test."""
    name = f"approval_{uuid.uuid4().hex[:12]}"
    asyncio.run(migrate(SecretStr(create_database(postgres, name)), MIGRATIONS))
    yield name
    drop_database(postgres, name)


@pytest.fixture
def database_url(postgres: str, migrated: str, unique_suffix: str) -> Iterator[str]:
    """The URL of a database with approval's empty tables that only this test has."""
    name = f"test_{unique_suffix}"
    yield create_database(postgres, name, template=migrated)
    drop_database(postgres, name)


@pytest.fixture
async def desk(database_url: str) -> AsyncIterator[Desk]:
    async with running_desk(settings(database_url)) as running:
        yield running
