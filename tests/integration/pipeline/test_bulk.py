"""Many rows in one statement, also with values that are difficult to send."""

import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Identity,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    Table,
    Text,
    Uuid,
    select,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import CreateSchema

from services.pipeline.bulk import insert_many
from services.pipeline.database import Database
from services.pipeline.writes import Writes

METADATA = MetaData(schema="bulk")
THING = Table(
    "thing",
    METADATA,
    Column("id", BigInteger, Identity(always=True, cache=1), primary_key=True),
    Column("text", Text),
    Column("content", LargeBinary),
    Column("number", Integer),
    Column("amount", Numeric),
    Column("at", DateTime(timezone=True)),
    Column("name", Uuid),
    Column("is_so", Boolean),
)
NOW = datetime(2026, 11, 22, 15, 15, 0, 123456, tzinfo=UTC)
NOTHING: dict[str, Any] = dict.fromkeys(("text", "content", "number", "amount", "at", "name", "is_so"))


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = Database(SecretStr(database_url), application_name="tests")
    async with opened.begin() as db:
        await db.execute(CreateSchema("bulk"))
        await db.run_sync(METADATA.create_all)
    yield opened
    await opened.close()


async def stored(database: Database, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Insert `rows` and return them as PostgreSQL stores them, in the order of their ids."""
    async with database.begin() as db:
        await insert_many(db, THING, rows)
        columns = [THING.c[name] for name in rows[0]]
        return [dict(row) for row in (await db.execute(select(*columns).order_by(THING.c.id))).mappings()]


async def test_every_kind_of_value_is_stored_unchanged(database: Database) -> None:
    full = {
        "text": "{\"a\\', NULL} \u20ac \U0001f3d7\n\t",
        "content": b"\x00\xff{}\\,\"'",
        "number": -(2**31),
        "amount": Decimal("480250.000001"),
        "at": NOW,
        "name": uuid.UUID(int=7),
        "is_so": False,
    }
    words = {**NOTHING, "text": "NULL", "content": b"", "amount": Decimal(0), "is_so": True}
    rows = [full, NOTHING, words, {**NOTHING, "text": ""}]
    assert await stored(database, rows) == rows


async def test_a_column_of_nothing_but_nulls_keeps_its_type(database: Database) -> None:
    assert await stored(database, [NOTHING, NOTHING]) == [NOTHING, NOTHING]


async def test_rows_are_numbered_in_their_order(database: Database) -> None:
    rows = [{"number": number} for number in range(2000, 0, -1)]
    assert await stored(database, rows) == rows


async def test_rows_are_updated_by_their_key(database: Database) -> None:
    await stored(database, [{"number": number, "text": "old"} for number in range(3)])
    async with database.begin() as db:
        writes = Writes()
        writes.update(THING, [{"number": 2, "text": None}, {"number": 0, "text": "new"}], "number")
        await writes.execute(db)
        rows = await db.execute(select(THING.c.text).order_by(THING.c.number))
        assert list(rows.scalars()) == ["new", "old", None]


async def test_an_error_never_shows_the_values(database: Database) -> None:
    async with database.begin() as db:
        with pytest.raises(DBAPIError) as raised:
            await insert_many(db, THING, [{"number": 2**40, "text": "sam@builder.example"}])
    assert "sam@builder.example" not in str(raised.value)
