"""Damages rows on purpose, as another release, somebody's own statement or a faulty disk would."""

from services.pipeline.database import Database
from tests.calendar_checks import drop_calendar_checks

_ANTIQUITY = "'0044-03-15 BC'"
"""A time that the database keeps and Python does not have."""

ODD_TIMES = ("200000-01-01", "0044-03-15 BC", "infinity", "-infinity")
"""Such times, before and after Python's calendar."""


async def damage(database: Database, schema: str, statement: str) -> None:
    """Carry out `statement` without the checks that would prevent it; its word ANTIQUITY is a time of long ago."""
    await drop_calendar_checks(database, schema)
    async with database.begin() as db:
        await db.exec_driver_sql(statement.replace("ANTIQUITY", _ANTIQUITY))
