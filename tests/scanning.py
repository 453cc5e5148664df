"""Counts what PostgreSQL reads: a question that an idle service asks must not cost more on a large table."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import cast

from sqlalchemy import AsyncAdaptedQueuePool, text

from services.pipeline.database import Database

_READ = text(
    "select coalesce(sum(seq_scan), 0), coalesce(sum(seq_tup_read), 0), (select coalesce(sum(idx_tup_read), 0) "
    "from pg_stat_user_indexes where schemaname = :schema and relname = any(:tables)) "
    "from pg_stat_user_tables where schemaname = :schema and relname = any(:tables)"
)


@dataclass
class Reading:
    """What was read while a block ran."""

    scans: int = 0
    scanned_rows: int = 0
    index_entries: int = 0


@asynccontextmanager
async def reading(database: Database, schema: str, *tables: str) -> AsyncIterator[Reading]:
    """Measure the reading of `tables` by the connections of `database` while the block runs."""
    read = Reading()
    await _report(database)
    before = await _totals(database, schema, tables)
    yield read
    await _report(database)
    after = await _totals(database, schema, tables)
    read.scans, read.scanned_rows, read.index_entries = (now - then for now, then in zip(after, before, strict=True))


async def _totals(database: Database, schema: str, tables: tuple[str, ...]) -> list[int]:
    async with database.autocommit() as db:
        row = (await db.execute(_READ, {"schema": schema, "tables": list(tables)})).one()
    return [int(count) for count in row]


async def _report(database: Database) -> None:
    """Make every idle connection report what it has read so far."""
    pool = cast("AsyncAdaptedQueuePool", database.engine.pool)
    async with AsyncExitStack() as stack:
        for _ in range(max(pool.checkedin(), 1)):
            db = await stack.enter_async_context(database.autocommit())
            await db.execute(text("select pg_stat_force_next_flush()"))
