"""No event, and no task by itself, holds the event loop of exporter, digest or notifier for long."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import ExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import httpx2
import pytest
from pydantic import SecretStr

from benchmarks.many_connections import connection_text
from sandbox.configuration import DATABASE
from sandbox.people import PEOPLE
from sandbox.world import World, WorldOptions, running_world
from schemas.commitment import summarise
from schemas.snapshot import Snapshot
from services.digest.storage.tables import ITEM
from services.pipeline.bulk import insert_many
from services.pipeline.database import Database
from tests.chaos import heavy_contents as heavy
from tests.chaos.measured_service import LONGEST_SECONDS, Holds, MeasuredService
from tests.integration.approval import company
from tests.waiting import eventually

ITEMS, CONNECTIONS = 50_000, 1_000
EXPORTED = ("export-0", "export-1", "export-2")
IDLE_SECONDS = 15.0
"""Several rounds of what the exporter does by itself."""


@pytest.mark.alone
async def test_no_export_and_no_summary_holds_a_loop(tmp_path: Path, report: Callable[[str], None]) -> None:
    """Exports of 2,000 lines, and a summary of 50,000 commitments, from the projection to the mail."""
    async with running_world(tmp_path, WorldOptions(services=())) as world, measured(world, tmp_path) as services:
        await fill(world)
        with ExitStack() as stack:
            holds = {name: stack.enter_context(each.measured()) for name, each in services.items()}
            await heavy.publish(world, [*PEOPLE.values(), *(company.accepted(heavy.heavy(each)) for each in EXPORTED)])
            await eventually(lambda: is_done(world), 300)
        assert_short(holds, report)


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


async def is_done(world: World) -> bool:
    """Whether everything is in the ERP, and the summary is in the mailbox."""
    created = await world.erp.created()
    mails = world.mailbox.to(company.DANA.email or "")
    return all(created[each] for each in EXPORTED) and any(f"{ITEMS:,}" in mail.text for mail in mails)


async def fill(world: World) -> None:
    """Write what the digest has read of a year: commitments that all wait for an answer."""
    content, at = company.content("x", "SC-1"), datetime.now(UTC) - timedelta(days=2)
    summary = summarise(Snapshot.of(content).commitment, company.SAM.as_person).model_dump_json(exclude_none=True)
    told = {"company_id": company.COMPANY, "version": 1, "status": "ready", "since": at, "revision": 1}
    row = {**told, "message": "It waits.", "currency": "USD", "total": Decimal(1), "summary": summary}
    database = Database(SecretStr(world.postgres.url_of(DATABASE)), application_name="tests")
    async with database.begin() as db:
        await insert_many(db, ITEM, [{"id": f"item-{n}", **row} for n in range(ITEMS)])
    await database.close()


@asynccontextmanager
async def measured(world: World, folder: Path) -> AsyncIterator[Mapping[str, MeasuredService]]:
    """The three services, each in a process that is measured; a summary is due as soon as it can be made."""
    services = {
        name: MeasuredService(name, {**world.environment_of(name), "DIGEST_AT": "00:00"}, folder=folder)
        for name in ("exporter", "digest", "notifier")
    }
    try:
        await asyncio.gather(*(asyncio.to_thread(each.start) for each in services.values()))
        yield services
    finally:
        await asyncio.gather(*(asyncio.to_thread(each.close) for each in services.values()))
