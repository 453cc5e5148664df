"""A desk of the test's own, on an empty database with the company's people."""

from collections.abc import AsyncIterator

import pytest

from tests.integration.approval.desk import Desk, running_desk, settings


@pytest.fixture
async def desk(database_url: str) -> AsyncIterator[Desk]:
    async with running_desk(settings(database_url)) as running:
        yield running
