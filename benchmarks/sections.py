"""The measurements. Contenders take turns in every round, so that the machine's drift hits all of them alike."""

from collections.abc import Sequence

from benchmarks import exports, latency, throughput
from benchmarks.events import Run, fill
from benchmarks.latency import Pace
from benchmarks.measured import Latency, Results, Throughput
from benchmarks.plan import Plan
from benchmarks.processes import COUNTERSIGN, Contender
from benchmarks.servers import Servers
from benchmarks.stock import stocked
from benchmarks.throughput import Backlog
from sandbox.servers.local_server import Report

COMPLETE_SECONDS = 1800
"""For measurements that are only meaningful when the whole backlog was done."""


class Sections:
    """Runs what the plan says, and keeps the results."""

    def __init__(self, servers: Servers, plan: Plan, contenders: Sequence[Contender], report: Report) -> None:
        self._servers = servers
        self._plan = plan
        self._contenders = contenders
        self._report = report
        self.results = Results()

    def run(self) -> None:
        """Run the sections of the plan."""
        sections = {
            "throughput": self.throughput,
            "latency": self.latency,
            "million": self.million,
            "drain": self.drain,
            "exports": self.exports,
            "doubt": self.doubt,
        }
        for name in self._plan.sections:
            sections[name]()

    def throughput(self) -> None:
        """Let every contender work off the same backlog."""
        backlog = self._new_backlog(self._plan.events)
        for number in range(self._plan.rounds):
            for contender in self._contenders:
                told = Backlog(backlog.run, backlog.count, self._servers.statuses_told())
                measured = self._on_new_database(contender, told, self._plan.limit_seconds)
                self.results.throughput.append(measured)
                self._report_rate(f"Throughput, round {number + 1}", contender, measured)

    def latency(self) -> None:
        """Send events to every contender at each rate."""
        plan = self._plan
        paces = [Pace(rate, plan.warm_up_seconds, plan.paced_seconds) for rate in plan.rates]
        for number in range(plan.rounds):
            for contender in self._contenders:
                self._servers.empty_topics()
                with self._servers.database() as database:
                    contender.prepare(database)
                    for measured in latency.measure(self._servers, contender, database, paces):
                        self.results.latency.append(measured)
                        self._report(f"Latency, round {number + 1}: {contender.title}, {_latency(measured)}")

    def million(self) -> None:
        """Let Countersign work on an empty database and on a full one in turns."""
        self._servers.empty_topics()
        self._report(f"Filling a database with {self._plan.stock:,} commitments")
        with stocked(self._servers, self._plan.stock) as full:
            for number in range(self._plan.rounds):
                backlog = self._new_backlog(self._plan.events)
                empty = self._on_new_database(COUNTERSIGN, backlog, COMPLETE_SECONDS)
                self.results.empty.append(empty)
                self._report_rate(f"Empty database, round {number + 1}", COUNTERSIGN, empty)
                told = Backlog(backlog.run, backlog.count, self._servers.statuses_told())
                million = throughput.measure(self._servers, COUNTERSIGN, full, told, COMPLETE_SECONDS)
                self.results.million.append(million)
                self._report_rate(f"{self._plan.stock:,} commitments, round {number + 1}", COUNTERSIGN, million)

    def drain(self) -> None:
        """Let Countersign work off a large backlog once."""
        backlog = self._new_backlog(self._plan.drain_events)
        drained = self._on_new_database(COUNTERSIGN, backlog, COMPLETE_SECONDS)
        self.results.drain.append(drained)
        self._report_rate(f"Drain of {backlog.count:,} events", COUNTERSIGN, drained)

    def exports(self) -> None:
        """Let the exporter write to a slow ERP: as fast as it can, and at half of that."""
        plan = self._plan
        for number in range(plan.rounds):
            rate = exports.throughput(self._servers, plan.exports)
            self.results.exports.append(rate)
            self._report(f"Exports, round {number + 1}: {rate.per_second:.1f} of {rate.ideal_per_second:.0f} a second")
            start = exports.start(self._servers, plan.started_exports, plan.starts_per_second)
            self.results.starts.append(start)
            self._report(
                f"Acceptance to call, round {number + 1}: p50 {start.p50_ms:.0f} ms, p99 {start.p99_ms:.0f} ms"
            )

    def doubt(self) -> None:
        """Measure how long a document of somebody else may slip in, and which late answers become second documents."""
        window = exports.between_question_and_write(self._servers, self._plan.exports)
        self.results.windows.append(window)
        self._report(f"Question to write: p50 {window.p50_ms:.1f} ms, p99 {window.p99_ms:.1f} ms")
        for late_seconds in self._plan.late_seconds:
            late = exports.late_answers(self._servers, self._plan.doubted_exports, late_seconds)
            self.results.late_answers.append(late)
            self._report(f"Stored {late_seconds:g} s after the deadline: {late.doubled} of {late.exports} twice")

    def _new_backlog(self, count: int) -> Backlog:
        self._servers.empty_topics()
        self._report(f"Filling the topic with {count:,} events")
        run = Run.new()
        fill(self._servers.bootstrap_servers, run, count)
        return Backlog(run, count, self._servers.statuses_told())

    def _on_new_database(self, contender: Contender, backlog: Backlog, limit_seconds: float) -> Throughput:
        with self._servers.database() as database:
            contender.prepare(database)
            return throughput.measure(self._servers, contender, database, backlog, limit_seconds)

    def _report_rate(self, what: str, contender: Contender, measured: Throughput) -> None:
        self._report(f"{what}: {contender.title}, {measured.events_per_second:,.0f} events/s")


def _latency(measured: Latency) -> str:
    if measured.p50_ms is None:
        return f"does not keep up with {measured.rate:,.0f} events/s"
    return f"p50 {measured.p50_ms:.1f} ms, p99 {measured.p99_ms:.1f} ms at {measured.rate:,.0f} events/s"
