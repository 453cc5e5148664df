"""Rows that nobody can read, in any column of any table, stop no service and no other commitment."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest
from pydantic import SecretStr
from sqlalchemy import text

from sandbox.drill.statuses import following
from sandbox.drill.traffic import accepting, send, some_ids
from sandbox.world import World, running_world
from services.approval.storage.migrations import MIGRATIONS as APPROVAL
from services.digest.storage.migrations import MIGRATIONS as DIGEST
from services.exporter.storage.migrations import MIGRATIONS as EXPORTER
from services.notifier.storage.migrations import MIGRATIONS as NOTIFIER
from services.pipeline.database import Database
from services.pipeline.names import SERVICES
from tests.calendar_checks import drop_calendar_checks
from tests.odd_rows import add_odd_rows

HISTORIES = {each.schema: each for each in (APPROVAL, EXPORTER, NOTIFIER, DIGEST)}
GREEN_WITHIN_SECONDS = 240
WATCHED_SECONDS = 10
MAX_LINES = 30
LEASES = "insert into {schema}.lease values ('relay', 'nobody', 'infinity'), ('retention', 'nobody', 'infinity')"


@pytest.mark.parametrize("name", SERVICES)
async def test_odd_rows_of_every_table_stop_no_service_and_no_other_commitment(
    tmp_path: Path, name: str, report: Callable[[str], None]
) -> None:
    async with running_world(tmp_path) as world, following(world) as statuses, accepting(world):
        service, first = world.services[name], some_ids("before", 3)
        await send(world, first)
        assert await statuses.until_green(first, GREEN_WITHIN_SECONDS)
        await asyncio.to_thread(service.stop)
        added = await make_odd(world, name)

        await asyncio.to_thread(service.start)
        later = some_ids("with-odd-rows", 2)
        await send(world, later)
        assert await statuses.until_green(later, GREEN_WITHIN_SECONDS), service.latest_log
        before = len(service.log.read_text().splitlines())
        await asyncio.sleep(WATCHED_SECONDS)

        met, lines = await unreadable(service.url), service.log.read_text().splitlines()[before:]
        report(f"odd rows: {added} in {name}, {met:.0f} met by a reader, {len(lines)} lines in {WATCHED_SECONDS} s")
        assert (service.has_ended, await asyncio.to_thread(service.is_ready)) == (False, True), service.latest_log
        assert "service.part_failed" not in service.latest_log
        assert len(lines) <= MAX_LINES, service.latest_log


async def make_odd(world: World, name: str) -> int:
    """Add odd rows to all tables of the service, and leases that nobody holds and that do not end in our time."""
    database = Database(SecretStr(world.environment["DATABASE_URL"]), application_name="tests")
    try:
        await drop_calendar_checks(database, name)
        added = await add_odd_rows(database, HISTORIES[name].metadata)
        async with database.begin() as db:
            await db.execute(text(f"delete from {name}.lease"))  # noqa: S608 - a name of ours
            await db.execute(text(LEASES.format(schema=name)))
    finally:
        await database.close()
    return added


async def unreadable(url: str) -> float:
    async with httpx2.AsyncClient() as client:
        page = (await client.get(f"{url}/metrics", timeout=30)).text
    return sum(float(line.rpartition(" ")[2]) for line in page.splitlines() if line.startswith("rows_unreadable{"))
