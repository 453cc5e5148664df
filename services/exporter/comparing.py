"""Compares the ERP's documents with what was exported, each once a night, and tells approval what differs."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from pydantic import SecretStr

from schemas.envelope import Event, new_event
from schemas.events import Change, EventData, ExportDrifted
from services.exporter import metrics
from services.exporter.connections import Connection, Connections
from services.exporter.connectors.protocol import reader_of
from services.exporter.connectors.types import ErpCopy, Gone, ReadAnswer, Transient
from services.exporter.rules.circuit import charged, circuit_policy, free_calls
from services.exporter.rules.drift import differences, next_comparison
from services.exporter.rules.published_events import SOURCE
from services.exporter.rules.usable import usable_read
from services.exporter.storage import comparisons, connection_store
from services.exporter.storage.comparisons import Comparison
from services.exporter.storage.due import read_under_way
from services.pipeline.clock import Clock, utc_now
from services.pipeline.database import Database, Transaction
from services.pipeline.worker import Claimed

RETRY_HOURS = 1
IDLE_SECONDS = 30.0
LEASE_MARGIN_SECONDS = 30.0
CALLS = 2
"""A document is asked for by its id, and then perhaps by its number."""


class ComparisonWork:
    """Compares documents, one at a time for each process: a night's work must not slow exports down."""

    name = "comparison"

    def __init__(self, connections: Connections, clock: Clock) -> None:
        self._connections = connections
        self._clock = clock

    async def claim(self, database: Database, limit: int, held: Sequence[Comparison]) -> Claimed[Comparison]:
        """Lease one due comparison on a connection whose ERP shows documents and takes calls now."""
        if held or limit < 1:
            return Claimed((), IDLE_SECONDS)
        for connection in [each for each in self._connections.by_name.values() if _is_compared(each)]:
            if job := await self._lease(database, connection):
                return Claimed((job,), IDLE_SECONDS)
        return Claimed((), IDLE_SECONDS)

    async def _lease(self, database: Database, connection: Connection) -> Comparison | None:
        """Lease the first due comparison of a connection; None while it is held back, or its calls are all taken."""
        now, policy = self._clock(), circuit_policy(connection.settings)
        lease_seconds = CALLS * connection.settings.timeout_seconds + LEASE_MARGIN_SECONDS
        async with database.begin() as db:
            if not await comparisons.is_any_due(db, connection.name, now):
                return None
            circuit = await connection_store.locked_circuit(db, connection.name)
            under_way = await read_under_way(db, connection.name, now)
            if circuit.is_held_back(now) or free_calls(circuit, under_way.leases, policy, now) == 0:
                return None
            job = await comparisons.claim(db, connection.name, now, (uuid4(), now + timedelta(seconds=lease_seconds)))
            begun = charged(circuit, CALLS, policy, now)
            if job and begun != circuit:
                await connection_store.save_circuit(db, connection.name, begun)
        return job

    async def perform(self, job: Comparison) -> ReadAnswer:
        """Ask the ERP for the document."""
        async with self._connections.lent(job.connection) as connection:
            reader = reader_of(connection.connector) if connection else None
            if reader is None:
                return Transient(f"{job.connection} shows no documents.")
            return usable_read(await reader.read(job.document.id))

    def failed(self, job: Comparison, error: Exception) -> ReadAnswer:
        """Return the answer where the connector raised `error`: none."""
        del job
        return Transient(f"The connector failed ({type(error).__name__}).")

    async def settle(self, db: Transaction, job: Comparison, result: ReadAnswer) -> Sequence[Event[EventData]]:
        """Save the result, and return the event that tells it if it is another one than was last told."""
        now = self._clock()
        outcome = _outcome(job, result)
        if outcome is None:
            metrics.COMPARISONS.labels(job.connection, "unread").inc()
            await comparisons.settle(db, job, now + timedelta(hours=RETRY_HOURS), None, {})
            return ()
        is_missing, changes = outcome
        metrics.COMPARISONS.labels(job.connection, _label(outcome)).inc()
        told = _told(outcome)
        version = max(job.told_version + 1, int(now.timestamp() * 1000))
        news = {"told": told, "told_version": version} if told != job.told else {}
        if not await comparisons.settle(db, job, self._next(job, now), now, news) or not news:
            return ()
        return (_event(job, version, now, is_missing=is_missing, changes=changes),)

    async def set_aside(self, db: Transaction, job: Comparison, why: str) -> None:
        """Leave it until the next night."""
        del why
        await comparisons.settle(db, job, self._next(job, self._clock()), None, {})

    def described(self, job: Comparison, result: ReadAnswer) -> Mapping[str, Any]:
        """Return the commitment and the kind of answer."""
        return {"commitment": job.commitment_id, "revision": job.revision, "answer": type(result).__name__}

    def _next(self, job: Comparison, now: datetime) -> datetime:
        connection = self._connections.by_name.get(job.connection)
        return next_night(job.commitment_id, connection, now)


async def compare_now(url: SecretStr, connection: str) -> int:
    """Have all documents of `connection` compared from now on, by a running exporter; return how many there are."""
    database = Database(url, application_name="countersign")
    try:
        async with database.begin() as db:
            return await comparisons.make_due(db, connection, utc_now())
    finally:
        await database.close()


def next_night(commitment_id: str, connection: Connection | None, now: datetime) -> datetime:
    """When the commitment's document is compared next; in a day where its connection is not configured."""
    if connection is None:
        return now + timedelta(days=1)
    settings = connection.settings
    return next_comparison(commitment_id, now, settings.compare_at, settings.compare_hours)


def _is_compared(connection: Connection) -> bool:
    return connection.settings.compares_documents and reader_of(connection.connector) is not None


def _outcome(job: Comparison, result: ReadAnswer) -> tuple[bool, tuple[Change, ...]] | None:
    """Whether the document is missing, and what differs; None if the ERP did not show it."""
    match result:
        case ErpCopy(document) if document.id != job.document.id and not job.document.is_known_by_number:
            return True, ()  # it was asked for by its id, which another one has as its number
        case ErpCopy():
            changes = differences(job.commitment_id, job.written, result) if job.written else ()
            return False, changes
        case Gone():
            return True, ()
        case _:
            return None


def _told(outcome: tuple[bool, tuple[Change, ...]]) -> str | None:
    """What makes a result another one; None if nothing differs."""
    is_missing, changes = outcome
    if not is_missing and not changes:
        return None
    return json.dumps([is_missing, [change.model_dump(mode="json") for change in changes]])


def _label(outcome: tuple[bool, tuple[Change, ...]]) -> str:
    is_missing, changes = outcome
    return "missing" if is_missing else "differs" if changes else "same"


def _event(
    job: Comparison, version: int, now: datetime, *, is_missing: bool, changes: tuple[Change, ...]
) -> Event[EventData]:
    data = ExportDrifted(
        company_id=job.company_id,
        project_id=job.project_id,
        commitment_id=job.commitment_id,
        revision=job.revision,
        reopened=job.reopened,
        version=version,
        document=job.document,
        compared_at=now,
        is_missing=is_missing,
        differences=changes,
    )
    return new_event(data, source=SOURCE, time=now)
