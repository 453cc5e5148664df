"""The exporter's work: claim due commitments under leases, carry out their exports, settle what became of them."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import uuid4

import structlog
from sqlalchemy import ColumnElement, select

from schemas.envelope import Event
from schemas.events import EventData
from services.exporter import metrics
from services.exporter.attempt import Attempt, AttemptResult, Clock, ExportJob
from services.exporter.connections import Connection, Connections
from services.exporter.rules import circuit as breaker
from services.exporter.rules.circuit import Circuit
from services.exporter.rules.export import ApprovedSnapshot, CommitmentExports, Export, ExportState
from services.exporter.rules.failures import unknown_connection
from services.exporter.rules.policy import RetryPolicy, policy_for
from services.exporter.rules.probe import outcome_without_write
from services.exporter.rules.settling import begin_attempt, settle_attempt
from services.exporter.storage import connection_store, tables
from services.exporter.storage.store import ExportStore
from services.pipeline.crash import crash_at
from services.pipeline.database import Transaction
from services.pipeline.fold import StateChange

UNROUTED_LEASE_SECONDS = 30.0
"""Lease of an export whose connection is no longer configured: it is settled without a call."""

_DUE = tables.COMMITMENT.c.due_at
log = structlog.get_logger()


class ExportWork:
    """Carries out the exports of one service; any number of processes may share the work.

    Per connection this process makes at most `max_in_flight` calls at a time, and holds leases on as many exports
    again, so that a call begins the moment another one ends.
    """

    name = "exporter"

    def __init__(self, connections: Connections, store: ExportStore, clock: Clock) -> None:
        self._connections = connections
        self._store = store
        self._clock = clock
        self._circuits: dict[str, Circuit] = {}
        self._gates = {
            name: asyncio.Semaphore(each.settings.max_in_flight) for name, each in connections.by_name.items()
        }

    async def claim(self, db: Transaction, limit: int) -> Sequence[ExportJob]:
        """Take at most `limit` due exports, no more per connection than its limit and its circuit allow."""
        now = self._clock()
        names = sorted(self._connections.by_name)
        jobs: list[ExportJob] = []
        for name, load in (await connection_store.load(db, names, now)).items():
            self._circuits[name] = load.circuit
            connection = self._connections.by_name[name]
            free = breaker.free_calls(load.circuit, load.leases, connection.max_leases, now)
            taken = await self._take(db, tables.COMMITMENT.c.connection == name, min(free, limit - len(jobs)), now)
            if taken and load.circuit.open_since is not None:
                tried = breaker.tried(load.circuit, now, connection.lease_seconds)
                await connection_store.save_circuit(db, name, tried)
            jobs += taken
        return jobs or await self._take(db, tables.COMMITMENT.c.connection.not_in(names), limit, now)

    async def perform(self, job: ExportJob) -> AttemptResult:
        """Carry out one export; whatever the ERP does is a result."""
        crash_at("exporter.after_claim")
        connection = self._connections.by_name.get(job.export.connection or "")
        if connection is None:
            return AttemptResult(outcome_without_write(job.export, unknown_connection(job.export.connection)))
        async with self._gates[connection.name]:
            return await Attempt(connection, job, self._clock).run()

    async def settle(self, db: Transaction, job: ExportJob, result: AttemptResult) -> Sequence[Event[EventData]]:
        """Record what became of the export and return what is told of it; nothing when the lease has passed on."""
        now = self._clock()
        connection = self._connections.by_name.get(job.export.connection or "")
        if connection is not None and result.is_reached is not None:
            await self._remember_contact(db, connection, now, is_reached=result.is_reached)
        before = (await self._store.lock(db, [job.export.commitment_id]))[job.export.commitment_id]
        decided = settle_attempt(before, job.token, result.outcome, self._policy(connection), now)
        fields = {"revision": job.export.revision, "outcome": type(result.outcome).__name__}
        if decided is None:
            log.warning("export.settled_too_late", commitment=job.export.commitment_id, **fields)
            return ()
        await self._store.save(db, [StateChange(before.commitment_id, before, decided.state, decided.rows)])
        log.info("export.settled", commitment=job.export.commitment_id, **fields)
        _observe(decided.state.by_revision[job.export.revision], now)
        return decided.publish

    async def _take(self, db: Transaction, where: ColumnElement[bool], limit: int, now: datetime) -> list[ExportJob]:
        if limit <= 0:
            return []
        due = select(tables.COMMITMENT).where(where, now >= _DUE).order_by(_DUE).limit(limit)
        found = await self._store.read(db, due.with_for_update(skip_locked=True, key_share=True))
        changes = [self._begin(exports, now) for exports in found.values()]
        if not changes:
            return []
        await self._store.save(db, changes)
        texts = await self._store.texts(db, [change.after for change in changes])
        return [_job(change.after, texts) for change in changes]

    def _begin(self, exports: CommitmentExports, now: datetime) -> StateChange[CommitmentExports, ApprovedSnapshot]:
        connection = self._connections.by_name.get(exports.connection or "")
        seconds = connection.lease_seconds if connection else UNROUTED_LEASE_SECONDS
        until = now + timedelta(seconds=seconds)
        return StateChange(
            exports.commitment_id, exports, begin_attempt(exports, uuid4(), until, self._policy(connection), now), ()
        )

    async def _remember_contact(
        self, db: Transaction, connection: Connection, now: datetime, *, is_reached: bool
    ) -> None:
        """Move the connection's circuit; its row is touched only where that seems to change it."""
        seen = self._circuits.get(connection.name, Circuit())
        if _after_contact(seen, connection, now, is_reached=is_reached) == seen:
            return
        row = (await connection_store.lock(db, [connection.name])).get(connection.name)
        after = _after_contact(row.circuit if row else seen, connection, now, is_reached=is_reached)
        await connection_store.save_circuit(db, connection.name, after)
        self._circuits[connection.name] = after

    def _policy(self, connection: Connection | None) -> RetryPolicy:
        return policy_for(connection.settings) if connection else RetryPolicy()


def _after_contact(circuit: Circuit, connection: Connection, now: datetime, *, is_reached: bool) -> Circuit:
    settings = connection.settings
    if is_reached:
        return breaker.reached(circuit, now)
    return breaker.missed(circuit, now, settings.max_missed_calls, settings.pause_seconds)


def _job(exports: CommitmentExports, texts: Mapping[str, str]) -> ExportJob:
    if exports.lease is None or exports.current is None:
        raise ValueError(f"{exports.commitment_id} was not taken")
    text = texts[exports.commitment_id]
    return ExportJob(exports.lease.token, exports.lease.until, exports.current, exports.document, text)


def _observe(export: Export, now: datetime) -> None:
    """Count the time from acceptance to an answer, once it is known."""
    if export.state in (ExportState.SUCCEEDED, ExportState.FAILED):
        waited = (now - export.accepted_at).total_seconds()
        labels = metrics.EXPORT_LATENCY_SECONDS.labels(export.connection or "none", export.state.value)
        labels.observe(max(waited, 0.0))
