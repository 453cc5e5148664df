"""The writes of a transaction, executed in one round trip."""

from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr
from sqlalchemy import BigInteger, Column, Integer, MetaData, Table, Text, select
from sqlalchemy.schema import CreateSchema

from services.pipeline.bulk import insert_unless_known
from services.pipeline.database import Database
from services.pipeline.errors import RowAppearedError
from services.pipeline.writes import Write, Writes

METADATA = MetaData(schema="writing")
THING, OTHER = (
    Table(name, METADATA, Column("id", BigInteger, primary_key=True), Column("text", Text), Column("number", Integer))
    for name in ("thing", "other")
)
STRICT = Write("strict", insert_unless_known(THING, ("id", "text"), "strict"))


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = Database(SecretStr(database_url), application_name="tests")
    async with opened.begin() as db:
        await db.execute(CreateSchema("writing"))
        await db.run_sync(METADATA.create_all)
    yield opened
    await opened.close()


async def stored(database: Database, table: Table) -> list[tuple[object, ...]]:
    async with database.begin() as db:
        return [tuple(row) for row in await db.execute(select(table).order_by(table.c.id))]


async def test_inserts_and_updates_of_several_tables_are_executed_together(database: Database) -> None:
    for number in (1, 2):  # the second time, all keys exist
        writes = Writes()
        writes.update(THING, [{"id": 1, "text": "changed", "number": None}])
        writes.insert(THING, [{"id": 1, "text": "a", "number": number}, {"id": 2, "text": None, "number": number}])
        writes.insert(OTHER, [{"id": 1, "text": "o", "number": number}])
        writes.insert(OTHER, [])
        async with database.begin() as db:
            await writes.execute(db)
            await writes.execute(db)  # nothing was added since
    assert await stored(database, THING) == [(1, "changed", None), (2, None, 1)]
    assert await stored(database, OTHER) == [(1, "o", 1)]


async def test_a_row_that_is_not_written_is_an_error_where_that_was_asked_for(database: Database) -> None:
    async def insert(*ids: int) -> None:
        writes = Writes()
        writes.add(STRICT, [{"id": each, "text": ""} for each in ids], otherwise=RowAppearedError("it is there"))
        async with database.begin() as db:
            await writes.execute(db)

    await insert(1, 2)
    with pytest.raises(RowAppearedError, match="it is there"):
        await insert(3, 2)
    assert [row[0] for row in await stored(database, THING)] == [1, 2]


async def test_the_same_write_twice_writes_the_rows_of_both(database: Database) -> None:
    writes = Writes()
    for number in (1, 2, 2):
        writes.insert(THING, [{"id": number, "text": None, "number": number}])
    async with database.begin() as db:
        await writes.execute(db)
    assert [row[0] for row in await stored(database, THING)] == [1, 2]
