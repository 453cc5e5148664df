"""A restored database catches up from its saved offsets, and nothing is written twice."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from sandbox.configuration import DATABASE
from sandbox.world import World, WorldOptions, running_world
from services.pipeline.database import DATABASE_ERRORS, Database
from tests.end_to_end.many_commitments import accepting, send, until_green
from tests.waiting import eventually

BATCH = 30
CAUGHT_UP_WITHIN_SECONDS = 90

pytestmark = pytest.mark.timeout(400)


async def send_and_accept(world: World, ids: Sequence[str]) -> None:
    """Send `ids`, accept them, and wait until they are GREEN."""
    before = len(world.erp.journal.created())
    async with accepting(world):
        await send(world, ids)
        seen = await until_green(world, before + len(ids), CAUGHT_UP_WITHIN_SECONDS)
    assert seen["GREEN"] == before + len(ids)


async def has_caught_up(world: World) -> bool:
    """Whether every commitment is synced in approval's table and succeeded in the exporter's."""
    database = Database(SecretStr(world.postgres.url_of(DATABASE)), application_name="tests", pool_size=1)
    try:
        async with database.begin() as db:
            synced = await db.scalar(text("select count(*) from approval.commitment where status = 'synced'"))
            succeeded = await db.scalar(text("select count(*) from exporter.export where state = 'succeeded'"))
    except DATABASE_ERRORS:
        return False
    finally:
        await database.close()
    return (synced, succeeded) == (2 * BATCH, 2 * BATCH)


async def test_a_restored_database_catches_up_and_no_second_document_appears(tmp_path: Path) -> None:
    """Nothing is sent after the restore: the services detect by themselves that they were set back."""
    options = WorldOptions(services=("approval", "exporter"), erp_settings={"settle_seconds": 1.0})
    async with running_world(tmp_path / "world", options) as world:
        await send_and_accept(world, [f"r-{number:03}" for number in range(BATCH)])
        await asyncio.to_thread(world.postgres.backup, tmp_path / "copy")
        await send_and_accept(world, [f"s-{number:03}" for number in range(BATCH)])
        await asyncio.to_thread(world.postgres.restore, tmp_path / "copy")

        await eventually(lambda: has_caught_up(world), CAUGHT_UP_WITHIN_SECONDS)
        created = world.erp.journal.created()

    assert len(created) == 2 * BATCH
    assert set(created.values()) == {1}
