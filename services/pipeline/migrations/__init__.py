"""Migrates a service's schema to its latest version; each service has its own migrations in its own schema."""

from dataclasses import dataclass
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from pydantic import SecretStr
from sqlalchemy import Connection, MetaData, func, inspect, select, text
from sqlalchemy.schema import CreateSchema

from services.pipeline.database import LOCK_TIMEOUT_SECONDS, Database

_SHARED = Path(__file__).parent
_KEEP_VERSIONS = """
    do $$ declare other text; begin
      for other in select distinct grantee from information_schema.role_table_grants
        where table_schema = '{schema}' and table_name = 'alembic_version' and grantee not in (current_user, 'PUBLIC')
      loop execute format('revoke insert, update, delete on {schema}.alembic_version from %I', other); end loop;
      revoke insert, update, delete on {schema}.alembic_version from public;
    end $$
"""
"""Takes from running roles what default privileges give them: only migrations say which versions are applied."""


@dataclass(frozen=True, slots=True)
class Migrations:
    """A service's migrations: the tables that its code expects, and the folder with the versions."""

    metadata: MetaData
    versions: Path

    @property
    def schema(self) -> str:
        """The PostgreSQL schema that the service owns."""
        if self.metadata.schema is None:
            raise ValueError("a service's metadata names its schema")
        return self.metadata.schema

    def config(self, connection: Connection) -> Config:
        """Return Alembic's configuration for these migrations on an open connection."""
        config = Config()
        config.set_main_option("script_location", str(_SHARED))
        config.set_main_option("version_locations", str(self.versions))
        config.set_main_option("path_separator", "os")
        config.attributes.update(connection=connection, metadata=self.metadata, schema=self.schema)
        return config


def upgrade(connection: Connection, migrations: Migrations) -> bool:
    """Apply the missing versions in the transaction of `connection`; return whether there were any.

    Concurrent callers wait for each other.
    """
    connection.execute(text("set local lock_timeout = 0"))
    connection.execute(select(func.pg_advisory_xact_lock(func.hashtext(text("'countersign.migrate'")))))
    # a table's lock must not be waited for long, because everybody else then waits behind the migration
    connection.execute(text(f"set local lock_timeout = '{LOCK_TIMEOUT_SECONDS}s'"))
    if not inspect(connection).has_schema(migrations.schema):  # `if not exists` needs the right to create one anyway
        connection.execute(CreateSchema(migrations.schema))
    versions = MigrationContext.configure(connection, opts={"version_table_schema": migrations.schema})
    before = versions.get_current_heads()
    command.upgrade(migrations.config(connection), "head")
    connection.execute(text(_KEEP_VERSIONS.format(schema=migrations.schema)))
    return versions.get_current_heads() != before


@dataclass(frozen=True, slots=True)
class Standing:
    """Which version a schema has, and which this program expects; `missing` counts the versions between them.

    `current` is None for a schema that was never migrated, `missing` for one whose version this program does not know.
    """

    current: str | None
    expected: str
    missing: int | None


def standing(connection: Connection, migrations: Migrations) -> Standing:
    """Return where the schema stands; nothing is changed."""
    scripts = ScriptDirectory.from_config(migrations.config(connection))
    context = MigrationContext.configure(connection, opts={"version_table_schema": migrations.schema})
    current, known = context.get_current_revision(), [each.revision for each in scripts.walk_revisions()]
    missing = len(known) if current is None else known.index(current) if current in known else None
    return Standing(current, known[0], missing)


async def migrate(url: SecretStr, migrations: Migrations) -> bool:
    """Migrate the database at `url` to the latest of `migrations`, in one transaction; return whether it changed."""
    database = Database(url, application_name="countersign.migrate", pool_size=1, statement_timeout_seconds=None)
    try:
        async with database.begin() as db:
            return await db.run_sync(upgrade, migrations)
    finally:
        await database.close()
