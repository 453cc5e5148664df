"""Leases due exports: of each connection as many as its limit and its circuit allow."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from operator import itemgetter
from uuid import uuid4

from services.exporter.attempt import ExportJob
from services.exporter.circuits import Circuits
from services.exporter.connections import Connection, Connections
from services.exporter.rules.call_rate import CALLS_PER_EXPORT
from services.exporter.rules.circuit import (
    Circuit,
    CircuitPolicy,
    charged,
    circuit_policy,
    earliest_call,
    free_calls,
    may_hand_on,
    start_trial,
)
from services.exporter.rules.export import CommitmentExports
from services.exporter.rules.kept_attempts import abandoned_attempt
from services.exporter.rules.policy import RetryPolicy, policy_for
from services.exporter.rules.settling import begin_attempt
from services.exporter.storage import attempts, connection_store
from services.exporter.storage.due import ConnectionQueue, read_queues, read_under_way
from services.exporter.storage.locking import Due, Locked, due_ids, lock_due
from services.exporter.storage.store import ExportsChange, ExportStore
from services.pipeline.database import Database, Transaction
from services.pipeline.fold import StateChange
from services.pipeline.lease_clock import ClaimTime, LeaseClock
from services.pipeline.logs import FailureLog
from services.pipeline.splitting import lease_due
from services.pipeline.work import BUSY_SECONDS, MAX_IDLE_SECONDS, Claimed
from services.pipeline.writes import Writes

HAND_ON_SECONDS = 5.0
"""For how long a place is handed on from export to export before a claim looks at the connection again."""

UNCONFIGURED_LEASE_SECONDS = 30.0
"""Lease of an export whose connection is no longer configured: it is settled without a call."""


@dataclass(frozen=True, slots=True)
class HandedOn:
    """What is `due` in the places of exports that have ended, and the time of their claim."""

    connection: Connection
    due: Due
    time: ClaimTime


class Claiming:
    """Leases exports for one process."""

    def __init__(self, connections: Connections, store: ExportStore, clock: LeaseClock, circuits: Circuits) -> None:
        self._connections = connections
        self._store = store
        self._clock = clock
        self._failures = FailureLog()
        self._circuits = circuits
        self._gave_way: set[str] = set()

    async def claim(self, database: Database, limit: int, held: Sequence[str]) -> Claimed[ExportJob]:
        """Lease at most `limit` due exports of commitments that are not `held`, and commit."""
        asked_at = self._clock.stopwatch()
        async with database.autocommit() as db:
            now, queues = await read_queues(db, self._clock.given_time(), held)
        time = self._clock.claim_time(now, asked_at)
        queues = self._by_connection(queues)
        for queue in queues:
            self._circuits.saw(self._current_name(queue.name), queue.circuit)
        chosen = self._choose(queues, limit, time, held)
        if not chosen:
            return Claimed((), self._idle_seconds(queues, time))
        return Claimed(await self._lease(database, chosen, time), BUSY_SECONDS)

    def hand_on(self, ended: Sequence[ExportJob], limit: int) -> list[HandedOn]:
        """Return which exports may take the places of `ended`, at most `limit`, each on the same connection.

        None where the connection's row has to be looked at first: calls are held back or counted, the connection was
        reloaded, the lease may have been lost, or nobody has looked for a while.
        """
        places: dict[str, list[tuple[Connection, ClaimTime]]] = {}
        for job in ended:
            time = job.time.handed_on()
            if job.connection and self._may_hand_on(job.connection, job, time):
                places.setdefault(job.export.connection or "", []).append((job.connection, time))
        chosen: list[HandedOn] = []
        for name, each in sorted(places.items(), key=itemgetter(0)):
            if (free := min(len(each), limit)) > 0:
                connection, time = min(each, key=lambda place: place[1].handed_on_seconds)
                chosen.append(HandedOn(connection, Due(name, free, time.at), time))
                limit -= free
        return chosen

    async def begin(
        self,
        db: Transaction,
        writes: Writes,
        handed_on: Sequence[HandedOn],
        locked: Locked,
        recorded: Sequence[ExportJob],
        limit: int,
    ) -> list[ExportJob]:
        """Lease at most `limit` of what was `locked`, on each connection as much as was `recorded` there.

        Nothing once the answers have shown that calls are to be held back.
        """
        places = Counter(job.export.connection for job in recorded)
        jobs: list[ExportJob] = []
        for each in handed_on:
            if self._lets_calls_through(each.connection, each.time):
                name = each.due.connection
                due = [exports for exports in locked.due.values() if exports.connection == name]
                free = max(min(places[name], limit - len(jobs)), 0)
                jobs += await self._begin(db, writes, due[:free], locked.texts, each.time)
        return jobs

    def _may_hand_on(self, connection: Connection, job: ExportJob, time: ClaimTime) -> bool:
        is_same = self._connections.named(job.export.connection) is connection
        if not is_same or job.remaining_seconds <= 0 or time.handed_on_seconds > HAND_ON_SECONDS:
            return False
        return self._lets_calls_through(connection, time)

    def _lets_calls_through(self, connection: Connection, time: ClaimTime) -> bool:
        circuit = self._circuits.seen.get(connection.name, Circuit())
        return may_hand_on(circuit, circuit_policy(connection.settings), time.at)

    def _by_connection(self, queues: Sequence[ConnectionQueue]) -> list[ConnectionQueue]:
        """The queues, each with what holds for its connection, also of one whose name has changed since.

        What waits under a former name shares circuit and limits with everything else.
        """
        known = {queue.name: queue for queue in queues}
        found = []
        for queue in queues:
            names = self._connections.names_of(queue.name)
            leases = sum(known[name].leases for name in names if name in known)
            circuit = known[names[0]].circuit if names[0] in known else queue.circuit
            found.append(replace(queue, circuit=circuit, leases=leases))
        return found

    def _current_name(self, name: str) -> str:
        return self._connections.names_of(name)[0]

    def _choose(self, queues: Sequence[ConnectionQueue], limit: int, time: ClaimTime, held: Sequence[str]) -> list[Due]:
        """Choose by what was read without locks; the order of names is that in which the rows are locked."""
        chosen: list[Due] = []
        waiting = (queue for queue in queues if queue.due_at is not None)
        for queue in sorted(waiting, key=lambda queue: (self._current_name(queue.name), queue.due_at)):
            free = min(self._free(queue, time), limit)
            if free > 0 and queue.due_at is not None and queue.due_at <= time.at:
                chosen.append(Due(queue.name, free, time.at, held))
                limit -= free
        return chosen

    def _free(self, queue: ConnectionQueue, time: ClaimTime) -> int:
        """How many exports may be leased; exports of a connection that no process has in its file fail without a call.

        Those of a polled ERP are taken up when its client asks. What this process does not know may be in the file of
        another one, which has read a newer one or an older one.
        """
        connection = self._connections.named(queue.name)
        if connection is None:
            return 0 if queue.is_configured else self._connections.max_leases or 1
        if connection.is_polled:
            return 0
        return free_calls(queue.circuit, queue.leases, circuit_policy(connection.settings), time.at)

    def _idle_seconds(self, queues: Sequence[ConnectionQueue], time: ClaimTime) -> float:
        """How long until the next export is due; where all leases are taken, the end of a job wakes the worker."""
        calls = [self._earliest_call(queue, queue.due_at, time) for queue in queues if queue.due_at is not None]
        return min(((call - time.at).total_seconds() for call in calls if call > time.at), default=MAX_IDLE_SECONDS)

    def _earliest_call(self, queue: ConnectionQueue, due_at: datetime, time: ClaimTime) -> datetime:
        connection = self._connections.named(queue.name)
        policy = circuit_policy(connection.settings) if connection else CircuitPolicy()
        return earliest_call(queue.circuit, due_at, policy, time.at)

    async def _lease(self, database: Database, chosen: Sequence[Due], time: ClaimTime) -> list[ExportJob]:
        names: dict[str, str] = {}

        async def together(db: Transaction) -> list[ExportJob]:
            writes = Writes()
            jobs = [job for due in chosen for job in await self._lease_due(db, writes, due, time)]
            await writes.execute(db)
            return jobs

        async def keys(db: Transaction) -> Iterable[str]:
            names.update({id_: due.connection for due in chosen for id_ in await due_ids(db, due)})
            return names

        async def alone(db: Transaction, id_: str) -> list[ExportJob]:
            writes = Writes()
            jobs = await self._lease_due(db, writes, Due(names[id_], 1, time.at, only=id_), time)
            await writes.execute(db)
            return jobs

        return await lease_due(
            database,
            self._failures,
            together=together,
            due_keys=keys,
            alone=alone,
            set_aside=self._store.set_aside,
        )

    async def _lease_due(self, db: Transaction, writes: Writes, due: Due, time: ClaimTime) -> list[ExportJob]:
        """Lease what is `due` and still unlocked, within the limits that all processes share."""
        connection = self._connections.named(due.connection)
        if connection is None:
            return await self._take(db, writes, due, time)
        policy, circuit = (
            circuit_policy(connection.settings),
            await connection_store.locked_circuit(db, connection.name, time.at),
        )
        if connection.settings.formerly:
            await writes.execute(db)  # what was just leased under another name of it counts
        under_way = await read_under_way(db, connection.names, time.at)
        gives_way = under_way.is_look_due and circuit.open_since is None and self._gives_way(connection)
        free = min(free_calls(circuit, under_way.leases + gives_way, policy, time.at), due.limit)
        jobs = await self._take(db, writes, replace(due, limit=free), time) if free > 0 else []
        if jobs:
            begun = charged(start_trial(circuit, time.at, policy), len(jobs) * CALLS_PER_EXPORT, policy, time.at)
            if begun != circuit:
                await connection_store.save_circuit(db, connection.name, begun)
        return jobs

    def _gives_way(self, connection: Connection) -> bool:
        """Whether a place is left to a look that is due; every other time, so that exports have a turn as well."""
        self._gave_way ^= {connection.name}
        return connection.name in self._gave_way

    async def _take(self, db: Transaction, writes: Writes, due: Due, time: ClaimTime) -> list[ExportJob]:
        locked = await lock_due(db, due)
        return await self._begin(db, writes, list(locked.due.values()), locked.texts, time)

    async def _begin(
        self,
        db: Transaction,
        writes: Writes,
        due: Sequence[CommitmentExports],
        texts: Mapping[str, str],
        time: ClaimTime,
    ) -> list[ExportJob]:
        changes = [self._leased(exports, time) for exports in due]
        await self._store.save(db, writes, changes)
        for change in changes:
            attempts.keep(writes, abandoned_attempt(change.before, time.at))
        return [
            job_of(change.after, texts.get(change.key), time, self._connections.named(change.after.connection))
            for change in changes
        ]

    def _leased(self, exports: CommitmentExports, time: ClaimTime) -> ExportsChange:
        connection = self._connections.named(exports.connection)
        lease_seconds = connection.lease_seconds if connection else UNCONFIGURED_LEASE_SECONDS
        until = time.at + timedelta(seconds=lease_seconds)
        after = begin_attempt(exports, uuid4(), until, retry_policy(connection), time.at)
        return StateChange(exports.commitment_id, exports, after, ())


def retry_policy(connection: Connection | None) -> RetryPolicy:
    """The retry policy of `connection`."""
    return policy_for(connection.settings) if connection else RetryPolicy()


def job_of(
    exports: CommitmentExports, snapshot_text: str | None, time: ClaimTime, connection: Connection | None
) -> ExportJob:
    """The job of the export that has just been leased."""
    if exports.lease is None or exports.current is None:
        raise ValueError(f"{exports.commitment_id} is not leased")
    evidence = exports.evidence_for(exports.current)
    return ExportJob(
        exports.lease,
        exports.current,
        exports.document,
        snapshot_text,
        time,
        is_overruled=exports.is_overruled(exports.current),
        replaced=tuple(each.document for each in exports.replaced if not each.is_left),
        last=exports.last_document,
        evidence=evidence.document if evidence else None,
        is_confirmed=evidence is not None and evidence.is_confirmed,
        connection=connection,
    )
