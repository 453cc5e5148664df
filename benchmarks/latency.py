"""How long it takes from an event to its status event, at a steady rate.

Measured from the moment at which the event was due, not from when it was sent, so a stall counts for every event that
had to wait behind it.
"""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic, sleep
from typing import Any

from confluent_kafka import Consumer

from benchmarks.events import Run, fill
from benchmarks.measured import Latency
from benchmarks.processes import Contender, Process, check_works
from benchmarks.servers import Servers
from benchmarks.spread import percentile
from schemas.events import CommitmentStatus

START_SECONDS = 60
GRACE_SECONDS = 2
_POLL_SECONDS = 0.1
_MAX_MESSAGES = 500


@dataclass(frozen=True, slots=True)
class Pace:
    """Events a second, how long to warm up, and how long to measure."""

    rate: float
    warm_up_seconds: float
    seconds: float

    @property
    def count(self) -> int:
        """All events."""
        return self.warm_up_count + int(self.rate * self.seconds)

    @property
    def warm_up_count(self) -> int:
        """The events that are not counted."""
        return int(self.rate * self.warm_up_seconds)


class StatusReader:
    """Reads status events as they appear, from now on."""

    def __init__(self, servers: Servers) -> None:
        self._consumer = Consumer(
            {
                "bootstrap.servers": servers.bootstrap_servers,
                "group.id": "bench-status-reader",
                "enable.auto.commit": False,
            }
        )
        self._consumer.assign(servers.ends([CommitmentStatus.topic]))

    def seen_at(self, run: Run, count: int, deadline: float) -> dict[int, float]:
        """Return when the status of each of the `count` events of `run` was read, of those read before `deadline`."""
        seen: dict[int, float] = {}
        while len(seen) < count and monotonic() < deadline:
            for number in self._numbers(run):
                seen.setdefault(number, monotonic())
        return seen

    def _numbers(self, run: Run) -> Iterator[int]:
        first = self._consumer.poll(_POLL_SECONDS)
        messages = [] if first is None else [first, *self._consumer.consume(_MAX_MESSAGES, 0)]
        numbers = (run.number_of(message.key()) for message in messages if not message.error())
        return (number for number in numbers if number is not None)

    def close(self) -> None:
        """Close the consumer."""
        self._consumer.close()


def measure(servers: Servers, contender: Contender, database: str, paces: Sequence[Pace]) -> Iterator[Latency]:
    """Yield the latency at each pace, until there is one that `contender` does not keep up with."""
    reader = StatusReader(servers)
    try:
        with contender.running(servers, database) as processes:
            _wait_until_it_works(servers, reader, processes)
            for pace in paces:
                latency = _at(pace, servers, contender, reader)
                check_works(processes)
                yield latency
                if latency.p50_ms is None:
                    return
    finally:
        reader.close()


def _wait_until_it_works(servers: Servers, reader: StatusReader, processes: Sequence[Process]) -> None:
    probe, deadline = Run.new(), monotonic() + START_SECONDS
    fill(servers.bootstrap_servers, probe, 1)
    while not reader.seen_at(probe, 1, monotonic() + 1):
        check_works(processes, deadline)
    while not all(process.is_ready() for process in processes):
        check_works(processes, deadline)
        sleep(_POLL_SECONDS)


def _at(pace: Pace, servers: Servers, contender: Contender, reader: StatusReader) -> Latency:
    run = Run.new()
    with _sending(servers, run, pace) as sender:
        begin = _said(sender)["begin"]
        last_due = begin + pace.count / pace.rate
        seen = reader.seen_at(run, pace.count, last_due + GRACE_SECONDS)
        late_ms = _said(sender)["late_p99_ms"]
    measured = range(pace.warm_up_count, pace.count)
    if len(seen) < pace.count:
        return Latency(contender.name, pace.rate, None, None, None, None, late_ms)
    waits_ms = sorted((seen[number] - begin - number / pace.rate) * 1000 for number in measured)
    p50, p95, p99 = (percentile(waits_ms, percent) for percent in (50, 95, 99))
    return Latency(contender.name, pace.rate, p50, p95, p99, waits_ms[-1], late_ms)


@contextmanager
def _sending(servers: Servers, run: Run, pace: Pace) -> Iterator[subprocess.Popen[str]]:
    arguments = [servers.bootstrap_servers, run.name, str(pace.rate), str(pace.count)]
    command = [sys.executable, "-m", "benchmarks.sender", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as sender:
        try:
            yield sender
        finally:
            sender.kill()


def _said(sender: subprocess.Popen[str]) -> Any:
    line = sender.stdout.readline() if sender.stdout else ""
    if not line:
        raise RuntimeError("the sender has ended")
    return json.loads(line)
