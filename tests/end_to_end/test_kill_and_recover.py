"""Services die at every point between a commit and its effect, and every commitment is still written once."""

import asyncio
from pathlib import Path
from textwrap import dedent

import pytest

from sandbox.erp.faults import ErpFault, ErpFaultKind
from sandbox.service_process import ServiceProcess
from sandbox.world import WorldOptions, running_world
from tests.end_to_end.many_commitments import accepting, send, until_green

COMMITMENTS = 1_000
LOST_ANSWERS = 40
DIES_WITHIN_SECONDS = 60
GREEN_WITHIN_SECONDS = 150
PATIENCE = {"timeout_seconds": 2.0, "settle_seconds": 1.0, "first_probe_seconds": 0.5, "max_missed_calls": 1_000}
ROUNDS = (
    ("approval.before_commit:2", "exporter.after_claim:3"),
    ("approval.after_commit", "exporter.before_call:5"),
    ("approval.before_decision_commit:5", "exporter.after_call:5"),
    ("approval.after_decision:5", "exporter.before_settle_commit:5"),
    ("approval.relay_before_send", "exporter.after_settle:5"),
    ("approval.relay_before_delete:2", "exporter.relay_before_delete"),
    ("approval.before_commit", "exporter.before_commit"),
    ("approval.after_commit:3", "exporter.after_commit"),
    ("approval.after_decision:20", "exporter.relay_before_send"),
)

pytestmark = pytest.mark.timeout(900)


async def crash(service: ServiceProcess, point: str) -> bool:
    """Run the service until it dies at `point`, and restart it; return whether it died there."""
    await asyncio.to_thread(service.kill)
    service.environment["CRASH_AT"] = point
    await asyncio.to_thread(service.launch)
    has_died = await asyncio.to_thread(service.ends_within, DIES_WITHIN_SECONDS)
    del service.environment["CRASH_AT"]
    await asyncio.to_thread(service.kill)
    await asyncio.to_thread(service.start)
    return has_died


async def test_a_thousand_commitments_are_written_once_each_while_services_die_at_every_point(tmp_path: Path) -> None:
    """The ERP's journal has one document for each, and every one is GREEN upstream."""
    options = WorldOptions(services=("approval", "exporter"), erp_settings=PATIENCE)
    ids = [f"k-{number:05}" for number in range(COMMITMENTS)]
    async with running_world(tmp_path, options) as world:
        world.erp.faults.replace(
            [
                ErpFault(kind=ErpFaultKind.LOSE_ANSWER, times=LOST_ANSWERS),
                ErpFault(kind=ErpFaultKind.SLOW, seconds=0.2),
            ]
        )
        share = len(ids) // len(ROUNDS) + 1
        survived = []
        async with accepting(world):
            for place, points in enumerate(ROUNDS):
                await send(world, ids[place * share : (place + 1) * share])
                services = [world.services["approval"], world.services["exporter"]]
                died = await asyncio.gather(*(crash(*each) for each in zip(services, points, strict=True)))
                survived += [point for point, is_dead in zip(points, died, strict=True) if not is_dead]
            seen = await until_green(world, COMMITMENTS, GREEN_WITHIN_SECONDS)
        created = world.erp.journal.created()

    assert survived == []
    assert seen["GREEN"] == COMMITMENTS
    assert len(created) == COMMITMENTS
    assert set(created.values()) == {1}


async def test_the_same_run_without_the_probe_writes_documents_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a connector that never finds anything, the journal shows what the probe prevents."""
    _install_blind_connector(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    settings = PATIENCE | {"settle_seconds": 0.1, "kind": "blind"}
    options = WorldOptions(services=("approval", "exporter"), erp_settings=settings)
    ids = [f"b-{number:05}" for number in range(40)]
    async with running_world(tmp_path, options) as world:
        world.erp.faults.switch_on(ErpFault(kind=ErpFaultKind.LOSE_ANSWER, times=10))
        async with accepting(world):
            await send(world, ids)
            seen = await until_green(world, len(ids), 60)
        created = world.erp.journal.created()

    assert seen["GREEN"] == len(ids)
    assert sum(created.values()) > len(ids)


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
