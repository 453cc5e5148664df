"""A mail catcher, and a database with the notifier's tables."""

from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr
from sqlalchemy.schema import CreateSchema

from sandbox.mailbox import Mailbox, running_mailbox
from services.notifier.storage.tables import METADATA
from services.pipeline.database import Database
from tests.integration.notifier.notifier_process import Notifier


@pytest.fixture
async def mailbox() -> AsyncIterator[Mailbox]:
    async with running_mailbox() as running:
        yield running


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(SecretStr(database_url), application_name="tests")
    async with database.begin() as db:
        await db.execute(CreateSchema("notifier"))
        await db.run_sync(METADATA.create_all)
    yield database
    await database.close()


@pytest.fixture
async def notifier(database: Database, mailbox: Mailbox) -> AsyncIterator[Notifier]:
    notifier = Notifier(database, mailbox)
    yield notifier
    await notifier.gateway.hang_up()
