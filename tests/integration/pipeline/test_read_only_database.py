"""A database that answers but takes no changes is away, and connections to it are given up for one that takes them."""

from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr
from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError

from services.pipeline.database import Database, is_unavailable

pytestmark = pytest.mark.usefixtures("database_url")


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = Database(SecretStr(database_url), application_name="tests", pool_size=3)
    async with opened.begin() as db:
        await db.execute(text("create table note (words text)"))
    yield opened
    await opened.close()


async def set_read_only(database: Database, database_url: str, value: str) -> None:
    """Let all later connections be read-only or not, as those to another server are after a fail-over."""
    name = make_url(database_url).database
    async with database.autocommit() as db:
        await db.execute(text("set default_transaction_read_only = off"))
        await db.execute(text(f'alter database "{name}" set default_transaction_read_only = {value}'))
    await database.engine.dispose()


async def note(database: Database) -> None:
    async with database.begin() as db:
        await db.execute(text("insert into note values ('taken')"))


async def test_a_database_that_takes_no_changes_is_not_reachable(database: Database, database_url: str) -> None:
    assert await database.is_reachable()
    await set_read_only(database, database_url, "on")
    assert not await database.is_reachable()


async def test_a_refused_change_may_succeed_later_and_does_so_without_a_restart(
    database: Database, database_url: str
) -> None:
    other = Database(SecretStr(database_url), application_name="tests", pool_size=1)
    await set_read_only(database, database_url, "on")
    with pytest.raises(DBAPIError) as refused:
        await note(database)
    assert is_unavailable(refused.value)
    for _ in range(3):  # all that the pool holds
        with pytest.raises(DBAPIError):
            await note(database)
    await set_read_only(other, database_url, "off")
    await other.close()

    await note(database)
    assert await database.is_reachable()
