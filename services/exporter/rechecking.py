"""The work of looking again after a doubt: ask the ERP for documents that it stored late, and tell of each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import structlog

from schemas.envelope import Event
from schemas.events import EventData
from schemas.fields import FailureClass
from services.exporter import metrics
from services.exporter.circuits import Calls, Circuits
from services.exporter.connections import Connection, Connections
from services.exporter.connectors.types import FindAnswer, Refused, Transient
from services.exporter.rules.circuit import Heard, charged, circuit_policy, free_calls
from services.exporter.rules.recheck import Looked, Recheck, after_look
from services.exporter.storage import comparisons, connection_store, recheck_store
from services.exporter.storage.due import read_under_way
from services.exporter.storage.store import ExportStore
from services.pipeline.database import Database, Transaction
from services.pipeline.fold import StateChange
from services.pipeline.lease_clock import ClaimTime, LeaseClock
from services.pipeline.log_context import Ids
from services.pipeline.logs import FailureLog
from services.pipeline.work import BUSY_SECONDS, Claimed
from services.pipeline.writes import Writes

RECHECK_IDLE_SECONDS = 5.0
"""How long a look may wait that nothing tells of; the first one is due a minute after its doubt ended."""

SETTLING_SECONDS = 5.0
"""How much longer than its call a lease lasts."""

NOT_ASKED = Transient("Nothing was asked.", is_reached=True)
"""The answer where no call was made, which says nothing of the ERP."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class RecheckJob:
    """A leased look; its call must end within the lease."""

    recheck: Recheck
    token: UUID
    lease_seconds: float
    time: ClaimTime


class RecheckWork:
    """Looks for late documents, on each connection one at a time over all processes, and only while its ERP answers."""

    name = "recheck"

    def __init__(self, connections: Connections, store: ExportStore, clock: LeaseClock) -> None:
        self._connections = connections
        self._store = store
        self._clock = clock
        self._circuits = Circuits()
        self._failures = FailureLog()

    async def claim(self, database: Database, limit: int, held: Sequence[RecheckJob]) -> Claimed[RecheckJob]:
        """Lease the first look that is due on each connection on which none is under way."""
        asked_at = self._clock.stopwatch()
        async with database.autocommit() as db:
            now, waiting = await recheck_store.first_due(db, self._clock.given_time(), self._connections.called_names)
        time = self._clock.claim_time(now, asked_at)
        named = [self._connections.named(each.connection) for each in waiting if each.due_at <= now]
        due = list(dict.fromkeys(each.name for each in named if each))[:limit]
        tried = [await self._lease(database, name, time, held) for name in due]
        jobs = [each for each in tried if isinstance(each, RecheckJob)]
        later = [(each.due_at - now).total_seconds() for each in waiting if each.due_at > now]
        again = [each for each in tried if isinstance(each, float)]
        return Claimed(jobs, min([*later, *again], default=RECHECK_IDLE_SECONDS))

    async def perform(self, job: RecheckJob) -> FindAnswer:
        """Ask the ERP for the commitment's documents."""
        async with self._connections.lent(job.recheck.connection) as connection:
            if connection is None:
                return NOT_ASKED
            if job.time.remaining_seconds(job.lease_seconds) <= connection.settings.timeout_seconds:
                return NOT_ASKED
            return connection.usable.found(await connection.calling.find(job.recheck.commitment_id))

    def failed(self, job: RecheckJob, error: Exception) -> FindAnswer:  # noqa: ARG002 - every look fails alike
        """Return the answer of a look that raised an error: a refusal, for it must not be repeated for ever."""
        return Refused(FailureClass.FIX_SETUP, "The exporter or its connector failed with an error of its own.")

    async def settle(self, db: Transaction, job: RecheckJob, result: FindAnswer) -> Sequence[Event[EventData]]:
        """Save what the look led to, and return the events of late documents; none once the lease is another's."""
        now, id_ = job.time.now(), job.recheck.commitment_id
        exports = (await self._store.lock(db, [id_]))[id_]  # before the connection's row, as everywhere
        if connection := self._connections.named(job.recheck.connection):
            is_asked = result is not NOT_ASKED
            calls = Calls(Heard.of(result) if is_asked else None, is_asked - 1)
            await self._circuits.record(db, connection, now, calls)
        names = self._connections.names_of(job.recheck.connection)
        recheck = await recheck_store.leased(db, id_, names, job.token)
        if recheck is None:
            return ()
        looked = after_look(exports, recheck, result, now, names)
        await recheck_store.end(db, recheck, looked.following)
        if looked.exports != exports:
            writes = Writes()
            await self._store.save(db, writes, [StateChange(id_, exports, looked.exports, ())])
            await writes.execute(db)
        if looked.is_overwritten:
            await comparisons.make_one_due(db, id_, now)
        self._tell(job, looked)
        return looked.publish

    async def set_aside(self, db: Transaction, job: RecheckJob, why: str) -> None:
        """Give up looking there; the log says for which commitment, and in which ERP."""
        recheck = job.recheck
        log.error("export.recheck_given_up", why=why)
        await recheck_store.end(db, recheck, None)

    def ids(self, job: RecheckJob) -> Ids:
        """Return the commitment and the connection."""
        return {"commitment_id": job.recheck.commitment_id, "connection": job.recheck.connection}

    def described(self, job: RecheckJob, result: FindAnswer) -> Mapping[str, Any]:
        """Return how often was looked before, and the kind of answer."""
        answer = "found" if isinstance(result, tuple) else type(result).__name__
        return {"looks": job.recheck.looks, "answer": answer}

    async def _lease(
        self, database: Database, name: str, time: ClaimTime, held: Sequence[RecheckJob]
    ) -> RecheckJob | float:
        """Lease the look that is due; if the limits do not allow it, return in how many seconds to try again."""
        connection = self._connections.by_name.get(name)
        if connection is None:
            return RECHECK_IDLE_SECONDS
        policy = circuit_policy(connection.settings)
        if any(job.recheck.connection in connection.names for job in held):
            return RECHECK_IDLE_SECONDS
        async with database.begin() as db:
            circuit = await connection_store.locked_circuit(db, name, time.at)
            if circuit.is_held_back(time.at):  # a trial is for an export
                return RECHECK_IDLE_SECONDS
            under_way = await read_under_way(db, connection.names, time.at)
            if free_calls(circuit, under_way.leases, policy, time.at) == 0:
                return BUSY_SECONDS
            job = await _leased(db, connection, time)
            begun = charged(circuit, 1, policy, time.at)
            if job and begun != circuit:
                await connection_store.save_circuit(db, name, begun)
        return job or BUSY_SECONDS

    def _tell(self, job: RecheckJob, looked: Looked) -> None:
        for document in looked.late:
            metrics.LATE_DOCUMENTS.labels(job.recheck.connection).inc()
            log.warning("export.document_came_late", document=document.id)
        if looked.is_overwritten:
            log.warning("export.update_came_late")


async def _leased(db: Transaction, connection: Connection, time: ClaimTime) -> RecheckJob | None:
    lease_seconds, token = connection.settings.timeout_seconds + SETTLING_SECONDS, uuid4()
    until = time.at + timedelta(seconds=lease_seconds)
    recheck = await recheck_store.lease(db, connection.names, token, time.at, until)
    return RecheckJob(recheck, token, lease_seconds, time) if recheck else None
