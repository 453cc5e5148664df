"""Where the time for one event goes in the approval service: runs it with a sampling profiler on a backlog."""

import json
import os
import signal
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from benchmarks import throughput
from benchmarks.contenders.work import Place
from benchmarks.events import Run, fill
from benchmarks.measured import Throughput
from benchmarks.processes import COUNTERSIGN, Process, countersign_environment, pids
from benchmarks.servers import Servers
from benchmarks.throughput import Backlog
from sandbox.service_process import ServiceProcess

_LIMIT_SECONDS = 600
_WRITTEN_SECONDS = 10


class SampledService(ServiceProcess):
    """The approval service as `sampled_service` runs it."""

    def command(self) -> list[str]:
        """As usual, with the other module."""
        return [*super().command()[:-1], "benchmarks.sampled_service"]


def profile(servers: Servers, events: int) -> str:
    """Return a Markdown table with the share and the microseconds of each phase, over a backlog of `events`."""
    run = Run.new()
    fill(servers.bootstrap_servers, run, events)
    with tempfile.TemporaryDirectory() as folder, servers.database() as database:
        COUNTERSIGN.prepare(database)
        file = Path(folder, "samples.json")
        measured = throughput.measure(
            servers,
            replace(COUNTERSIGN, processes=lambda place: [_sampled(place, file)]),
            database,
            Backlog(run, events, servers.statuses_told()),
            _LIMIT_SECONDS,
            on_first=lambda processes: _signal(processes, signal.SIGUSR1),
            on_last=lambda processes: _stop_samples(processes, file),
        )
        return as_markdown(json.loads(file.read_text()), measured)


def as_markdown(samples: Mapping[str, Any], measured: Throughput) -> str:
    """Return the table for `samples`, which were taken during `measured`."""
    phases: Mapping[str, int] = samples["phases"]
    total = sum(phases.values())
    micros = measured.seconds / measured.events * 1_000_000
    rows = [
        f"| {phase} | {count / total:.1%} | {micros * count / total:.1f} |"
        for phase, count in sorted(phases.items(), key=lambda item: -item[1])
    ]
    head = ["| Phase | share | µs per event |", "| --- | --- | --- |"]
    sums = [f"| all, at {measured.events_per_second:,.0f} events/s on one core | 100% | {micros:.1f} |"]
    others = ", ".join(f"{place} {count / total:.1%}" for place, count in samples["others"].items())
    return "\n".join([*head, *rows, *sums, "", f"Most of everything else: {others or 'nothing'}."])


def _sampled(place: Place, file: Path) -> ServiceProcess:
    return SampledService("approval", countersign_environment(place) | {"BENCH_SAMPLES": str(file)})


def _signal(processes: Sequence[Process], number: signal.Signals) -> None:
    for pid in pids(processes):
        os.kill(pid, number)


def _stop_samples(processes: Sequence[Process], file: Path) -> None:
    _signal(processes, signal.SIGUSR2)
    deadline = monotonic() + _WRITTEN_SECONDS
    while not file.exists():
        if monotonic() > deadline:
            raise TimeoutError("the service did not write its samples")
        sleep(0.05)
