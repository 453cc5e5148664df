"""An exporter that a test runs step by step: a real database, the sandbox's ERP, and a clock that the test sets."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from pydantic import SecretStr
from sqlalchemy import select

from sandbox.erp.rules import Rules
from sandbox.erp.running import running_erp
from sandbox.erp.server import Erp
from schemas.envelope import Event, decode
from schemas.events import EventData
from services.exporter.attempt import AttemptResult, ExportJob
from services.exporter.connections import Connection, Connections, load_connections
from services.exporter.connectors.protocol import Connector
from services.exporter.handlers import handlers
from services.exporter.polling.conversation_work import ConversationWork
from services.exporter.polling.conversations import Conversations
from services.exporter.polling.exports import PolledExports
from services.exporter.polling.lists import ListReading
from services.exporter.polling.looks import PolledLooks
from services.exporter.rechecking import RecheckWork
from services.exporter.report import ConnectionReport
from services.exporter.storage import tables
from services.exporter.storage.store import ExportStore
from services.exporter.work import ExportWork
from services.pipeline.database import Database
from services.pipeline.lease_clock import LeaseClock
from services.pipeline.outbox import Outbox
from services.pipeline.work import Ended, Places, Settled
from services.pipeline.writes import Writes
from tests.folding import fold
from tests.unit.exporter.builders import NOW

SETTLE_SECONDS = 30
TOKEN = SecretStr("s3cret")


@dataclass
class Clock:
    """A clock that moves only when the test advances it."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        """Move the clock forward."""
        self.now += timedelta(seconds=seconds)

    def seconds(self) -> float:
        """Return the seconds since the test began, as a stopwatch does."""
        return (self.now - NOW).total_seconds()


@dataclass
class ExporterProcess:
    """One exporter process without Kafka: the test passes events in, and reads what it published from the outbox."""

    database: Database
    connections: Connections
    erp: Erp
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.store = ExportStore()
        self.outbox = Outbox(tables.KERNEL)
        clock = LeaseClock(self.clock, self.clock.seconds)
        self.work = ExportWork(self.connections, self.store, clock)
        self.recheck_work = RecheckWork(self.connections, self.store, clock)
        self.conversations = Conversations(
            self.database,
            self.outbox,
            self.connections,
            ConversationWork(
                self.store, PolledExports(self.store, self.work), PolledLooks(self.recheck_work), ListReading()
            ),
            clock,
        )
        self.connection_report = ConnectionReport(self.database, self.outbox, self.connections, self.clock)

    def with_connector(self, connector: Connector, token: SecretStr | None = None) -> "ExporterProcess":
        """Return another process whose connection `main` has this connector and `token`."""
        settings = self.connections.by_name["main"].settings
        connections = Connections({"main": Connection(settings, connector, token)})
        return ExporterProcess(self.database, connections, self.erp, self.clock)

    def sibling(self) -> "ExporterProcess":
        """Return another process on the same database and ERP, with a clock of its own."""
        return ExporterProcess(self.database, self.connections, self.erp, Clock(self.clock.now))

    async def consume(self, *events: Event[EventData]) -> None:
        """Process `events` as one batch."""
        async with self.database.begin() as db:
            states = await self.store.load(db, sorted({event.subject for event in events}))
            folded = fold(handlers(self.connections.route), states, events, self.clock())
            writes = Writes()
            await self.store.save(db, writes, folded.changes)
            await self.outbox.write(writes, folded.publish)
            await writes.execute(db)

    async def claim(self, limit: int = 16) -> Sequence[ExportJob]:
        """Lease what is due."""
        return (await self.work.claim(self.database, limit, ())).jobs

    async def settle(self, job: ExportJob, result: AttemptResult) -> None:
        """Save the result of an attempt, and publish what follows."""
        async with self.database.begin() as db:
            await self.outbox.add(db, await self.work.settle(db, job, result))

    async def settle_together(
        self, *ended: Ended[ExportJob, AttemptResult], free: int | None = None, held: Sequence[ExportJob] = ()
    ) -> Settled[ExportJob, AttemptResult]:
        """Save the results together, publish what follows, and lease jobs in the places of these, or in `free` ones."""
        writes, jobs = Writes(), [each.job for each in ended]
        places = Places(len(jobs) if free is None else free, [*jobs, *held])
        async with self.database.begin() as db:
            settled = await self.work.settle_together(db, writes, ended, places)
            await self.outbox.write(writes, settled.events)
            await writes.execute(db)
        return settled

    async def work_once(self, limit: int = 16) -> int:
        """Claim, perform and settle what is due, and return how many jobs there were."""
        jobs = await self.claim(limit)
        for job in jobs:
            await self.settle(job, await self.work.perform(job))
        return len(jobs)

    async def look_once(self) -> int:
        """Claim, perform and settle the looks for late documents that are due, and return how many there were."""
        jobs = (await self.recheck_work.claim(self.database, 16, ())).jobs
        for job in jobs:
            answer = await self.recheck_work.perform(job)
            async with self.database.begin() as db:
                await self.outbox.add(db, await self.recheck_work.settle(db, job, answer))
        return len(jobs)

    async def published(self) -> list[Event[EventData]]:
        """Return every event in the outbox, in order."""
        async with self.database.begin() as db:
            rows = await self.outbox.oldest(db, 10_000)
        return [decode(row.topic, row.key.encode(), row.value, (), NOW) for row in rows]

    async def last_published(self) -> Event[EventData]:
        """Return the event that was published last."""
        return (await self.published())[-1]

    async def published_topics(self) -> list[str]:
        """Return the topic of every event in the outbox, in order."""
        return [event.data.topic for event in await self.published()]

    async def export_states(self) -> list[str]:
        """Return the state of every export, by commitment and revision."""
        table = tables.EXPORT
        chosen = select(table.c.state).order_by(table.c.commitment_id, table.c.revision)
        async with self.database.begin() as db:
            return list(await db.scalars(chosen))


@asynccontextmanager
async def running_exporter(
    database_url: str, folder: Path, *, is_reference_unique: bool = False, settings: str = "", url: str | None = None
) -> AsyncIterator[ExporterProcess]:
    """Run an exporter with one connection, `main`, for the company co-1, on a database that has the tables.

    `settings` are more lines of TOML for the connection; `url` is that of an ERP of one's own.
    """
    database = Database(SecretStr(database_url), application_name="test", pool_size=24)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(database.close)
        erp = await stack.enter_async_context(
            running_erp(token=TOKEN, rules=Rules(is_reference_unique=is_reference_unique))
        )
        path = folder / "connections.toml"
        path.write_text(
            _connection(url or erp.url, is_reference_unique=is_reference_unique) + settings, encoding="utf-8"
        )
        connections = load_connections(path, {"ERP_TOKEN": TOKEN.get_secret_value()})
        for each in connections.by_name.values():
            stack.push_async_callback(each.connector.close)
        exporter = ExporterProcess(database, connections, erp)
        await exporter.connection_report.report()
        yield exporter


def _connection(url: str, *, is_reference_unique: bool) -> str:
    return f"""
    [[connection]]
    name = "main"
    kind = "http"
    title = "Main books"
    url = "{url}"
    companies = ["co-1"]
    token_env = "ERP_TOKEN"
    timeout_seconds = 10
    settle_seconds = {SETTLE_SECONDS}
    enforces_reference = {str(is_reference_unique).lower()}
    """
