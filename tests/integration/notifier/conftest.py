"""A mail catcher, and a database with the notifier's tables."""

from collections.abc import AsyncIterator, Callable

import pytest
from pydantic import SecretStr

from sandbox.mailbox import Mailbox, running_mailbox
from services.notifier.storage.migrations import MIGRATIONS
from services.pipeline.database import Database
from services.pipeline.migrations import Migrations
from tests.integration.notifier.notifier_process import Notifier


@pytest.fixture
def template(migrated: Callable[[Migrations], str]) -> str:
    """A database with the notifier's tables and no rows."""
    return migrated(MIGRATIONS)


@pytest.fixture
async def mailbox() -> AsyncIterator[Mailbox]:
    async with running_mailbox() as running:
        yield running


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(SecretStr(database_url), application_name="tests")
    yield database
    await database.close()


@pytest.fixture
async def notifier(database: Database, mailbox: Mailbox) -> AsyncIterator[Notifier]:
    notifier = Notifier(database, mailbox)
    yield notifier
    await notifier.gateway.hang_up()
