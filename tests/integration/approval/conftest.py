"""A desk or a consumer for each test, on a database of its own."""

from collections.abc import AsyncIterator, Callable

import pytest

from services.approval.storage.migrations import MIGRATIONS
from services.pipeline.migrations import Migrations
from tests.integration.approval.consumer import ApprovalConsumer, consumer_on
from tests.integration.approval.desk import DeskUnderTest, running_desk, settings


@pytest.fixture
def template(migrated: Callable[[Migrations], str]) -> str:
    """A database with approval's tables and no rows."""
    return migrated(MIGRATIONS)


@pytest.fixture
async def desk(database_url: str) -> AsyncIterator[DeskUnderTest]:
    async with running_desk(settings(database_url)) as running:
        yield running


@pytest.fixture
async def consumer(database_url: str) -> AsyncIterator[ApprovalConsumer]:
    async with consumer_on(database_url) as running:
        yield running
