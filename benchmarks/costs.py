"""Measures what one commitment costs from its submission to its document in the ERP: CPU, WAL, tables, topics.

The whole system runs on this machine, which should do nothing else. A Markdown table goes to standard output, and with
`--json` the figures that `python -m benchmarks.scale` reads to a file.
"""

import asyncio
import os
import sys
import tempfile
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

from pydantic import SecretStr, TypeAdapter
from sqlalchemy import text

from benchmarks.report import machine
from benchmarks.spread import percentile
from benchmarks.usage import cpu_of_tree, peak_mb
from sandbox.erp import Calls, ErpFault, ErpFaultKind
from sandbox.erp.server import Erp
from sandbox.story.actors import Actors
from sandbox.world import World, WorldOptions, running_world
from schemas.envelope import encode, new_event
from schemas.events import CommitmentSent
from schemas.examples.cast import CONCRETE_1
from schemas.examples.example import submitted
from services.pipeline.broker import EventProducer
from services.pipeline.clock import utc_now
from services.pipeline.database import Database
from services.pipeline.names import SERVICES

WARM_UP = 40
TOGETHER = 50
"""How many commitments an approver accepts at once, at most."""
PATIENCE_SECONDS = 300
_WAL = text("select pg_current_wal_lsn() - '0/0'::pg_lsn")
_TABLES = text(
    "select sum(pg_total_relation_size(c.oid)) from pg_class c join pg_namespace n on n.oid = c.relnamespace "
    "where c.relkind = 'r' and n.nspname in ('approval', 'exporter', 'notifier', 'digest')"
)
_SESSIONS = text(
    "select split_part(application_name, '.', 2), count(*) from pg_stat_activity "
    "where application_name like 'countersign.%' group by 1"
)
_LATENCIES = text(
    "select extract(epoch from state_since - accepted_at) from exporter.export "
    "where state = 'succeeded' and commitment_id like :prefix order by 1"
)


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured, and how fast the ERP is."""

    commitments: int = 600
    per_second: float = 10.0
    call_seconds: float = 0.2
    max_in_flight: int = 16
    idle_seconds: float = 20.0


@dataclass(frozen=True, slots=True)
class Used:
    """What was used up to one moment: CPU seconds by process, and bytes."""

    cpu: Mapping[str, float]
    wal_bytes: int
    table_bytes: int
    kafka_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """Costs of one commitment, and of an idle second; `latencies_s` are from acceptance to document, sorted."""

    machine: str
    cores: int
    plan: Plan
    cpu_s: Mapping[str, float]
    idle_cpu_s: Mapping[str, float]
    wal_bytes: float
    table_bytes: float
    kafka_bytes: float
    sessions: Mapping[str, int]
    memory_mb: Mapping[str, float]
    latencies_s: Sequence[float]


COSTS = TypeAdapter(Costs)
DEFAULT = Plan()


class Rig:
    """The running system, with everything that tells what it has used."""

    def __init__(self, world: World) -> None:
        self.world = world
        url = SecretStr(world.environment["DATABASE_URL"])
        self.database = Database(url, application_name="benchmarks.costs", pool_size=1)

    async def used(self) -> Used:
        """Return what was used so far."""
        world = self.world
        pids = {name: world.services[name].pid for name in SERVICES}
        pids |= {"kafka": world.kafka.pid, "postgres": world.postgres.pid}
        wal, tables = [int((await self._asked(each))[0][0]) for each in (_WAL, _TABLES)]
        kafka = sum(path.stat().st_size for path in world.kafka.folder.rglob("*.log") if _is_of_a_topic(path))
        return Used({name: cpu_of_tree(pid) for name, pid in pids.items() if pid}, wal, tables, kafka)

    async def sessions(self) -> dict[str, int]:
        """Return how many sessions each service has on the database."""
        return {str(name): int(count) for name, count in await self._asked(_SESSIONS)}

    async def latencies(self, prefix: str) -> list[float]:
        """Return how long each export took, of commitments whose ids begin with `prefix`."""
        return [float(seconds) for (seconds,) in await self._asked(_LATENCIES, prefix=f"{prefix}%")]

    def memory_mb(self) -> dict[str, float]:
        """Return the peak memory of each service."""
        return {name: round(peak_mb([each.pid])) for name, each in self.world.services.items() if each.pid}

    async def _asked(self, question: Any, **given: str) -> Sequence[Any]:
        async with self.database.autocommit() as db:
            return (await db.execute(question, given)).all()


def _is_of_a_topic(path: Path) -> bool:
    return path.parent.name.rpartition("-")[2].isdigit()


async def measure(plan: Plan) -> Costs:
    """Send, accept and export commitments as `plan` says, and return what each has cost."""
    options = WorldOptions(erp_settings={"max_in_flight": plan.max_in_flight})
    with tempfile.TemporaryDirectory() as folder:
        async with running_world(Path(folder), options, _report) as world, Actors(world) as actors:
            assert isinstance(world.own_erp, Erp)  # noqa: S101 - it is the default of a world
            slow = ErpFault(kind=ErpFaultKind.SLOW, calls=Calls.EVERY, seconds=plan.call_seconds)
            world.own_erp.faults.switch_on(slow)
            return await _measured(Rig(world), actors, plan)


async def _measured(rig: Rig, actors: Actors, plan: Plan) -> Costs:
    try:
        _report("Warming up")
        await _exported(rig, actors, "warm", WARM_UP, plan.per_second)
        _report("Measuring")
        before = await rig.used()
        await _exported(rig, actors, "cost", plan.commitments, plan.per_second)
        after, sessions = await rig.used(), await rig.sessions()
        _report("Measuring what an idle system uses")
        await asyncio.sleep(plan.idle_seconds / 2)  # until what follows an export is done, too
        idle_before = await rig.used()
        await asyncio.sleep(plan.idle_seconds)
        idle_after, latencies = await rig.used(), await rig.latencies("cost-")
    finally:
        await rig.database.close()
    return Costs(
        machine=machine(),
        cores=os.cpu_count() or 1,
        plan=plan,
        cpu_s=_per(after.cpu, before.cpu, plan.commitments),
        idle_cpu_s=_per(idle_after.cpu, idle_before.cpu, plan.idle_seconds),
        wal_bytes=(after.wal_bytes - before.wal_bytes) / plan.commitments,
        table_bytes=(after.table_bytes - before.table_bytes) / plan.commitments,
        kafka_bytes=(after.kafka_bytes - before.kafka_bytes) / plan.commitments,
        sessions=sessions,
        memory_mb=rig.memory_mb(),
        latencies_s=[round(each, 4) for each in latencies],
    )


def _per(after: Mapping[str, float], before: Mapping[str, float], units: float) -> dict[str, float]:
    return {name: round((after[name] - before[name]) / units, 6) for name in after}


async def _exported(rig: Rig, actors: Actors, prefix: str, count: int, per_second: float) -> None:
    """Send `count` commitments at that rate, accept what waits, and return once all are in the ERP."""
    sending = asyncio.create_task(_send(rig.world, [f"{prefix}-{each:06}" for each in range(count)], per_second))
    deadline = monotonic() + count / per_second + PATIENCE_SECONDS
    while len(await rig.latencies(f"{prefix}-")) < count:
        if monotonic() > deadline:
            raise TimeoutError(f"not all of {count} commitments were exported")
        await _accept_waiting(actors)
        await asyncio.sleep(0.2)
    await sending


async def _send(world: World, ids: Sequence[str], per_second: float) -> None:
    producer, began = EventProducer(world.kafka_settings, "benchmarks"), monotonic()
    try:
        for place, each in enumerate(ids):
            await asyncio.sleep(began + place / per_second - monotonic())
            await producer.send([(CommitmentSent.topic, each, _submission(each, place))])
    finally:
        await asyncio.to_thread(producer.close)


def _submission(commitment_id: str, number: int) -> bytes:
    commitment = CONCRETE_1.model_copy(update={"id": commitment_id, "number": f"{commitment_id}-{number}"})
    data = CommitmentSent(**submitted(commitment, 1))
    return encode(new_event(data, source="benchmarks", time=utc_now()))


async def _accept_waiting(actors: Actors) -> None:
    rows = (await actors.rows("ready"))[:TOGETHER]
    if rows:
        await actors.accept_together(rows)


def as_table(costs: Costs) -> str:
    """Return the costs as Markdown."""
    cpu = [_cpu_row(f"CPU of {name}, ms", each, costs.idle_cpu_s[name]) for name, each in costs.cpu_s.items()]
    rows = [
        *cpu,
        _cpu_row("CPU of all, ms", sum(costs.cpu_s.values()), sum(costs.idle_cpu_s.values())),
        ("WAL, kB", f"{costs.wal_bytes / 1000:.1f}", ""),
        ("tables and indexes, kB", f"{costs.table_bytes / 1000:.1f}", ""),
        ("topics, kB", f"{costs.kafka_bytes / 1000:.1f}", ""),
    ]
    head = ["| cost | of one commitment | of one idle second |", "| --- | --- | --- |"]
    seconds = costs.latencies_s
    figures = ", ".join(f"p{each} {percentile(seconds, each):.2f} s" for each in (50, 95, 99))
    sessions = ", ".join(f"{name} {count}" for name, count in costs.sessions.items())
    memory = ", ".join(f"{name} {mb:.0f} MB" for name, mb in costs.memory_mb.items())
    return "\n".join(
        [
            *head,
            *(f"| {' | '.join(row)} |" for row in rows),
            "",
            f"Acceptance to document: {figures}. Database sessions: {sessions}. Peak memory: {memory}.",
            f"{costs.plan}. Measured on {costs.machine}.",
        ]
    )


def _cpu_row(name: str, seconds: float, idle_seconds: float) -> tuple[str, str, str]:
    return name, f"{seconds * 1000:.1f}", f"{idle_seconds * 1000:.1f}"


def main() -> int:
    """Measure what the arguments say; return 0."""
    parser = ArgumentParser(prog="python -m benchmarks.costs", description=__doc__)
    parser.add_argument("--commitments", type=int, default=DEFAULT.commitments)
    parser.add_argument("--per-second", type=float, default=DEFAULT.per_second)
    parser.add_argument("--call-seconds", type=float, default=DEFAULT.call_seconds, help="how long the ERP takes")
    parser.add_argument("--max-in-flight", type=int, default=DEFAULT.max_in_flight)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to FILE")
    wanted = parser.parse_args()
    plan = Plan(wanted.commitments, wanted.per_second, wanted.call_seconds, wanted.max_in_flight)
    costs = asyncio.run(measure(plan))
    print(as_table(costs))
    if wanted.json:
        wanted.json.write_bytes(COSTS.dump_json(costs, indent=1) + b"\n")
    return 0


def _report(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
