"""Compares the ERP's documents with what was exported, each once a night, and tells approval what differs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from pydantic import SecretStr

from schemas.envelope import Event, new_event
from schemas.events import Change, EventData, ExportDrifted
from services.exporter import metrics
from services.exporter.circuits import Calls, Circuits
from services.exporter.connections import Connection, Connections
from services.exporter.connectors.protocol import reader_of
from services.exporter.connectors.types import ErpCopy, Gone, ReadAnswer, Transient
from services.exporter.rules.circuit import Heard, charged, circuit_policy, free_calls
from services.exporter.rules.drift import differences, next_comparison, told
from services.exporter.rules.marker import is_of_another
from services.exporter.rules.published_events import SOURCE
from services.exporter.storage import comparisons, connection_store
from services.exporter.storage.comparisons import Comparison
from services.exporter.storage.due import read_under_way
from services.pipeline.database import Database, Transaction
from services.pipeline.lease_clock import ClaimTime, LeaseClock
from services.pipeline.log_context import Ids
from services.pipeline.work import Claimed

RETRY_HOURS = 1
IDLE_SECONDS = 30.0
LEASE_MARGIN_SECONDS = 30.0
NOT_ASKED = Transient("Nothing was asked.", is_reached=True)
"""The answer where no call was made, which says nothing of the ERP."""

BROKEN = Transient("The connector failed.", is_reached=True)
"""The answer where the connector raised an error; it says nothing of the ERP either, but calls may have been made."""

CALLS = 2
"""A document is asked for by its id, and then perhaps by its number."""


@dataclass(frozen=True, slots=True)
class ComparisonJob:
    """A leased comparison, and the time of its lease."""

    comparison: Comparison
    time: ClaimTime


class ComparisonWork:
    """Compares documents, one at a time for each process: a night's work must not slow exports down."""

    name = "comparison"

    def __init__(self, connections: Connections, clock: LeaseClock) -> None:
        self._connections = connections
        self._clock = clock
        self._circuits = Circuits()
        self._last = ""

    async def claim(self, database: Database, limit: int, held: Sequence[ComparisonJob]) -> Claimed[ComparisonJob]:
        """Lease one due comparison, on each connection in turn whose ERP shows documents and takes calls now."""
        if held or limit < 1:
            return Claimed((), IDLE_SECONDS)
        for connection in self._in_turn():
            if job := await self._lease(database, connection):
                self._last = connection.name
                return Claimed((job,), IDLE_SECONDS)
        return Claimed((), IDLE_SECONDS)

    def _in_turn(self) -> list[Connection]:
        """The connections that are compared, beginning behind the last one."""
        compared = [each for each in self._connections.by_name.values() if _is_compared(each)]
        names = [each.name for each in compared]
        place = names.index(self._last) + 1 if self._last in names else 0
        return [*compared[place:], *compared[:place]]

    async def _lease(self, database: Database, connection: Connection) -> ComparisonJob | None:
        """Lease the first due comparison of a connection; None while it is held back, or its calls are all taken."""
        policy, asked_at = circuit_policy(connection.settings), self._clock.stopwatch()
        async with database.begin() as db:
            moment = await comparisons.time_if_due(db, connection.names, self._clock.given_time())
            if moment is None:
                return None
            time = self._clock.claim_time(moment, asked_at)
            circuit = await connection_store.locked_circuit(db, connection.name, time.at)
            under_way = await read_under_way(db, connection.names, time.at)
            if circuit.is_held_back(time.at) or free_calls(circuit, under_way.leases, policy, time.at) == 0:
                return None
            until = time.at + timedelta(seconds=CALLS * connection.settings.timeout_seconds + LEASE_MARGIN_SECONDS)
            leased = await comparisons.claim(db, connection.names, time.at, (uuid4(), until))
            begun = charged(circuit, CALLS, policy, time.at)
            if leased and begun != circuit:
                await connection_store.save_circuit(db, connection.name, begun)
        return ComparisonJob(leased, time) if leased else None

    async def perform(self, job: ComparisonJob) -> ReadAnswer:
        """Ask the ERP for the document."""
        async with self._connections.lent(job.comparison.connection) as connection:
            reader = reader_of(connection.connector) if connection else None
            if connection is None or reader is None:
                return NOT_ASKED
            return connection.usable.read(await reader.read(job.comparison.document.id))

    def failed(self, job: ComparisonJob, error: Exception) -> ReadAnswer:  # noqa: ARG002 - every one fails alike
        """Return the answer where the connector raised an error: none, although the ERP may have been asked."""
        return BROKEN

    async def settle(self, db: Transaction, job: ComparisonJob, result: ReadAnswer) -> Sequence[Event[EventData]]:
        """Save the result, and return the event that tells it if it is another one than was last told."""
        now, compared = job.time.now(), job.comparison
        await self._note_call(db, compared, result, now)
        outcome = _outcome(compared, result)
        if outcome is None:
            metrics.COMPARISONS.labels(compared.connection, "unread").inc()
            await comparisons.settle(db, compared, now + timedelta(hours=RETRY_HOURS), None, {})
            return ()
        is_missing, changes = outcome
        metrics.COMPARISONS.labels(compared.connection, _label(outcome)).inc()
        result_told = told(is_missing=is_missing, changes=changes)
        version = max(compared.told_version + 1, int(now.timestamp() * 1000))
        news = {"told": result_told, "told_version": version} if result_told != compared.told else {}
        if not await comparisons.settle(db, compared, self._next(compared, now), now, news) or not news:
            return ()
        return (_event(compared, version, now, is_missing=is_missing, changes=changes),)

    async def set_aside(self, db: Transaction, job: ComparisonJob, why: str) -> None:  # noqa: ARG002 - the log says it
        """Leave it until the next night."""
        await comparisons.settle(db, job.comparison, self._next(job.comparison, job.time.now()), None, {})

    def ids(self, job: ComparisonJob) -> Ids:
        """Return the commitment, the revision and the connection."""
        compared = job.comparison
        return {
            "commitment_id": compared.commitment_id,
            "revision": compared.revision,
            "connection": compared.connection,
        }

    def described(self, job: ComparisonJob, result: ReadAnswer) -> Mapping[str, Any]:
        """Return the kind of answer."""
        del job
        return {"answer": type(result).__name__}

    async def _note_call(self, db: Transaction, compared: Comparison, result: ReadAnswer, now: datetime) -> None:
        """Let the connection's circuit know how the call went, so that a night's work stops where exports would.

        Calls that were counted but not made are given back.
        """
        connection = self._connections.named(compared.connection)
        if connection is not None:
            heard = None if result is NOT_ASKED or result is BROKEN else Heard.of(result)
            calls = Calls(heard, _calls_made(compared, result) - CALLS)
            await self._circuits.record(db, connection, now, calls)

    def _next(self, compared: Comparison, now: datetime) -> datetime:
        return next_night(compared.commitment_id, self._connections.named(compared.connection), now)


