"""How fast a contender works off a backlog, and what that costs.

The clock starts when the first state is in the database and all processes are ready, and stops when the last status
event is readable. Both are seen from outside, so every contender is measured in the same way; what is done before does
not count.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import monotonic, sleep

import psycopg
from psycopg import sql

from benchmarks.events import Run
from benchmarks.measured import CpuSeconds, Throughput
from benchmarks.processes import Contender, ContenderFailed, Process, check_works, pids
from benchmarks.servers import Servers
from benchmarks.usage import cpu_seconds, peak_mb

FIRST_SECONDS = 60
_FIRST_POLL_SECONDS = 0.01
_POLL_SECONDS = 0.25  # Kafka's answers cost CPU time, which would be charged to slow contenders above all
_NEAR_POLL_SECONDS = 0.02
_NEAR = 0.9


@dataclass(frozen=True, slots=True)
class Instant:
    """How much was done at `at`, and the CPU time used until then."""

    at: float
    events: int
    cpu: CpuSeconds


@dataclass(frozen=True, slots=True)
class Backlog:
    """`count` events of `run` that are on the topic, and the number of status events before anybody reads them."""

    run: Run
    count: int
    statuses_before: int


class Course:
    """Follows from outside how the processes of one contender work off a backlog."""

    def __init__(
        self, servers: Servers, table: str, db: psycopg.Connection, backlog: Backlog, processes: Sequence[Process]
    ) -> None:
        self._servers = servers
        self._states = sql.SQL("from {} where id >= %s and id < %s").format(sql.Identifier(*table.split(".")))
        self._db = db
        self._backlog = backlog
        self._processes = processes

    def first(self) -> Instant:
        """Wait until there is a state and all processes are ready, for at most FIRST_SECONDS."""
        deadline = monotonic() + FIRST_SECONDS
        while not (self._ask("select exists(select {})") and all(process.is_ready() for process in self._processes)):
            check_works(self._processes, deadline)
            sleep(_FIRST_POLL_SECONDS)
        return self._now(self._states_saved())

    def last(self, limit_seconds: float) -> Instant:
        """Wait until the whole backlog is done, or for `limit_seconds`."""
        deadline = monotonic() + limit_seconds
        while (told := self._statuses_told()) < self._backlog.count and monotonic() < deadline:
            check_works(self._processes)
            sleep(_NEAR_POLL_SECONDS if told > _NEAR * self._backlog.count else _POLL_SECONDS)
        end = self._now(min(self._statuses_told(), self._backlog.count))
        if self._states_saved() < end.events:
            raise RuntimeError("there are more status events than states")
        return end

    def _now(self, events: int) -> Instant:
        used = cpu_seconds(pids(self._processes), self._servers.kafka_pid, self._servers.postgres_pid)
        return Instant(monotonic(), events, used)

    def _statuses_told(self) -> int:
        return self._servers.statuses_told() - self._backlog.statuses_before

    def _states_saved(self) -> int:
        return self._ask("select count(*) {}")

    def _ask(self, question: str) -> int:
        run = self._backlog.run
        row = self._db.execute(sql.SQL(question).format(self._states), (run.first_id, run.end_id)).fetchone()
        return row[0] if row else 0


def measure(
    servers: Servers,
    contender: Contender,
    database: str,
    backlog: Backlog,
    limit_seconds: float,
    *,
    on_first: Callable[[Sequence[Process]], None] = lambda _: None,
    on_last: Callable[[Sequence[Process]], None] = lambda _: None,
) -> Throughput:
    """Let `contender` work on `backlog` for at most `limit_seconds`; `database` is prepared for it."""
    with (
        psycopg.connect(database, autocommit=True) as db,
        contender.running(servers, database) as processes,
    ):
        course = Course(servers, contender.table, db, backlog, processes)
        begin = course.first()
        on_first(processes)
        end = course.last(limit_seconds)
        if end.events <= begin.events:
            raise ContenderFailed(
                "The backlog is too small: nothing was left when the clock started, or nothing was done."
            )
        on_last(processes)
        peak = peak_mb(pids(processes))
    return Throughput(contender.name, end.events - begin.events, end.at - begin.at, end.cpu - begin.cpu, peak)
