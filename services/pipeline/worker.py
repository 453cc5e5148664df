"""Carries out work that rows stand for, such as calls to an ERP: claim rows under a lease, act, record the result."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar, cast, runtime_checkable

import structlog

from schemas.envelope import Event
from schemas.events import EventData
from services.pipeline.crash import crash_at
from services.pipeline.database import Database, Transaction, may_succeed_later
from services.pipeline.logs import FailureLog
from services.pipeline.outbox import Outbox
from services.pipeline.periodic import is_set_within

DRAIN_SECONDS = 8.0
CANCEL_SECONDS = 1.0
MAX_IDLE_SECONDS = 2.0
"""How long a row may wait that another process inserted, and that this one was not told about."""
BUSY_SECONDS = 0.2
"""How long to wait where due rows are locked by somebody else."""
FIRST_PAUSE_SECONDS = 0.5
MAX_PAUSE_SECONDS = 5.0
MAX_DEFECTS = 3
"""How often recording a result may fail for a reason that waiting does not mend, before its row is set aside."""

JobT = TypeVar("JobT")
ResultT = TypeVar("ResultT")
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Claimed(Generic[JobT]):
    """The jobs that were leased; where there are none, `idle_seconds` is how long until one may be due."""

    jobs: Sequence[JobT]
    idle_seconds: float = 0.0


class Work(Protocol[JobT, ResultT]):
    """One kind of work with an effect outside the database."""

    @property
    def name(self) -> str:
        """The name for logs and crash points."""
        ...

    async def claim(self, database: Database, limit: int, held: Sequence[JobT]) -> Claimed[JobT]:
        """Take at most `limit` due jobs under a lease longer than their deadline, and commit.

        A row that cannot be read is set aside. Jobs in `held` are still being worked on here, so they are not taken
        again although their leases may have expired while the database was away.
        """
        ...

    async def perform(self, job: JobT) -> ResultT:
        """Do the job, outside any transaction; an expected failure of the other side is a result, not an exception."""
        ...

    def failed(self, job: JobT, error: Exception) -> ResultT:
        """Return the result of a job that raised `error` before it had any effect."""
        ...

    async def settle(self, db: Transaction, job: JobT, result: ResultT) -> Sequence[Event[EventData]]:
        """Record the result if the lease is still ours, and return the events to publish."""
        ...

    async def set_aside(self, db: Transaction, job: JobT, why: str) -> None:
        """Take a job whose result cannot be recorded out of the claims, for an operator to look at."""
        ...

    def described(self, job: JobT, result: ResultT) -> Mapping[str, Any]:
        """Return what a log line says about a result: ids, never payloads or addresses."""
        ...


@runtime_checkable
class HandsOn(Protocol[JobT]):
    """What work also is if a job that ends can hand its place on to the next one, without a claim in between."""

    async def next_job(self, db: Transaction, job: JobT, held: Sequence[JobT]) -> JobT | None:
        """Lease the job that takes the place of `job`, in the transaction that ends it; None if a claim has to look."""
        ...


class Worker(Generic[JobT, ResultT]):
    """Performs one kind of work, at most `concurrency` jobs at a time, which may change meanwhile."""

    def __init__(
        self,
        database: Database,
        outbox: Outbox,
        work: Work[JobT, ResultT],
        *,
        concurrency: int | Callable[[], int] = 16,
        max_idle_seconds: float = MAX_IDLE_SECONDS,
        may_claim: Callable[[], bool] = lambda: True,
    ) -> None:
        self._database = database
        self._outbox = outbox
        self._work = work
        self._concurrency = concurrency if callable(concurrency) else lambda: concurrency
        self._max_idle_seconds = max_idle_seconds
        self._may_claim = may_claim
        self._may_be_due = asyncio.Event()
        self._running: dict[asyncio.Task[None], JobT] = {}
        self._failed_claims = 0
        self._is_draining = False
        self._failures = FailureLog()

    def wake(self) -> None:
        """Look for due jobs now instead of when the next one that is known falls due."""
        self._may_be_due.set()

    async def run(self, stopping: asyncio.Event) -> None:
        """Work until `stopping` is set; running jobs get DRAIN_SECONDS to end, after which their leases expire."""
        waking = asyncio.create_task(self._wake_when(stopping))
        try:
            while not stopping.is_set():
                self._may_be_due.clear()
                await is_set_within(self._may_be_due, await self._start_due_jobs())
            await self._drain()
        finally:
            waking.cancel()

    async def _wake_when(self, stopping: asyncio.Event) -> None:
        await stopping.wait()
        self._may_be_due.set()

    async def _drain(self) -> None:
        self._is_draining = True
        if self._running:
            await asyncio.wait(self._running, timeout=DRAIN_SECONDS)
        for task in self._running:
            task.cancel()
        if self._running:
            # they release what they hold while the loop and the database are still available
            await asyncio.wait(self._running, timeout=CANCEL_SECONDS)

    async def _start_due_jobs(self) -> float:
        """Start what is due, and return how many seconds to wait before looking again."""
        free = self._concurrency() - len(self._running)
        if free <= 0 or not self._may_claim():
            return self._max_idle_seconds  # a job that ends wakes us, and so does a service that may claim again
        try:
            claimed = await self._work.claim(self._database, free, list(self._running.values()))
        except Exception as error:  # noqa: BLE001 - whatever is wrong with a claim, running jobs have to be settled
            return self._after_failed_claim(error)
        self._failed_claims = 0
        for job in claimed.jobs:
            task = asyncio.create_task(self._do(job))
            self._running[task] = job
            task.add_done_callback(self._ended)
        return 0.0 if claimed.jobs else min(claimed.idle_seconds, self._max_idle_seconds)

    def _after_failed_claim(self, error: Exception) -> float:
        report = self._failures.expected if may_succeed_later(error) else self._failures.defect
        report("worker.claim_failed", error, work=self._work.name)
        self._failed_claims += 1
        return _pause_seconds(self._failed_claims)

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._running[task]
        self._may_be_due.set()

    async def _do(self, job: JobT) -> None:
        """Do the job, and then those to which it hands its place on."""
        following: JobT | None = job
        while following is not None:
            following = await self._do_one(following)

    async def _do_one(self, job: JobT) -> JobT | None:
        try:
            result = await self._work.perform(job)
        except Exception as error:  # noqa: BLE001 - a defect is an outcome too: else it would repeat with every lease
            self._failures.defect("worker.job_failed", error, work=self._work.name)
            result = self._work.failed(job, error)
        try:
            return await self._settle(job, result)
        except asyncio.CancelledError:
            # the lease expires, and whoever claims the job next finds its outcome unknown
            log.warning("worker.result_not_recorded", work=self._work.name, **self._work.described(job, result))
            raise

    async def _settle(self, job: JobT, result: ResultT) -> JobT | None:
        """Record the result for as long as it takes, since nobody else knows it; `settle` notices a lost lease."""
        failures = defects = 0
        while True:
            try:
                if defects >= MAX_DEFECTS:
                    await self._set_aside(job, result)
                    return None
                # what could not be recorded at once is recorded alone: the next job may have been to blame
                return await self._record(job, result, hands_on=failures == 0)
            except Exception as error:  # noqa: BLE001 - the answer in hand is worth every attempt
                is_passing = may_succeed_later(error)
                report = self._failures.expected if is_passing else self._failures.defect
                report("worker.settle_repeated", error, work=self._work.name)
                failures, defects = failures + 1, defects + (not is_passing)
                await asyncio.sleep(_pause_seconds(failures))

    async def _set_aside(self, job: JobT, result: ResultT) -> None:
        """Set aside a job whose result is known to be unrecordable."""
        async with self._database.begin() as db:
            await self._work.set_aside(db, job, "Its result cannot be recorded.")
        log.error("worker.set_aside", work=self._work.name, **self._work.described(job, result))

    async def _record(self, job: JobT, result: ResultT, *, hands_on: bool) -> JobT | None:
        """Record the result, and return the job that takes its place, if there is one."""
        async with self._database.begin() as db:
            events = await self._work.settle(db, job, result)
            await self._outbox.add(db, events)
            following = await self._next_job(db, job) if hands_on else None
            crash_at(f"{self._work.name}.before_settle_commit")
        crash_at(f"{self._work.name}.after_settle")
        self._outbox.wake()
        if following is not None:
            self._running[cast("asyncio.Task[None]", asyncio.current_task())] = following
        return following

    async def _next_job(self, db: Transaction, job: JobT) -> JobT | None:
        may_go_on = not self._is_draining and self._may_claim() and len(self._running) <= self._concurrency()
        if not may_go_on or not isinstance(self._work, HandsOn):
            return None
        others = [each for task, each in self._running.items() if task is not asyncio.current_task()]
        following: JobT | None = await self._work.next_job(db, job, others)
        return following


def _pause_seconds(failures: int) -> float:
    """How long to wait after so many failures in a row."""
    return min(FIRST_PAUSE_SECONDS * 2.0 ** min(failures - 1, 10), MAX_PAUSE_SECONDS)