async def compare_now(url: SecretStr, names: Sequence[str]) -> int:
    """Have all documents of the connection with these `names` compared now, by a running exporter; return how many."""
    database = Database(url, application_name="countersign")
    try:
        async with database.begin():
            now = database.clock()
        return await make_all_due(database, names, now)
    finally:
        await database.close()


async def make_all_due(database: Database, names: Sequence[str], now: datetime) -> int:
    """Have all documents of the connection with these `names` compared from `now` on, in portions; return how many."""
    count, after = 0, ""
    while True:
        async with database.begin() as db:
            ids = await comparisons.make_due(db, names, now, after)
        count += len(ids)
        if len(ids) < comparisons.MADE_DUE:
            return count
        after = ids[-1]


def next_night(commitment_id: str, connection: Connection | None, now: datetime) -> datetime:
    """When the commitment's document is compared next; in a day where its connection is not configured."""
    if connection is None:
        return now + timedelta(days=1)
    settings = connection.settings
    return next_comparison(commitment_id, now, settings.compare_at, settings.compare_hours)


def _calls_made(compared: Comparison, result: ReadAnswer) -> int:
    """How many calls a comparison made, as far as its answer shows; the second one asks for the number."""
    if result is NOT_ASKED:
        return 0
    return 1 if isinstance(result, ErpCopy) and result.document.id == compared.document.id else CALLS


def _is_compared(connection: Connection) -> bool:
    return connection.settings.compares_documents and reader_of(connection.connector) is not None


def _outcome(job: Comparison, result: ReadAnswer) -> tuple[bool, tuple[Change, ...]] | None:
    """Whether the document is missing, and what differs; None if the ERP did not show it."""
    match result:
        case ErpCopy(document) if document.id != job.document.id and not job.document.is_known_by_number:
            return True, ()  # it was asked for by its id, which another one has as its number
        case ErpCopy(document) if is_of_another(document.marker, job.commitment_id):
            return True, ()  # a restored ERP may give its id to the next document
        case ErpCopy():
            changes = differences(job.commitment_id, job.written, result) if job.written else ()
            return False, changes
        case Gone():
            return True, ()
        case _:
            return None


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
