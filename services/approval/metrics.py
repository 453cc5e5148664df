"""Approval's own metrics, refreshed from the database."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime

from prometheus_client import Gauge

from services.approval import queries
from services.pipeline.database import LOST_CONNECTION_ERRORS, Database

REFRESH_SECONDS = 5.0

WAITING = Gauge("approval_waiting", "Commitments that wait for an approver's answer.")
OLDEST_WAITING_SECONDS = Gauge("approval_oldest_waiting_seconds", "How long the oldest of them has waited.")


def measuring(database: Database) -> Callable[[asyncio.Event], Awaitable[None]]:
    """Return the loop that keeps the gauges true."""

    async def measure(stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            with suppress(*LOST_CONNECTION_ERRORS):
                await _refresh(database)
            with suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), REFRESH_SECONDS)

    return measure


async def _refresh(database: Database) -> None:
    async with database.begin() as db:
        count, oldest = await queries.waiting(db)
    WAITING.set(count)
    OLDEST_WAITING_SECONDS.set((datetime.now(UTC) - oldest).total_seconds() if oldest else 0)
