"""A desk or a consumer for each test, on a database of its own."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator

import pytest
from pydantic import SecretStr

from sandbox.servers.postgres import create_database, drop_database
from services.approval.storage.migrations import MIGRATIONS
from services.pipeline.migrations import migrate
from tests.integration.approval.consumer import ApprovalConsumer, consumer_on
from tests.integration.approval.desk import DeskUnderTest, running_desk, settings


@pytest.fixture(scope="session")
def migrated(postgres: str) -> Iterator[str]:
    """The name of a migrated database to copy, which is much faster than a migration for each test."""
    name = f"approval_{uuid.uuid4().hex[:12]}"
    asyncio.run(migrate(SecretStr(create_database(postgres, name)), MIGRATIONS))
    yield name
    drop_database(postgres, name)


@pytest.fixture
def database_url(postgres: str, migrated: str, unique_suffix: str) -> Iterator[str]:
    """The URL of a database for this test, with approval's tables and no rows."""
    name = f"test_{unique_suffix}"
    yield create_database(postgres, name, template=migrated)
    drop_database(postgres, name)


@pytest.fixture
async def desk(database_url: str) -> AsyncIterator[DeskUnderTest]:
    async with running_desk(settings(database_url)) as running:
        yield running


@pytest.fixture
async def consumer(database_url: str) -> AsyncIterator[ApprovalConsumer]:
    async with consumer_on(database_url) as running:
        yield running
