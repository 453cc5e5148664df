"""Services die at every point between a commit and its effect, and every commitment is still written once."""

import asyncio
import signal
from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from textwrap import dedent

import pytest

from sandbox.drill.statuses import doubled, following, in_figures
from sandbox.drill.traffic import accepting, send, some_ids
from sandbox.erp.faults import ErpFault, ErpFaultKind
from sandbox.service_process import ServiceProcess
from sandbox.world import World, WorldOptions, running_world
from tests.chaos.all_is_well import assert_all_is_well
from tests.chaos.brokers import WatchfulKafka

DIES_WITHIN_SECONDS = 180
GREEN_WITHIN_SECONDS = 300
PATIENCE = {"timeout_seconds": 2.0, "settle_seconds": 2.0, "first_probe_seconds": 0.5, "max_missed_calls": 1_000}
MANY_CALLS = {"max_in_flight": 100}
"""So that the leases of those who died do not hold up who comes after them."""
POINTS = {
    "approval": (
        "approval.before_commit:2",
        "approval.after_commit",
        "approval.before_decision_commit:5",
        "approval.after_decision:5",
        "approval.relay_before_send",
        "approval.relay_before_delete:2",
        "approval.before_commit",
        "approval.after_commit:3",
        "approval.after_decision:10",
    ),
    "exporter": (
        "exporter.after_claim:3",
        "exporter.before_call:5",
        "exporter.after_call:5",
        "exporter.before_settle_commit:5",
        "exporter.after_settle:5",
        "exporter.relay_before_delete",
        "exporter.before_commit",
        "exporter.after_commit",
        "exporter.relay_before_send",
    ),
}
SERVICES = tuple(POINTS)


@dataclass(frozen=True)
class Size:
    deaths_at_each_point: int
    commitments_per_death: int
    lost_answers: int


SHORT = Size(deaths_at_each_point=1, commitments_per_death=12, lost_answers=20)
LONG = Size(deaths_at_each_point=3, commitments_per_death=40, lost_answers=100)


async def test_commitments_are_written_once_each_while_services_die_at_every_point(
    tmp_path: Path, size: Size, report: Callable[[str], None]
) -> None:
    """The ERP's journal has one document for each, and every one is GREEN upstream."""
    options = WorldOptions(services=SERVICES, erp_settings=PATIENCE | MANY_CALLS, kafka=WatchfulKafka())
    async with running_world(tmp_path, options) as world, following(world) as statuses:
        lost = ErpFault(kind=ErpFaultKind.LOSE_ANSWER, times=size.lost_answers)
        world.erp.faults.replace([lost, ErpFault(kind=ErpFaultKind.SLOW, seconds=0.2)])
        async with accepting(world):
            runs = [die_at_each_point(world, name, size) for name in SERVICES]
            ids, survived = (list(chain(*each)) for each in zip(*await asyncio.gather(*runs), strict=True))
            await statuses.until_green(ids, GREEN_WITHIN_SECONDS)
        deaths = size.deaths_at_each_point * sum(map(len, POINTS.values()))
        report(f"kill and recover: {deaths - len(survived)} of {deaths} deaths; {in_figures(world, statuses, ids)}")

        assert survived == []
        assert_all_is_well(world, statuses, ids)


async def die_at_each_point(world: World, name: str, size: Size) -> tuple[list[str], list[str]]:
    """Let a service die at each of its points, with new commitments waiting at each start, and then let it run.

    Return the commitments, and the points where it has not died.
    """
    service = world.services[name]
    points = POINTS[name] * size.deaths_at_each_point
    ids = some_ids(name, len(points) * size.commitments_per_death)
    survived = []
    for place, point in enumerate(points):
        await asyncio.to_thread(service.kill)
        await send(world, ids[place :: len(points)])
        if not await asyncio.to_thread(dies_at, service, point):
            survived.append(point)
    del service.environment["CRASH_AT"]
    await asyncio.to_thread(service.kill)
    await asyncio.to_thread(service.start)
    return ids, survived


def dies_at(service: ServiceProcess, point: str, seconds: float = DIES_WITHIN_SECONDS) -> bool:
    """Start the service, and return whether it dies at `point` within so many seconds."""
    service.environment["CRASH_AT"] = point
    service.launch()
    return service.ends_within(seconds) and service.exit_status == -signal.SIGKILL


async def test_the_same_run_without_the_probe_writes_documents_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a connector that never finds anything, the journal shows what the probe prevents."""
    _install_blind_connector(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    settings = PATIENCE | {"kind": "blind"}
    options = WorldOptions(services=SERVICES, erp_settings=settings)
    ids = some_ids("b", 40)
    async with running_world(tmp_path, options) as world, following(world) as statuses:
        world.erp.faults.switch_on(ErpFault(kind=ErpFaultKind.LOSE_ANSWER, times=10))
        async with accepting(world):
            await send(world, ids)
            assert await statuses.until_green(ids, 60)

        assert len(doubled(world)) > 0


def _install_blind_connector(folder: Path) -> None:
    """Install a connector in `folder` that finds nothing, whatever the ERP contains."""
    info = folder / "blind_connector-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: blind-connector\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[countersign.connectors]\nblind = blind_connector:Blind\n")
    (folder / "blind_connector.py").write_text(
        dedent(
            """\
            from services.exporter.connectors.http import HttpConnector


            class Blind(HttpConnector):
                async def find(self, reference):
                    return ()
            """
        )
    )
