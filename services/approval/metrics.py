"""Approval's own metrics; the gauges are refreshed from the database."""

from prometheus_client import Counter, Gauge

from services.approval.storage import queries
from services.pipeline.database import Database

REFRESH_SECONDS = 10.0

WAITING = Gauge("approval_waiting", "Commitments that wait for an approver's answer.")
OLDEST_WAITING_SECONDS = Gauge("approval_oldest_waiting_seconds", "How long the oldest of them has waited.")
SUCCEEDED, FAILED = SIGN_IN_OUTCOMES = ("succeeded", "failed")
SIGN_INS = Counter(
    "approval_sign_ins_total",
    "Sign-ins at the desk by outcome: succeeded, or failed because of the provider or of our registration there.",
    ("outcome",),
)
for _outcome in SIGN_IN_OUTCOMES:  # Prometheus sees no increase in a series that begins at 1
    SIGN_INS.labels(_outcome)


async def refresh_gauges(database: Database) -> None:
    """Set the gauges from the database."""
    async with database.autocommit() as db:
        count, oldest = await queries.waiting(db)
    WAITING.set(count)
    OLDEST_WAITING_SECONDS.set((database.clock() - oldest).total_seconds() if oldest else 0)
