"""Ends the sessions of people whom the directory has removed; their rights have ended before, with their record."""

import structlog

from services.approval.storage import ending_sessions
from services.pipeline.database import Database

SECONDS = 60.0

log = structlog.get_logger()


async def end_sessions_of_removed(database: Database) -> None:
    """End them, and log each."""
    for person, session in await ending_sessions.end_sessions_of_removed(database):
        log.info("session.ended", person_id=person, session=session, how="person_removed")
