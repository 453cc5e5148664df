from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection

from services.digest.storage.tables import METADATA
from tests.integration.digest.conftest import Bench


def differences(connection: Connection) -> list[object]:
    def is_ours(name: str | None, kind: str, _: object) -> bool:
        return kind != "schema" or name == METADATA.schema

    options = {"include_schemas": True, "include_name": is_ours, "version_table_schema": METADATA.schema}
    return compare_metadata(MigrationContext.configure(connection, opts=options), METADATA)


async def test_the_migrations_make_the_tables_that_the_code_wants(bench: Bench) -> None:
    async with bench.database.begin() as db:
        assert await db.run_sync(differences) == []
