"""Tells how every ERP connection is doing: an event when it changes, and gauges all the time."""

import json
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import case, func, select

from schemas.envelope import Event, new_event
from schemas.events import ErpConnection, EventData
from services.exporter import metrics
from services.exporter.attempt import Clock
from services.exporter.connections import Connections
from services.exporter.rules.circuit import Circuit
from services.exporter.rules.events import SOURCE
from services.exporter.rules.export import ExportState
from services.exporter.storage import connection_store, tables
from services.exporter.storage.connection_store import Announced
from services.pipeline.database import Database, Transaction
from services.pipeline.outbox import Outbox

REPORT_SECONDS = 2.0
_UNSETTLED = (ExportState.PENDING, ExportState.IN_FLIGHT, ExportState.IN_DOUBT, ExportState.FAILED)


class ConnectionReport:
    """Announces connections that changed, and refreshes the exporter's gauges."""

    def __init__(self, database: Database, outbox: Outbox, connections: Connections, clock: Clock) -> None:
        self._database = database
        self._outbox = outbox
        self._connections = connections
        self._clock = clock

    async def report(self) -> None:
        """Announce what has changed since the last announcement, of any process, and measure what waits."""
        names = list(self._connections.by_name)
        async with self._database.begin() as db:
            await connection_store.register(db, names)
            rows = await connection_store.lock(db, names)
            queued = await connection_store.queue_lengths(db)
            events = [await self._announce(db, name, row, queued.get(name, 0)) for name, row in rows.items()]
            await self._outbox.add(db, [event for event in events if event])
        self._outbox.wake()
        for name, row in rows.items():
            metrics.CIRCUIT_OPEN.labels(name).set(row.circuit.open_since is not None)
        async with self._database.begin() as db:
            await measure(db, self._clock())

    async def _announce(self, db: Transaction, name: str, row: Announced, queue_length: int) -> Event[EventData] | None:
        now = self._clock()
        version = max(row.version + 1, int(now.timestamp() * 1000))
        state = self._state(name, row.circuit, queue_length, version)
        told = _comparable(state)
        if told == row.told:
            return None
        await connection_store.save_told(db, name, told, version)
        return new_event(state, source=SOURCE, time=now)

    def _state(self, name: str, circuit: Circuit, queue_length: int, version: int) -> ErpConnection:
        settings = self._connections.by_name[name].settings
        return ErpConnection(
            name=name,
            version=version,
            kind=settings.kind,
            title=settings.title,
            companies=settings.companies,
            limits=settings.limits,
            circuit_open_since=circuit.open_since,
            last_contact=circuit.last_contact,
            queue_length=queue_length,
        )


def _comparable(state: ErpConnection) -> str:
    """What makes an announcement worth repeating: everything but the version and the seconds of the last contact."""
    last_contact = state.last_contact.replace(second=0, microsecond=0) if state.last_contact else None
    told = state.model_copy(update={"last_contact": last_contact}).model_dump(mode="json", exclude={"version"})
    return json.dumps(told, sort_keys=True)


async def measure(db: Transaction, now: datetime) -> None:
    """Refresh the gauges of exports that have not succeeded."""
    table = tables.EXPORT
    since = case((table.c.state == ExportState.FAILED, table.c.state_since), else_=table.c.accepted_at)
    unsettled: Sequence[str] = [state.value for state in _UNSETTLED]
    counted = (
        select(table.c.connection, table.c.state, func.count(), func.min(since))
        .where(table.c.state.in_(unsettled))
        .group_by(table.c.connection, table.c.state)
    )
    rows = (await db.execute(counted)).all()
    metrics.EXPORTS.clear()
    metrics.EXPORTS_OLDEST_AGE_SECONDS.clear()
    for connection, state, count, oldest in rows:
        metrics.EXPORTS.labels(connection or "none", state).set(count)
        age_seconds = max((now - oldest).total_seconds(), 0.0)
        metrics.EXPORTS_OLDEST_AGE_SECONDS.labels(connection or "none", state).set(age_seconds)
