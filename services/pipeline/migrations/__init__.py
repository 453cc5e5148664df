"""Migrates a service's schema to its latest version; each service has its own migrations in its own schema."""

from dataclasses import dataclass
from pathlib import Path

import structlog
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from pydantic import SecretStr
from sqlalchemy import Connection, MetaData, func, inspect, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import CreateSchema

from services.pipeline.database import LOCK_TIMEOUT_SECONDS, Database, is_data_error

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
_NOT_VALIDATED = text(
    """
    select pg_class.relname, pg_constraint.conname from pg_constraint
    join pg_class on pg_class.oid = pg_constraint.conrelid
    join pg_namespace on pg_namespace.oid = pg_class.relnamespace
    where pg_namespace.nspname = :schema and pg_constraint.contype = 'c' and not pg_constraint.convalidated
    order by 1, 2
    """
)

log = structlog.get_logger()


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
    _wait_for_others(connection)
    # a table's lock must not be waited for long, because everybody else then waits behind the migration
    connection.execute(text(f"set local lock_timeout = '{LOCK_TIMEOUT_SECONDS}s'"))
    if not inspect(connection).has_schema(migrations.schema):  # `if not exists` needs the right to create one anyway
        connection.execute(CreateSchema(migrations.schema))
    versions = MigrationContext.configure(connection, opts={"version_table_schema": migrations.schema})
    before = versions.get_current_heads()
    command.upgrade(migrations.config(connection), "head")
    connection.execute(text(_KEEP_VERSIONS.format(schema=migrations.schema)))
    return versions.get_current_heads() != before


def validate(connection: Connection, migrations: Migrations) -> None:
    """Have the database look at the rows that are older than a check, which holds up nobody who reads or writes.

    A check that a row breaks stays as it is: for new and changed rows only. The log names it.
    """
    _wait_for_others(connection)
    for table, name in broken_checks(connection, migrations):
        try:
            with connection.begin_nested():
                connection.execute(text(f'alter table {migrations.schema}."{table}" validate constraint "{name}"'))
        except DBAPIError as error:
            if not is_data_error(error):
                raise
            log.warning("migrations.rows_break_check", table=f"{migrations.schema}.{table}", check=name)


def broken_checks(connection: Connection, migrations: Migrations) -> list[tuple[str, str]]:
    """Return (table, check) of each check that an older row breaks, or that nobody has looked through yet."""
    rows = connection.execute(_NOT_VALIDATED, {"schema": migrations.schema})
    return [(row[0], row[1]) for row in rows]


def _wait_for_others(connection: Connection) -> None:
    connection.execute(text("set local lock_timeout = 0"))
    connection.execute(select(func.pg_advisory_xact_lock(func.hashtext(text("'countersign.migrate'")))))


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
    """Migrate the database at `url` to the latest of `migrations`, in one transaction; return whether it changed.

    Checks that it has added are looked through afterwards, when none of its locks is held any more.
    """
    database = Database(url, application_name="countersign.migrate", pool_size=1, statement_timeout_seconds=None)
    try:
        async with database.begin() as db:
            has_changed = await db.run_sync(upgrade, migrations)
        async with database.begin() as db:
            await db.run_sync(validate, migrations)
        return has_changed
    finally:
        await database.close()
