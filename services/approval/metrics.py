"""Approval's own metrics, refreshed from the database."""

from prometheus_client import Gauge

from services.approval.storage import queries
from services.pipeline.clock import utc_now
from services.pipeline.database import Database

REFRESH_SECONDS = 10.0

WAITING = Gauge("approval_waiting", "Commitments that wait for an approver's answer.")
OLDEST_WAITING_SECONDS = Gauge("approval_oldest_waiting_seconds", "How long the oldest of them has waited.")


async def refresh_gauges(database: Database) -> None:
    """Set the gauges from the database."""
    async with database.autocommit() as db:
        count, oldest = await queries.waiting(db)
    WAITING.set(count)
    OLDEST_WAITING_SECONDS.set((utc_now() - oldest).total_seconds() if oldest else 0)
