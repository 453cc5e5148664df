"""The exporter's work: lease due commitments, carry out their exports and settle the outcomes."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import uuid4

import structlog

from schemas.envelope import Event
from schemas.events import EventData
from services.exporter import metrics
from services.exporter.attempt import Attempt, AttemptResult, ExportJob
from services.exporter.connections import Connection, Connections
from services.exporter.rules.circuit import Circuit, free_calls, record_answer, record_missed_call, start_trial
from services.exporter.rules.export import CommitmentExports, Export, ExportState
from services.exporter.rules.failures import unknown_connection
from services.exporter.rules.policy import RetryPolicy, policy_for
from services.exporter.rules.probe import outcome_without_write
from services.exporter.rules.settling import begin_attempt, settle_attempt
from services.exporter.storage import connection_store
from services.exporter.storage.store import ExportsChange, ExportStore
from services.pipeline.clock import Clock
from services.pipeline.crash import crash_at
from services.pipeline.database import Transaction
from services.pipeline.fold import StateChange

UNCONFIGURED_LEASE_SECONDS = 30.0
"""Lease of an export whose connection is no longer configured: it is settled without a call."""

log = structlog.get_logger()


class ExportWork:
    """Carries out exports; any number of processes may share the work.

    For each connection, this process makes at most `max_in_flight` calls at a time. It holds leases on twice as many
    exports, so that the next call can begin as soon as one ends.
    """

    name = "exporter"

    def __init__(self, connections: Connections, store: ExportStore, clock: Clock) -> None:
        self._connections = connections
        self._store = store
        self._clock = clock
        self._circuits: dict[str, Circuit] = {}
        self._call_slots = {
            name: asyncio.Semaphore(each.settings.max_in_flight) for name, each in connections.by_name.items()
        }

    async def claim(self, db: Transaction, limit: int) -> Sequence[ExportJob]:
        """Lease at most `limit` due exports, for each connection no more than its limit and its circuit allow."""
        now = self._clock()
        names = sorted(self._connections.by_name)
        jobs: list[ExportJob] = []
        for name, load in (await connection_store.read_loads(db, names, now)).items():
            self._circuits[name] = load.circuit
            connection = self._connections.by_name[name]
            free = min(free_calls(load.circuit, load.leases, connection.max_leases, now), limit - len(jobs))
            if free <= 0:
                continue
            leased = await self._lease(db, await self._store.lock_due(db, name, free, now), now)
            if leased and load.circuit.open_since is not None:
                await connection_store.save_circuit(db, name, start_trial(load.circuit, now, connection.lease_seconds))
            jobs += leased
        return jobs or await self._lease(db, await self._store.lock_due_unconfigured(db, names, limit, now), now)

    async def perform(self, job: ExportJob) -> AttemptResult:
        """Carry out one export; every answer of the ERP, and no answer, is a result."""
        crash_at("exporter.after_claim")
        connection = self._connection(job.export.connection)
        if connection is None:
            return AttemptResult(outcome_without_write(job.export, unknown_connection(job.export.connection)))
        async with self._call_slots[connection.name]:
            return await Attempt(connection, job, self._clock).run()

    async def settle(self, db: Transaction, job: ExportJob, result: AttemptResult) -> Sequence[Event[EventData]]:
        """Save the outcome of an attempt and return the events to publish; no events once the lease is another's."""
        now = self._clock()
        connection = self._connection(job.export.connection)
        if connection is not None and result.is_reached is not None:
            await self._update_circuit(db, connection, now, is_reached=result.is_reached)
        before = (await self._store.lock(db, [job.export.commitment_id]))[job.export.commitment_id]
        decided = settle_attempt(before, job.lease.token, result.outcome, _policy(connection), now)
        fields = {"revision": job.export.revision, "outcome": type(result.outcome).__name__}
        if decided is None:
            log.warning("export.settled_too_late", commitment=job.export.commitment_id, **fields)
            return ()
        await self._store.save(db, [StateChange(before.commitment_id, before, decided.state, decided.rows)])
        log.info("export.settled", commitment=job.export.commitment_id, **fields)
        _observe_latency(decided.state.by_revision[job.export.revision], now)
        return decided.publish

    def _connection(self, name: str | None) -> Connection | None:
        return self._connections.by_name.get(name or "")

    async def _lease(self, db: Transaction, due: Mapping[str, CommitmentExports], now: datetime) -> list[ExportJob]:
        changes = [self._begin(exports, now) for exports in due.values()]
        if not changes:
            return []
        await self._store.save(db, changes)
        texts = await self._store.snapshot_texts(db, [change.after for change in changes])
        return [_job(change.after, texts[change.key]) for change in changes]

    def _begin(self, exports: CommitmentExports, now: datetime) -> ExportsChange:
        connection = self._connection(exports.connection)
        until = now + timedelta(seconds=connection.lease_seconds if connection else UNCONFIGURED_LEASE_SECONDS)
        after = begin_attempt(exports, uuid4(), until, _policy(connection), now)
        return StateChange(exports.commitment_id, exports, after, ())

    async def _update_circuit(
        self, db: Transaction, connection: Connection, now: datetime, *, is_reached: bool
    ) -> None:
        """Save the circuit after a call; its row is locked only where the circuit, as last seen, would change."""
        seen = self._circuits.get(connection.name, Circuit())
        if _circuit_after_call(seen, connection, now, is_reached=is_reached) == seen:
            return
        row = (await connection_store.lock(db, [connection.name])).get(connection.name)
        after = _circuit_after_call(row.circuit if row else seen, connection, now, is_reached=is_reached)
        await connection_store.save_circuit(db, connection.name, after)
        self._circuits[connection.name] = after


def _policy(connection: Connection | None) -> RetryPolicy:
    return policy_for(connection.settings) if connection else RetryPolicy()


def _circuit_after_call(circuit: Circuit, connection: Connection, now: datetime, *, is_reached: bool) -> Circuit:
    if is_reached:
        return record_answer(circuit, now)
    settings = connection.settings
    return record_missed_call(circuit, now, settings.max_missed_calls, settings.pause_seconds)


def _job(exports: CommitmentExports, snapshot_text: str) -> ExportJob:
    if exports.lease is None or exports.current is None:
        raise ValueError(f"{exports.commitment_id} is not leased")
    return ExportJob(exports.lease, exports.current, exports.document, snapshot_text)


def _observe_latency(export: Export, now: datetime) -> None:
    if export.state in (ExportState.SUCCEEDED, ExportState.FAILED):
        latency = metrics.EXPORT_LATENCY_SECONDS.labels(export.connection or "none", export.state.value)
        latency.observe(metrics.seconds_between(export.accepted_at, now))
