"""Carries out work that rows stand for, such as calls to an ERP: claim rows under a lease, act, record the result."""

import asyncio
from collections.abc import Sequence
from typing import Generic, Protocol, TypeVar

import structlog

from schemas.envelope import Event
from schemas.events import EventData
from services.pipeline.crash import crash_at
from services.pipeline.database import DATABASE_ERRORS, Database, Transaction
from services.pipeline.outbox import Outbox
from services.pipeline.periodic import is_set_within

DRAIN_SECONDS = 8.0
CANCEL_SECONDS = 1.0
SETTLE_ATTEMPTS = 5
PAUSE_SECONDS = 0.5

JobT = TypeVar("JobT")
ResultT = TypeVar("ResultT")
log = structlog.get_logger()


class Work(Protocol[JobT, ResultT]):
    """One kind of work with an effect outside the database."""

    @property
    def name(self) -> str:
        """The name for logs and crash points."""
        ...

    async def claim(self, db: Transaction, limit: int) -> Sequence[JobT]:
        """Take at most `limit` due jobs under a lease longer than their deadline; committed before any is performed."""
        ...

    async def perform(self, job: JobT) -> ResultT:
        """Do the job, outside any transaction; an expected failure of the other side is a result, not an exception."""
        ...

    async def settle(self, db: Transaction, job: JobT, result: ResultT) -> Sequence[Event[EventData]]:
        """Record the result if the lease is still ours, and return the events to publish."""
        ...


class Worker(Generic[JobT, ResultT]):
    """Performs one kind of work, at most `concurrency` jobs at a time."""

    def __init__(
        self,
        database: Database,
        outbox: Outbox,
        work: Work[JobT, ResultT],
        *,
        concurrency: int = 16,
        poll_seconds: float = 0.2,
    ) -> None:
        self._database = database
        self._outbox = outbox
        self._work = work
        self._concurrency = concurrency
        self._poll_seconds = poll_seconds
        self._may_be_due = asyncio.Event()
        self._running: set[asyncio.Task[None]] = set()

    def wake(self) -> None:
        """Look for due jobs now instead of at the next poll."""
        self._may_be_due.set()

    async def run(self, stopping: asyncio.Event) -> None:
        """Work until `stopping` is set; running jobs get DRAIN_SECONDS to end, after which their leases expire."""
        while not stopping.is_set():
            self._may_be_due.clear()
            if await self._start_due_jobs() == 0:
                await is_set_within(self._may_be_due, self._poll_seconds)
        await self._drain()

    async def _drain(self) -> None:
        if self._running:
            await asyncio.wait(self._running, timeout=DRAIN_SECONDS)
        for task in self._running:
            task.cancel()
        if self._running:
            # they release what they hold while the loop and the database are still available
            await asyncio.wait(self._running, timeout=CANCEL_SECONDS)

    async def _start_due_jobs(self) -> int:
        free = self._concurrency - len(self._running)
        if free == 0:
            return 0
        try:
            async with self._database.begin() as db:
                jobs = await self._work.claim(db, free)
        except DATABASE_ERRORS as error:
            log.warning("worker.claim_failed", work=self._work.name, cause=type(error).__name__)
            await asyncio.sleep(PAUSE_SECONDS)
            return 0
        for job in jobs:
            task = asyncio.create_task(self._do(job))
            self._running.add(task)
            task.add_done_callback(self._ended)
        return len(jobs)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._may_be_due.set()

    async def _do(self, job: JobT) -> None:
        try:
            result = await self._work.perform(job)
            await self._settle(job, result)
        except Exception:
            # the lease expires, and whoever claims the job next finds its outcome unknown
            log.exception("worker.job_failed", work=self._work.name)

    async def _settle(self, job: JobT, result: ResultT) -> None:
        for attempt in range(1, SETTLE_ATTEMPTS + 1):
            try:
                async with self._database.begin() as db:
                    events = await self._work.settle(db, job, result)
                    await self._outbox.add(db, events)
                    crash_at(f"{self._work.name}.before_settle_commit")
            except DATABASE_ERRORS as error:
                if attempt == SETTLE_ATTEMPTS:
                    raise
                log.warning("worker.settle_repeated", work=self._work.name, cause=type(error).__name__)
                await asyncio.sleep(PAUSE_SECONDS * attempt)
            else:
                crash_at(f"{self._work.name}.after_settle")
                self._outbox.wake()
                return
