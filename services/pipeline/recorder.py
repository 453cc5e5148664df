"""Records the results of jobs: those that end together in one transaction, and whatever that fails for alone."""

import asyncio
from collections.abc import Callable, Sequence
from contextvars import Context
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Generic

import structlog

from services.pipeline.crash import crash_at
from services.pipeline.database import Database, may_succeed_later
from services.pipeline.logs import FailureLog
from services.pipeline.outbox import Outbox
from services.pipeline.work import Ended, JobT, Places, ResultT, SettlesTogether, Work
from services.pipeline.writes import Writes

FIRST_PAUSE_SECONDS = 0.5
MAX_PAUSE_SECONDS = 5.0
MAX_DEFECTS = 3
"""How often recording a result may fail for a reason that waiting does not mend, before its row is set aside."""
MAX_TOGETHER = 64

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Recorded(Generic[JobT]):
    """A result that is recorded, and the job that takes the place."""

    following: JobT | None


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting(Generic[JobT, ResultT]):
    """A job whose result waits to be recorded; `recorded` is None where that has to be done alone."""

    ended: Ended[JobT, ResultT]
    recorded: asyncio.Future[_Recorded[JobT] | None] = field(default_factory=asyncio.Future)


class Recorder(Generic[JobT, ResultT]):
    """Records results; `places` returns how many jobs may follow on so many that have ended."""

    def __init__(
        self,
        database: Database,
        outbox: Outbox,
        work: Work[JobT, ResultT],
        places: Callable[[int], Places[JobT]],
    ) -> None:
        self._database = database
        self._outbox = outbox
        self._work = work
        self._places = places
        self._waiting: list[_Waiting[JobT, ResultT]] = []
        self._recording: asyncio.Task[None] | None = None
        self._failures = FailureLog()

    async def record(self, job: JobT, result: ResultT) -> JobT | None:
        """Record the result for as long as it takes, since nobody else knows it; return the job that takes its place.

        `settle` notices a lost lease.
        """
        if isinstance(self._work, SettlesTogether):
            waiting = _Waiting(Ended(job, result))
            self._waiting.append(waiting)
            if self._recording is None or self._recording.done():
                self._recording = asyncio.create_task(self._record_waiting(self._work), context=Context())
            recorded = await waiting.recorded
            if recorded is not None:
                return recorded.following
        await self._record_alone(job, result)
        return None

    async def close(self) -> None:
        """Give up what is being recorded."""
        if self._recording is not None:
            self._recording.cancel()
            await asyncio.wait([self._recording])

    async def _record_waiting(self, work: SettlesTogether[JobT, ResultT]) -> None:
        """Record what waits, and then what came meanwhile; so the slower the database, the more at a time."""
        while self._waiting:
            together, self._waiting = self._waiting[:MAX_TOGETHER], self._waiting[MAX_TOGETHER:]
            recorded: dict[Ended[JobT, ResultT], _Recorded[JobT]] = {}
            try:
                recorded = await self._record_together(work, [each.ended for each in together])
            except Exception as error:  # noqa: BLE001 - each is recorded alone: only one of them may be to blame
                self._report(error)
            finally:
                for each in together:
                    if not each.recorded.done():
                        each.recorded.set_result(recorded.get(each.ended))

    async def _record_together(
        self, work: SettlesTogether[JobT, ResultT], ended: Sequence[Ended[JobT, ResultT]]
    ) -> dict[Ended[JobT, ResultT], _Recorded[JobT]]:
        writes = Writes()
        async with self._database.begin() as db:
            settled = await work.settle_together(db, writes, ended, self._places(len(ended)))
            written = await self._outbox.write(writes, settled.events)
            await writes.execute(db)
            crash_at(f"{self._work.name}.before_settle_commit")
        crash_at(f"{self._work.name}.after_settle")
        self._outbox.hand_over(written)
        return {each: _Recorded(job) for each, job in zip_longest(settled.ended, settled.following)}

    async def _record_alone(self, job: JobT, result: ResultT) -> None:
        failures = defects = 0
        while True:
            try:
                if defects >= MAX_DEFECTS:
                    await self._set_aside(job, result)
                else:
                    await self._settle(job, result)
            except Exception as error:  # noqa: BLE001 - the answer in hand is worth every attempt
                self._report(error)
                failures, defects = failures + 1, defects + (not may_succeed_later(error))
                await asyncio.sleep(pause_seconds(failures))
            else:
                return

    async def _settle(self, job: JobT, result: ResultT) -> None:
        async with self._database.begin() as db:
            events = await self._work.settle(db, job, result)
            await self._outbox.add(db, events)
            crash_at(f"{self._work.name}.before_settle_commit")
        crash_at(f"{self._work.name}.after_settle")
        self._outbox.wake()

    async def _set_aside(self, job: JobT, result: ResultT) -> None:
        """Set aside a job whose result is known to be unrecordable."""
        async with self._database.begin() as db:
            await self._work.set_aside(db, job, "Its result cannot be recorded.")
        log.error("worker.result_set_aside", work=self._work.name, **self._work.described(job, result))

    def _report(self, error: Exception) -> None:
        report = self._failures.expected if may_succeed_later(error) else self._failures.defect
        report("worker.settle_repeated", error, work=self._work.name)


def pause_seconds(failures: int) -> float:
    """How long to wait after so many failures in a row."""
    return min(FIRST_PAUSE_SECONDS * 2.0 ** min(failures - 1, 10), MAX_PAUSE_SECONDS)
