"""The exporter's work: claim due exports, carry them out and settle the outcomes."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import structlog

from schemas.envelope import Event
from schemas.events import EventData
from services.exporter import metrics
from services.exporter.approved_content import read_snapshot
from services.exporter.attempt import Attempt, AttemptResult, ExportJob
from services.exporter.circuits import Calls, Circuits
from services.exporter.claiming import Claiming, retry_policy
from services.exporter.comparing import next_night
from services.exporter.connections import Connection, Connections
from services.exporter.connectors.types import Landed, Refused
from services.exporter.rules.about import UNNAMED_ERP, About
from services.exporter.rules.call_rate import CALLS_PER_EXPORT
from services.exporter.rules.circuit import Circuit
from services.exporter.rules.drift import written_content
from services.exporter.rules.evidence import nobody_to_ask, on_trust, shown_words
from services.exporter.rules.export import CommitmentExports, Export, ExportState
from services.exporter.rules.failures import unknown_connection
from services.exporter.rules.kept_attempts import kept_attempt
from services.exporter.rules.outcome import AttemptOutcome, Broken, ConnectionGone
from services.exporter.rules.probe import outcome_without_write
from services.exporter.rules.settling import settle_attempt, unless_changed
from services.exporter.storage import attempts, comparisons
from services.exporter.storage.evidence import unless_of_another
from services.exporter.storage.locking import lock_named_and_due
from services.exporter.storage.store import ExportStore
from services.pipeline import tracing
from services.pipeline.crash import crash_at
from services.pipeline.database import Database, Transaction
from services.pipeline.fold import StateChange
from services.pipeline.lease_clock import LeaseClock
from services.pipeline.log_context import Ids, telling_of, trace_id
from services.pipeline.logs import FailureLog
from services.pipeline.work import Claimed, Ended, Places, Settled
from services.pipeline.writes import Writes

log = structlog.get_logger()


class ExportWork:
    """Carries out exports; any number of processes may share the work.

    All of them together hold at most `max_in_flight` leases on the exports of a connection, and a lease allows one call
    at a time.
    """

    name = "exporter"

    def __init__(self, connections: Connections, store: ExportStore, clock: LeaseClock) -> None:
        self._connections = connections
        self._store = store
        self._circuits = Circuits()
        self._claiming = Claiming(connections, store, clock, self._circuits)
        self._failures = FailureLog()

    async def claim(self, database: Database, limit: int, held: Sequence[ExportJob]) -> Claimed[ExportJob]:
        """Lease at most `limit` due exports, for each connection no more than its limit and its circuit allow."""
        return await self._claiming.claim(database, limit, [job.export.commitment_id for job in held])

    async def perform(self, job: ExportJob) -> AttemptResult:
        """Carry out one export; every answer of the ERP, and no answer, is a result."""
        crash_at("exporter.after_claim")
        async with self._connections.lent(job.export.connection) as connection:
            if connection is not None:
                return await Attempt(connection, job, self._failures).run()
        if job.evidence is not None:
            gone = nobody_to_ask(job.evidence, job.export.connection)
            return AttemptResult(on_trust(job.evidence) if job.is_confirmed else gone)
        return AttemptResult(outcome_without_write(job.export, _unknown_connection(job)))

    def failed(self, job: ExportJob, error: Exception) -> AttemptResult:
        """Return the outcome of an export that raised an error outside its attempt: nothing was sent."""
        broken = Broken(f"The exporter failed ({type(error).__name__}).")
        return AttemptResult(outcome_without_write(job.export, broken))

    async def settle(self, db: Transaction, job: ExportJob, result: AttemptResult) -> Sequence[Event[EventData]]:
        """Save the outcome of an attempt and return the events to publish; no events once the lease is another's."""
        writes, id_ = Writes(), job.export.commitment_id
        before = (await self._store.lock(db, [id_]))[id_]
        with telling_of(self.ids(job)):
            events = await self._settle(db, writes, before, Ended(job, result), is_alone=True)
        await writes.execute(db)
        return events

    async def settle_together(
        self,
        db: Transaction,
        writes: Writes,
        ended: Sequence[Ended[ExportJob, AttemptResult]],
        places: Places[ExportJob],
    ) -> Settled[ExportJob, AttemptResult]:
        """Save the outcomes of attempts whose commitments nobody else has locked, and lease the next exports.

        The next calls begin once the answers to the last ones are recorded.
        """
        ids, held = ([each.export.commitment_id for each in jobs] for jobs in ([one.job for one in ended], places.held))
        handed_on = self._claiming.hand_on([each.job for each in ended], places.free)
        locked = await lock_named_and_due(db, ids, [each.due for each in handed_on], held)
        ours = [each for each in ended if each.job.export.commitment_id in locked.named]
        events = [
            event
            for each in sorted(ours, key=self._connection_name)
            for event in await self._settle_told(db, writes, locked.named[each.job.export.commitment_id], each)
        ]
        recorded, free = [each.job for each in ours], places.free - (len(ended) - len(ours))
        return Settled(ours, events, await self._claiming.begin(db, writes, handed_on, locked, recorded, free))

    async def set_aside(self, db: Transaction, job: ExportJob, why: str) -> None:
        """Take the commitment out of the claims; its export stays in flight or in doubt, as it is stored."""
        await self._store.set_aside(db, job.export.commitment_id, why, job.lease.token)

    def ids(self, job: ExportJob) -> Ids:
        """Return the commitment, the revision and round, the connection and the trace."""
        export = job.export
        return {
            "commitment_id": export.commitment_id,
            "revision": export.revision,
            "round": export.round,
            "connection": export.connection,
            "trace_id": trace_id(export.traceparent),
        }

    def described(self, job: ExportJob, result: AttemptResult) -> Mapping[str, Any]:
        """Return how it ended, and which documents are known."""
        del job
        outcome = result.outcome
        documents = [each.id for each in outcome.documents] if isinstance(outcome, Landed) else []
        return {"outcome": type(outcome).__name__, "documents": documents}

    async def _settle_told(
        self, db: Transaction, writes: Writes, before: CommitmentExports, ended: Ended[ExportJob, AttemptResult]
    ) -> Sequence[Event[EventData]]:
        with telling_of(self.ids(ended.job)):  # the task records the results of others as well
            return await self._settle(db, writes, before, ended)

    async def _settle(
        self,
        db: Transaction,
        writes: Writes,
        before: CommitmentExports,
        ended: Ended[ExportJob, AttemptResult],
        *,
        is_alone: bool = False,
    ) -> Sequence[Event[EventData]]:
        job, result = ended.job, ended.result
        now, connection = job.time.now(), self._connection_of(ended)
        calls = Calls(result.heard, result.calls - CALLS_PER_EXPORT)
        # alone, it is recorded once more: what this process noted at the first time may have been rolled back
        circuit = (
            await self._circuits.record(db, connection, now, calls, writes, trusts_seen=not is_alone)
            if connection
            else Circuit()
        )
        outcome = await _judged(db, before, job, result) if job.evidence else result.outcome
        policy, blamed = retry_policy(connection), _blamed(circuit, connection, now)
        decided = settle_attempt(before, job.lease.token, outcome, policy, now, blamed, _shown(job, connection, result))
        if decided is None:
            log.warning("export.settled_too_late", **self.described(job, result))
            return ()
        await self._store.save(db, writes, [StateChange(before.commitment_id, before, decided.state, decided.rows)])
        export = decided.state.by_revision[job.export.revision]
        await self._compare_later(writes, export, job, now)
        attempts.keep(writes, kept_attempt(job.export, export, job.lease.token, outcome, result.calls, now))
        log.info("export.settled", **self.described(job, result))
        _observe_latency(export, now)
        return decided.publish

    async def _compare_later(self, writes: Writes, export: Export, job: ExportJob, now: datetime) -> None:
        """Have the document of a success compared, from the next night on."""
        snapshot = await read_snapshot(job.snapshot_text) if export.state is ExportState.SUCCEEDED else None
        if snapshot is not None:
            written = written_content(snapshot.commitment, export.marker)
            connection = self._connections.named(export.connection)
            comparisons.schedule(writes, export, written, next_night(export.commitment_id, connection, now))

    def _connection_of(self, ended: Ended[ExportJob, AttemptResult]) -> Connection | None:
        return ended.result.connection or self._connections.named(ended.job.export.connection)

    def _connection_name(self, ended: Ended[ExportJob, AttemptResult]) -> str:
        """In this order the rows of connections are locked, as claims lock them."""
        connection = self._connection_of(ended)
        return connection.name if connection else ""


