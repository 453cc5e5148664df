"""Every service's migrations create what its code expects: on an empty database, repeated, and concurrently."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from pydantic import SecretStr
from sqlalchemy import Column, Connection, Index, Integer, MetaData, Table, Text, text
from sqlalchemy.schema import CreateSchema

from services.approval.storage.migrations import MIGRATIONS as APPROVAL
from services.digest.storage.migrations import MIGRATIONS as DIGEST
from services.exporter.storage.migrations import MIGRATIONS as EXPORTER
from services.notifier.storage.migrations import MIGRATIONS as NOTIFIER
from services.pipeline.database import Database
from services.pipeline.migrations import Migrations, migrate

HISTORIES = [APPROVAL, EXPORTER, NOTIFIER, DIGEST]


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = Database(SecretStr(database_url), application_name="tests")
    yield opened
    await opened.close()


def differences(connection: Connection, metadata: MetaData) -> list[Any]:
    """Return what Alembic would change in the database to match `metadata`."""
    schema = metadata.schema

    def is_ours(name: str | None, kind: str, _: object) -> bool:
        return name == schema if kind == "schema" else True

    options = {
        "include_schemas": True,
        "include_name": is_ours,
        "version_table_schema": schema,
        "compare_type": True,
    }
    found: list[Any] = compare_metadata(MigrationContext.configure(connection, opts=options), metadata)
    return found


async def tables(database: Database) -> list[tuple[Any, ...]]:
    """Return a description of every table, column and index of our services."""
    described = text(
        "select table_schema, table_name, column_name, data_type, is_nullable from information_schema.columns "
        "where table_schema = any(:schemas) union all "
        "select schemaname, tablename, indexname, indexdef, '' from pg_indexes where schemaname = any(:schemas) "
        "order by 1, 2, 3"
    )
    async with database.begin() as db:
        rows = await db.execute(described, {"schemas": [history.schema for history in HISTORIES]})
        return [tuple(row) for row in rows]


async def test_on_an_empty_database_they_create_what_the_code_expects(database: Database, database_url: str) -> None:
    for history in HISTORIES:
        await migrate(SecretStr(database_url), history)
    async with database.begin() as db:
        for history in HISTORIES:
            assert await db.run_sync(differences, history.metadata) == [], history.schema


async def test_a_missing_migration_is_detected(database: Database, database_url: str) -> None:
    await migrate(SecretStr(database_url), NOTIFIER)
    wanted = MetaData(schema="notifier")
    for table in NOTIFIER.metadata.sorted_tables:
        table.to_metadata(wanted)
    mail = wanted.tables["notifier.mail"]
    mail.append_column(Column("mood", Text))
    Index("mail_by_mood", mail.c.mood)
    Table("forgotten", wanted, Column("id", Integer, primary_key=True))
    async with database.begin() as db:
        found = await db.run_sync(differences, wanted)
    assert sorted(each[0] for each in found) == ["add_column", "add_index", "add_table"]


async def test_running_them_again_changes_nothing(database: Database, database_url: str) -> None:
    for history in HISTORIES:
        await migrate(SecretStr(database_url), history)
    before = await tables(database)
    async with database.begin() as db:
        await db.execute(text("insert into approval.lease (name, holder, expires_at) values ('relay', 'x', now())"))
    for history in HISTORIES:
        await migrate(SecretStr(database_url), history)
    assert await tables(database) == before
    async with database.begin() as db:
        assert (await db.execute(text("select count(*) from approval.lease"))).scalar_one() == 1


async def test_they_can_run_concurrently(database: Database, database_url: str) -> None:
    await asyncio.gather(*(migrate(SecretStr(database_url), history) for history in [*HISTORIES, *HISTORIES]))
    async with database.begin() as db:
        for history in HISTORIES:
            assert await db.run_sync(differences, history.metadata) == [], history.schema


async def test_each_service_changes_only_its_own_schema(database: Database, database_url: str) -> None:
    async def schemas_after(history: Migrations) -> set[str]:
        await migrate(SecretStr(database_url), history)
        return {str(row[0]) for row in await tables(database)}

    seen: set[str] = set()
    for history in HISTORIES:
        assert await schemas_after(history) - seen == {history.schema}
        seen.add(history.schema)


async def test_a_migration_that_fails_leaves_nothing_behind(database: Database, database_url: str) -> None:
    async with database.begin() as db:
        await db.execute(text("create schema digest"))
        await db.execute(text("create table digest.dead_letter (id int)"))
    with pytest.raises(Exception, match="already exists"):
        await migrate(SecretStr(database_url), DIGEST)
    assert {row[1] for row in await tables(database)} == {"dead_letter"}


async def test_looks_that_an_earlier_exporter_has_planned_are_kept(database: Database, database_url: str) -> None:
    def up_to_0014(connection: Connection) -> None:
        connection.execute(CreateSchema(EXPORTER.schema))
        command.upgrade(EXPORTER.config(connection), "0014")

    planned = text("select commitment_id, connection, looks, told from exporter.look")
    async with database.begin() as db:
        await db.run_sync(up_to_0014)
        await db.execute(text("insert into exporter.commitment (id) values ('c-1')"))
        await db.execute(
            text(
                "insert into exporter.recheck (commitment_id, company_id, connection, due_at, looks, told) "
                "values ('c-1', 'co-1', 'main', now(), 3, '[\"d-2\"]')"
            )
        )
    await migrate(SecretStr(database_url), EXPORTER)
    async with database.begin() as db:
        assert (await db.execute(planned)).all() == [("c-1", "main", 3, ["d-2"])]
