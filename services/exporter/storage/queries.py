"""Counts the exports that are not finished yet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import case, func, select

from services.exporter.rules.export import ExportState
from services.exporter.storage import tables
from services.pipeline.database import Transaction

_UNFINISHED = (ExportState.PENDING, ExportState.IN_FLIGHT, ExportState.IN_DOUBT, ExportState.FAILED)


@dataclass(frozen=True, slots=True)
class UnfinishedExports:
    """How many exports of one connection are in one state; `oldest` is the earliest acceptance, or failure."""

    connection: str | None
    state: str
    count: int
    oldest: datetime


async def count_unfinished(db: Transaction) -> Sequence[UnfinishedExports]:
    """Return the exports that have not succeeded, counted by connection and state."""
    table = tables.EXPORT
    since = case((table.c.state == ExportState.FAILED, table.c.state_since), else_=table.c.accepted_at)
    counted = (
        select(table.c.connection, table.c.state, func.count(), func.min(since))
        .where(table.c.state.in_([state.value for state in _UNFINISHED]))
        .group_by(table.c.connection, table.c.state)
    )
    return [UnfinishedExports(*row) for row in await db.execute(counted)]


async def queue_lengths(db: Transaction) -> Mapping[str, int]:
    """Return how many commitments wait for each connection, including those in flight."""
    table = tables.COMMITMENT
    counted = select(table.c.connection, func.count()).where(table.c.due_at.is_not(None)).group_by(table.c.connection)
    return {name: count for name, count in await db.execute(counted) if name is not None}
