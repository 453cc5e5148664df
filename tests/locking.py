"""Shows which sessions of a database wait for a lock, so that a test can bring transactions into a chosen order."""

from sqlalchemy import text

from services.pipeline.database import Database

_WAITING = text("select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'")


async def waiting_sessions(database: Database) -> int:
    """Return how many sessions wait for a lock that another one holds."""
    async with database.autocommit() as db:
        return int((await db.execute(_WAITING)).scalar_one())
