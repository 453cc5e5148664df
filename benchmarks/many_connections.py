"""Measures what an exporter with nothing to do uses, by the number of its connections.

It starts Kafka and PostgreSQL itself, and needs no ERP. A Markdown table goes to standard output.
"""

import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, sleep
from typing import ClassVar
from urllib.request import urlopen

from benchmarks.report import machine
from benchmarks.servers import Servers, prepare_for_exporter
from benchmarks.usage import cpu_of_tree, peak_mb
from sandbox.service_process import ServiceProcess

COUNTS = (1, 100, 1_000, 10_000)
SETTLING_SECONDS, IDLE_SECONDS = 15.0, 30.0


class _Exporter(ServiceProcess):
    start_seconds: ClassVar[float] = 600


@dataclass(frozen=True, slots=True)
class Idle:
    """What the exporter and PostgreSQL used in a second, and how large its metrics were."""

    connections: int
    start_seconds: float
    exporter_s: float
    postgres_s: float
    memory_mb: float
    metrics_kb: float
    metrics_seconds: float


def measure(servers: Servers, count: int) -> Idle:
    """Run an exporter with `count` connections for a while; each belongs to a company of its own."""
    with servers.database() as database, TemporaryDirectory() as folder:
        prepare_for_exporter(database)
        path = Path(folder) / "connections.toml"
        path.write_text("\n".join(map(connection_text, range(count))))
        environment = {
            "KAFKA_BOOTSTRAP_SERVERS": servers.bootstrap_servers,
            "DATABASE_URL": database,
            "ERP_CONNECTIONS": str(path),
            "ERP_TOKEN": "only-for-measuring-here",
        }
        began = perf_counter()
        with _Exporter("exporter", environment) as exporter:
            return _idle(servers, exporter, count, perf_counter() - began)


def _idle(servers: Servers, exporter: ServiceProcess, count: int, start_seconds: float) -> Idle:
    pid = exporter.pid or 0
    sleep(SETTLING_SECONDS)  # nothing tells when it is idle
    before = cpu_of_tree(pid), cpu_of_tree(servers.postgres_pid)
    sleep(IDLE_SECONDS)
    after = cpu_of_tree(pid), cpu_of_tree(servers.postgres_pid)
    asked_at = perf_counter()
    with urlopen(f"{exporter.url}/metrics", timeout=60) as answer:  # noqa: S310 - our own service
        metrics = answer.read()
    seconds = perf_counter() - asked_at
    exporter_s, postgres_s = ((later - earlier) / IDLE_SECONDS for earlier, later in zip(before, after, strict=True))
    return Idle(count, start_seconds, exporter_s, postgres_s, peak_mb([pid]), len(metrics) / 1000, seconds)


def connection_text(number: int) -> str:
    """Return a connection of a company of its own, to an ERP that is away, as the file of connections has it."""
    return (
        f'[[connection]]\nname = "erp-{number}"\nkind = "http"\ntitle = "ERP {number}"\nurl = "http://127.0.0.1:1"\n'
        f'companies = ["company-{number}"]\ntoken_env = "ERP_TOKEN"\n'
    )


def as_table(measured: Sequence[Idle]) -> str:
    """Return the measurements as Markdown."""
    cpu = ("CPU of the exporter, ms/s", "of PostgreSQL, ms/s")
    head = ("connections", "start, s", *cpu, "peak memory, MB", "metrics, kB", "scrape, s")
    rows = [
        (
            f"{each.connections:,}",
            f"{each.start_seconds:.1f}",
            f"{each.exporter_s * 1000:.0f}",
            f"{each.postgres_s * 1000:.0f}",
            f"{each.memory_mb:.0f}",
            f"{each.metrics_kb:,.0f}",
            f"{each.metrics_seconds:.2f}",
        )
        for each in measured
    ]
    table = "\n".join(f"| {' | '.join(line)} |" for line in (head, ["---"] * len(head), *rows))
    return f"{table}\n\nMeasured on {machine()}."


def main() -> int:
    """Measure each count; return 0."""
    parser = ArgumentParser(prog="python -m benchmarks.many_connections", description=__doc__)
    parser.add_argument("--counts", type=lambda text: tuple(map(int, text.split(","))), default=COUNTS, metavar="N,…")
    wanted = parser.parse_args()
    with Servers(_report) as servers:
        measured = []
        for count in wanted.counts:
            _report(f"{count:,} connections")
            measured.append(measure(servers, count))
    print(as_table(measured))
    return 0


def _report(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
