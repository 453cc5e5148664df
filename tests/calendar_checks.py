"""The checks by which the database refuses what nobody could read: tests of such rows drop them first."""

from sqlalchemy import text

from services.pipeline.database import Database

_CHECKS = text(
    """
    select pg_class.relname as table_name, pg_constraint.conname as name from pg_constraint
    join pg_class on pg_class.oid = pg_constraint.conrelid
    join pg_namespace on pg_namespace.oid = pg_class.relnamespace
    where pg_namespace.nspname = :schema and pg_constraint.contype = 'c'
        and pg_constraint.conname ~ '_(in_calendar|is_finite|is_possible|is_an_object)$'
    order by 1, 2
    """
)


async def checks(database: Database, schema: str) -> list[tuple[str, str]]:
    """Return (table, name) of each check that keeps the rows of `schema` readable."""
    async with database.begin() as db:
        return [(row.table_name, row.name) for row in await db.execute(_CHECKS, {"schema": schema})]


async def drop_calendar_checks(database: Database, schema: str) -> None:
    """Let the tables of `schema` take any row, as before these checks or with a faulty disk."""
    found = await checks(database, schema)
    async with database.begin() as db:
        for table, name in found:
            await db.execute(text(f'alter table {schema}."{table}" drop constraint "{name}"'))
