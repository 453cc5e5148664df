"""An update and the way back, process by process, while people work: nothing is lost and nothing is written twice."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

from pydantic import SecretStr
from sqlalchemy import text

from sandbox.configuration import DATABASE
from sandbox.drill.statuses import following, in_figures
from sandbox.drill.traffic import accepting, send, some_ids
from sandbox.service_process import ServiceProcess
from sandbox.started import started
from sandbox.world import World, WorldOptions, running_world
from services.pipeline.database import Database
from services.pipeline.names import SERVICES
from tests.chaos.all_is_well import assert_all_is_well
from tests.chaos.releases import ROOT, previous_release

GREEN_WITHIN_SECONDS = 150
PATIENCE = {"timeout_seconds": 2.0, "settle_seconds": 2.0, "first_probe_seconds": 0.5, "max_in_flight": 100}
WRONG = ("[error", "[critical", "Traceback")
"""What no line of a log may contain during an update."""


@dataclass(frozen=True)
class Size:
    per_second: float
    seconds: float
    side_by_side_seconds: float
    """For how long both versions of a service run."""

    updates: int
    """How often the new version comes, and the way back each time after it."""


SHORT = Size(per_second=8, seconds=40, side_by_side_seconds=1, updates=1)
LONG = Size(per_second=17, seconds=180, side_by_side_seconds=3, updates=1)
"""Six events follow from a submission that is accepted, so this is a hundred events in a second."""


@dataclass
class Fleet:
    """The processes of one world, of two versions; `logs` has what those said that have ended."""

    world: World
    stack: AsyncExitStack
    running: dict[str, ServiceProcess] = field(default_factory=dict)
    logs: list[str] = field(default_factory=list)

    async def start(self, name: str, version: Path) -> ServiceProcess:
        """Start a process of this version and return it once it is ready."""
        return await started(self.stack, ServiceProcess(name, environment_of(self.world, version)))

    async def replace(self, name: str, version: Path, overlap_seconds: float) -> None:
        """Start a process of another version beside the one that runs, and end that one a while later."""
        new = await self.start(name, version)
        await asyncio.sleep(overlap_seconds)
        old, self.running[name] = self.running[name], new
        await self._end(old)

    async def end(self) -> None:
        """End everything, to have its logs."""
        for process in self.running.values():
            await self._end(process)

    async def _end(self, process: ServiceProcess) -> None:
        await asyncio.to_thread(process.stop)
        self.logs.append(process.log.read_text())


def environment_of(world: World, version: Path) -> dict[str, str]:
    """The settings of a service, and where its code is."""
    return {**world.environment, "PYTHONPATH": str(version)}


async def migrate_from_nothing(world: World, version: Path) -> None:
    """Make the tables anew, as this version makes them."""
    database = Database(SecretStr(world.postgres.url_of(DATABASE)), application_name="tests", pool_size=1)
    async with database.begin() as db:
        for name in SERVICES:
            await db.execute(text(f"drop schema {name} cascade"))
    await database.close()
    await migrate(world, version)


async def migrate(world: World, version: Path) -> None:
    """Run `countersign migrate` and `topics` of this version."""
    for command in ("migrate", "topics"):
        environment = os.environ | environment_of(world, version)
        arguments = [sys.executable, "-m", "services.command", command]
        ran = await asyncio.to_thread(
            subprocess.run, arguments, env=environment, check=False, capture_output=True, text=True
        )
        assert ran.returncode == 0, ran.stderr


@asynccontextmanager
async def running_fleet(world: World, version: Path) -> AsyncIterator[Fleet]:
    """Run each service once while the block runs."""
    async with AsyncExitStack() as stack:
        fleet = Fleet(world, stack)
        for name in SERVICES:
            fleet.running[name] = await fleet.start(name, version)
        yield fleet


async def left_over(world: World) -> Mapping[str, tuple[int, int]]:
    """Return how many dead letters and unsent events each service has."""
    database = Database(SecretStr(world.postgres.url_of(DATABASE)), application_name="tests", pool_size=1)
    counts = "select (select count(*) from {0}.dead_letter), (select count(*) from {0}.outbox)"
    try:
        async with database.begin() as db:
            rows = {name: (await db.execute(text(counts.format(name)))).one() for name in SERVICES}
    finally:
        await database.close()
    return {name: (row[0], row[1]) for name, row in rows.items()}


async def test_an_update_and_the_way_back_lose_nothing_while_people_work(
    tmp_path: Path, size: Size, report: Callable[[str], None]
) -> None:
    """The new version migrates first; then each service runs in both versions side by side, there and back again."""
    old, options = previous_release(tmp_path), WorldOptions(services=(), erp_settings=PATIENCE)
    ids = some_ids("u", int(size.per_second * size.seconds))
    async with running_world(tmp_path / "world", options) as world:
        await migrate_from_nothing(world, old)
        async with following(world) as statuses, running_fleet(world, old) as fleet:
            began = monotonic()
            async with accepting(world, lambda: fleet.running["approval"].url):
                sending = asyncio.create_task(send(world, ids, over_seconds=size.seconds))
                await migrate(world, ROOT)
                for version in (ROOT, old) * size.updates:
                    for name in SERVICES:
                        await fleet.replace(name, version, size.side_by_side_seconds)
                took = monotonic() - began
                await sending
                await statuses.until_green(ids, GREEN_WITHIN_SECONDS)
            await fleet.end()
        report(
            f"rolling update: {size.per_second:.0f} submissions/s, there and back {size.updates} x in {took:.0f} s;"
            f" {in_figures(world, statuses, ids)}"
        )

        assert_all_is_well(world, statuses, ids)
        assert [line for log in fleet.logs for line in log.splitlines() if any(each in line for each in WRONG)] == []
        assert await left_over(world) == dict.fromkeys(SERVICES, (0, 0))
