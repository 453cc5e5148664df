"""No event, and no task by itself, holds the event loop of exporter, digest or notifier for long."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import ExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path

import httpx2
import pytest
from pydantic import SecretStr

from benchmarks.many_connections import connection_text
from sandbox.configuration import DATABASE
from sandbox.world import World, WorldOptions, running_world
from schemas.commitment import summarise
from schemas.events import DirectoryPerson
from schemas.examples.cast import ACME
from schemas.fields import ToolLevel
from schemas.snapshot import Snapshot
from services.digest.storage.tables import ITEM
from services.pipeline.bulk import insert_many
from services.pipeline.database import Database
from tests.chaos import heavy_contents as heavy
from tests.chaos.measured_service import LONGEST_SECONDS, Hold, MeasuredService
from tests.integration.approval import company
from tests.waiting import eventually

ITEMS, CONNECTIONS = 50_000, 1_000
EXPORTS = 3
TRIES = 4
IDLE_SECONDS = 15.0
"""Several rounds of what the exporter does by itself."""
DONE_WITHIN_SECONDS = 120


@pytest.mark.alone
async def test_no_export_and_no_summary_holds_a_loop(tmp_path: Path, report: Callable[[str], None]) -> None:
    """Exports of 2,000 lines, and a summary of 50,000 commitments, from the projection to the mail."""
    async with running_world(tmp_path, WorldOptions(services=())) as world, measured(world, tmp_path) as services:
        await fill(world)
        numbers = count()
        shortest = await shortest_of_some(services, lambda: export_and_summarise(world, next(numbers)))
    assert_short(shortest, report)


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
            shortest = await shortest_of_some({"exporter with 1,000 connections": exporter}, lambda: idle(exporter))
        finally:
            await asyncio.to_thread(exporter.close)
    assert_short(shortest, report)


async def shortest_of_some(
    services: Mapping[str, MeasuredService], do: Callable[[], Awaitable[None]]
) -> dict[str, Hold]:
    """Return the longest hold of each service while `do` runs; if one is too long, the shortest of each in TRIES.

    The first makes statements that are then kept, and a busy machine is slower.
    """
    shortest: dict[str, Hold] = {}
    for _ in range(TRIES):
        with ExitStack() as stack:
            holds = {name: stack.enter_context(each.measured()) for name, each in services.items()}
            await do()
        longest = {name: each.longest for name, each in holds.items()}
        shortest = {name: min(hold, shortest.get(name, hold), key=_seconds) for name, hold in longest.items()}
        if all(hold.seconds <= LONGEST_SECONDS for hold in shortest.values()):
            break
    return shortest


async def idle(exporter: MeasuredService) -> None:
    await asyncio.sleep(IDLE_SECONDS)
    assert await shows_all(exporter)


async def shows_all(exporter: MeasuredService) -> bool:
    """Whether the metrics tell of all connections."""
    async with httpx2.AsyncClient(timeout=60, trust_env=False) as scraper:
        return (await scraper.get(f"{exporter.url}/metrics")).text.count("erp_circuit_open{") == CONNECTIONS


def assert_short(holds: Mapping[str, Hold], report: Callable[[str], None]) -> None:
    for name, hold in holds.items():
        report(f"{name}: the loop was held for {1_000 * hold.seconds:.0f} ms at most")
    too_long = {name: hold for name, hold in holds.items() if hold.seconds > LONGEST_SECONDS}
    assert not too_long, "\n".join(f"{name}: {hold.seconds:.3f} s\n{hold.where}" for name, hold in too_long.items())


def _seconds(hold: Hold) -> float:
    return hold.seconds


async def export_and_summarise(world: World, number: int) -> None:
    """Let commitments be exported, and one more approver come, for whom a summary is due at once."""
    exported = [f"export-{number}-{place}" for place in range(EXPORTS)]
    vendor = ACME.model_dump(mode="json")
    approver = new_approver(number)
    await heavy.publish(world, [approver, *(company.accepted(heavy.heavy(each, vendor=vendor)) for each in exported)])

    async def is_done() -> bool:
        created = await world.erp.created()
        mails = world.mailbox.to(approver.email or "")
        return all(created[each] for each in exported) and any(f"{ITEMS:,}" in mail.text for mail in mails)

    await eventually(is_done, DONE_WITHIN_SECONDS)


def new_approver(number: int) -> DirectoryPerson:
    name = f"approver-{number}"
    rights = {"erp_tool": ToolLevel.ADMIN, "can_push_to_accounting": True}
    person = company.directory_person(name, name.title(), **rights)
    return person.model_copy(update={"email": f"{name}@desk.example", "time_zone": "UTC"})


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
