"""Carries out work that rows stand for: claim rows under a lease, act, record the result."""

import asyncio
from collections.abc import Callable
from typing import Generic, cast

import structlog

from services.pipeline.database import Database, may_succeed_later
from services.pipeline.log_context import telling_of
from services.pipeline.logs import FailureLog
from services.pipeline.outbox import Outbox
from services.pipeline.periodic import is_set_within
from services.pipeline.recorder import Recorder, pause_seconds
from services.pipeline.work import MAX_IDLE_SECONDS, JobT, Places, ResultT, Work

DRAIN_SECONDS = 8.0
CANCEL_SECONDS = 1.0

log = structlog.get_logger()


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
        self._work = work
        self._concurrency = concurrency if callable(concurrency) else lambda: concurrency
        self._max_idle_seconds = max_idle_seconds
        self._may_claim = may_claim
        self._recorder = Recorder(database, outbox, work, self._places)
        self._may_be_due = asyncio.Event()
        self._running: dict[asyncio.Task[None], JobT] = {}
        self._failed_claims = 0
        self._stopping = asyncio.Event()
        self._failures = FailureLog()

    def wake(self) -> None:
        """Look for due jobs now instead of when the next one that is known falls due."""
        self._may_be_due.set()

    async def run(self, stopping: asyncio.Event) -> None:
        """Work until `stopping` is set; running jobs get DRAIN_SECONDS to end, after which their leases expire."""
        self._stopping = stopping
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
        if self._running:
            await asyncio.wait(self._running, timeout=DRAIN_SECONDS)
        for task in self._running:
            task.cancel()
        if self._running:
            # they release what they hold while the loop and the database are still available
            await asyncio.wait(self._running, timeout=CANCEL_SECONDS)
        await self._recorder.close()

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
        return pause_seconds(self._failed_claims)

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._running[task]
        self._may_be_due.set()

    async def _do(self, job: JobT) -> None:
        """Do the job, and then those to which it hands its place on."""
        following: JobT | None = job
        while following is not None:
            self._running[cast("asyncio.Task[None]", asyncio.current_task())] = following
            with telling_of(self._work.ids(following)):
                following = await self._do_one(following)

    async def _do_one(self, job: JobT) -> JobT | None:
        try:
            result = await self._work.perform(job)
        except Exception as error:  # noqa: BLE001 - a defect is an outcome too: else it would repeat with every lease
            self._failures.defect("worker.job_failed", error, work=self._work.name)
            result = self._work.failed(job, error)
        try:
            return await self._recorder.record(job, result)
        except asyncio.CancelledError:
            # the lease expires, and whoever claims the job next finds its outcome unknown
            log.warning("worker.result_not_recorded", work=self._work.name, **self._work.described(job, result))
            raise

    def _places(self, ended: int) -> Places[JobT]:
        """How many jobs may take the places of so many that ended: none while we stop, or if the limit has sunk."""
        held = list(self._running.values())
        may_go_on = not self._stopping.is_set() and self._may_claim()
        return Places(min(ended, self._concurrency() - len(held) + ended) if may_go_on else 0, held)
