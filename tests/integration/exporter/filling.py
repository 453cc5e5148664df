"""Fills the exporter's tables with exports of 50 companies, each on a connection of its own."""

from sqlalchemy import text

from services.pipeline.database import Database

COMPANIES = 50

_COMMITMENTS = """
insert into exporter.commitment (id, company_id, connection, due_at)
select 'f-' || n, 'co-' || n % 50, 'erp-' || n % 50,
       case when n <= :waiting then timestamptz '2100-01-01' end
from generate_series(1, :rows) n
"""
_EXPORTS = """
insert into exporter.export (commitment_id, revision, company_id, project_id, round, ordered_round, content_hash,
    decided_by, summary, accepted_at, state, state_since, due_at, connection, attempts, probes)
select 'f-' || n, 1, 'co-' || n % 50, 'pr-1', 1, 1, repeat('0', 64),
       '{"id": "p-1", "name": "Ada", "email": "ada@example.com"}', '{}', statement_timestamp() - interval '1 day',
       case when n <= :waiting then 'pending' when n <= 2 * :waiting then 'failed' else 'succeeded' end,
       statement_timestamp(), null, 'erp-' || n % 50, 0, 0
from generate_series(1, :rows) n
"""
_CONNECTIONS = "insert into exporter.connection (name) select 'erp-' || n from generate_series(0, 49) n"


async def fill(database: Database, rows: int, waiting: int) -> None:
    """Add `rows` exports: `waiting` of them pending, as many failed, and the others in their ERPs."""
    async with database.begin() as db:
        await db.execute(text(_COMMITMENTS), {"rows": rows, "waiting": waiting})
        await db.execute(text(_EXPORTS), {"rows": rows, "waiting": waiting})
        await db.execute(text(_CONNECTIONS))
    async with database.autocommit() as db:
        for table in ("commitment", "export", "connection"):
            await db.exec_driver_sql(f"vacuum analyze exporter.{table}")
