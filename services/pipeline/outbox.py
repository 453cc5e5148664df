"""Events to publish, as rows written in the transaction of the state; the relay sends them later."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select

from schemas.envelope import Event, encode
from schemas.events import EventData
from schemas.topics import BY_NAME
from services.pipeline.bulk import arrays, insert_given
from services.pipeline.database import Transaction
from services.pipeline.tables import KernelTables


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """One event to be sent."""

    id: int
    topic: str
    key: str
    value: bytes


@dataclass(frozen=True, slots=True)
class Sendable:
    """A row that may be sent now, with the ids of the rows to delete once it is acknowledged."""

    row: OutboxRow
    settles: tuple[int, ...]


def sendable(rows: Sequence[OutboxRow]) -> list[Sendable]:
    """Choose one row for each (topic, key): the oldest, or on a compacted topic the newest in place of all."""
    by_key: dict[tuple[str, str], list[OutboxRow]] = {}
    for row in rows:
        by_key.setdefault((row.topic, row.key), []).append(row)
    return [
        Sendable(group[-1], tuple(row.id for row in group))
        if BY_NAME[topic].is_compacted
        else Sendable(group[0], (group[0].id,))
        for (topic, _), group in by_key.items()
    ]


class Outbox:
    """A service's outbox. Rows of one key are written under the lock of its state, so their ids are in commit order."""

    def __init__(self, tables: KernelTables) -> None:
        self._table = tables.outbox
        self.has_rows = asyncio.Event()

    async def add(self, db: Transaction, events: Sequence[Event[EventData]]) -> None:
        """Insert `events` in their order; call wake() after the commit."""
        if events:
            rows = [{"topic": e.data.topic, "key": e.subject, "value": encode(e)} for e in events]
            await db.execute(insert_given(self._table, tuple(rows[0])), arrays(rows))

    def wake(self) -> None:
        """Make the relay of this process look for rows now."""
        self.has_rows.set()

    async def oldest(self, db: Transaction, limit: int) -> list[OutboxRow]:
        """Return the oldest `limit` rows, oldest first."""
        table = self._table
        chosen = select(table.c.id, table.c.topic, table.c.key, table.c.value).order_by(table.c.id).limit(limit)
        return [OutboxRow(*row) for row in await db.execute(chosen)]

    async def settle(self, db: Transaction, ids: Sequence[int]) -> None:
        """Delete rows that Kafka has acknowledged."""
        await db.execute(delete(self._table).where(self._table.c.id == func.any(list(ids))))

    async def backlog(self, db: Transaction) -> tuple[int, datetime | None]:
        """Return how many rows there are, and when the oldest was written."""
        row = (await db.execute(select(func.count(), func.min(self._table.c.created_at)))).one()
        return row[0], row[1]