def _blamed(circuit: Circuit, connection: Connection | None, now: datetime) -> Circuit:
    """The circuit that an attempt is judged by.

    One missed call opens that of a polled ERP. The export whose call that was is tried again as after any error, and
    counts it: were it the only one that is never answered, it would be put off for ever, while the others are written.
    """
    has_just_opened = connection is not None and connection.is_polled and circuit.open_since == now
    return Circuit(last_contact=circuit.last_contact) if has_just_opened else circuit


async def _judged(db: Transaction, before: CommitmentExports, job: ExportJob, result: AttemptResult) -> AttemptOutcome:
    """The outcome of a check of evidence, given what approvers said meanwhile and whose the document is known to be."""
    outcome = unless_changed(before, job.evidence, result.outcome, is_confirmed=job.is_confirmed)
    return await unless_of_another(db, job.export, outcome, result.shown)


def _shown(job: ExportJob, connection: Connection | None, result: AttemptResult) -> str | None:
    """What the ERP showed for the document that an approver named, in words; None if it was not asked."""
    title = connection.settings.title if connection else UNNAMED_ERP
    return shown_words(result.shown, About(job.export.summary.number, title)) if result.shown else None


def _unknown_connection(job: ExportJob) -> Refused | ConnectionGone:
    return unknown_connection(job.export.connection, job.export.summary.number, job.last)


def _observe_latency(export: Export, now: datetime) -> None:
    if export.state in (ExportState.SUCCEEDED, ExportState.FAILED):
        latency = metrics.EXPORT_LATENCY_SECONDS.labels(export.connection or "none", export.state.value)
        seconds = metrics.seconds_between(export.accepted_at, now)
        latency.observe(seconds, tracing.exemplar(export.traceparent))
    if export.state is ExportState.FAILED and export.failure is not None:
        metrics.FAILURES.labels(export.connection or "none", export.failure.failure_class.value).inc()
