"""A restored database catches up from its saved offsets, and nothing is written twice."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from time import monotonic

from pydantic import SecretStr
from sqlalchemy import text

from sandbox.configuration import DATABASE
from sandbox.drill.statuses import following, in_figures
from sandbox.drill.traffic import accepting, send, some_ids
from sandbox.world import World, WorldOptions, running_world
from services.pipeline.database import DATABASE_ERRORS, Database
from tests.chaos.all_is_well import assert_all_is_well
from tests.waiting import eventually

SHORT, LONG = 30, 500
"""Commitments before the backup, and as many after it."""
CAUGHT_UP_WITHIN_SECONDS = 90


async def has_caught_up(world: World, number: int) -> bool:
    """Whether `number` commitments are synced in approval's table and succeeded in the exporter's, and all told."""
    database = Database(SecretStr(world.postgres.url_of(DATABASE)), application_name="tests", pool_size=1)
    try:
        async with database.begin() as db:
            synced = await db.scalar(text("select count(*) from approval.commitment where status = 'synced'"))
            succeeded = await db.scalar(text("select count(*) from exporter.export where state = 'succeeded'"))
            untold = await db.scalar(text("select count(*) from approval.outbox"))
    except DATABASE_ERRORS:
        return False
    finally:
        await database.close()
    return (synced, succeeded, untold) == (number, number, 0)


async def test_a_restored_database_catches_up_and_no_second_document_appears(
    tmp_path: Path, size: int, report: Callable[[str], None]
) -> None:
    """Nothing is sent after the restore: the services detect by themselves that they were set back."""
    options = WorldOptions(
        services=("approval", "exporter"), erp_settings={"timeout_seconds": 2.0, "settle_seconds": 2.0}
    )
    batches = some_ids("r", size), some_ids("s", size)
    async with running_world(tmp_path / "world", options) as world, following(world) as statuses:
        for ids in batches:
            async with accepting(world):
                await send(world, ids)
                assert await statuses.until_green(ids, CAUGHT_UP_WITHIN_SECONDS)
            if ids is batches[0]:
                await asyncio.to_thread(world.postgres.backup, tmp_path / "copy")
        await asyncio.to_thread(world.postgres.restore, tmp_path / "copy")
        restored_at = monotonic()

        await eventually(lambda: has_caught_up(world, 2 * size), CAUGHT_UP_WITHIN_SECONDS)
        await statuses.until_read()
        everything = [*batches[0], *batches[1]]
        took = f"{size} accepted after the backup were there again after {monotonic() - restored_at:.1f} s"
        report(f"restore: {took}; {in_figures(world, statuses, everything)}")
        assert_all_is_well(world, statuses, everything)
