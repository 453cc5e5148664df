"""What the exporter does by itself holds its event loop for no long time, however many connections it has."""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path

import httpx2
import pytest

from benchmarks.many_connections import connection_text
from sandbox.world import WorldOptions, running_world
from tests.chaos.measured_service import LONGEST_SECONDS, Holds, MeasuredService
from tests.waiting import eventually

CONNECTIONS = 1_000
IDLE_SECONDS = 15.0
"""Several rounds of what the exporter does by itself."""


@pytest.mark.alone
async def test_a_thousand_connections_hold_no_loop(tmp_path: Path, report: Callable[[str], None]) -> None:
    """The exporter looks at them every few seconds, and is scraped."""
    path = tmp_path / "connections.toml"
    path.write_text("\n".join(map(connection_text, range(CONNECTIONS))))
    options = WorldOptions(services=(), erp_connections=path, variables={"ERP_TOKEN": "only for this test"})
    async with running_world(tmp_path, options) as world:
        exporter = MeasuredService("exporter", world.environment_of("exporter"), folder=tmp_path)
        await asyncio.to_thread(exporter.start)
        try:
            await eventually(lambda: shows_all(exporter), 200)
            with exporter.measured() as holds:
                await asyncio.sleep(IDLE_SECONDS)
                assert await shows_all(exporter)
        finally:
            await asyncio.to_thread(exporter.close)
        assert_short({"exporter with 1,000 connections": holds}, report)


async def shows_all(exporter: MeasuredService) -> bool:
    """Whether the metrics tell of all connections."""
    async with httpx2.AsyncClient(timeout=60, trust_env=False) as scraper:
        return (await scraper.get(f"{exporter.url}/metrics")).text.count("erp_circuit_open{") == CONNECTIONS


def assert_short(holds: Mapping[str, Holds], report: Callable[[str], None]) -> None:
    for name, found in holds.items():
        report(f"{name}: the loop was held for {1_000 * found.longest.seconds:.0f} ms at most")
    too_long = {name: found.longest for name, found in holds.items() if found.longest.seconds > LONGEST_SECONDS}
    assert not too_long, "\n".join(f"{name}: {hold.seconds:.3f} s\n{hold.where}" for name, hold in too_long.items())
