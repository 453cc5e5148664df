"""A restored database catches up from its saved offsets, and nothing is written twice."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from time import monotonic

from sandbox.drill.restoring import is_caught_up
from sandbox.drill.statuses import following, in_figures
from sandbox.drill.traffic import accepting, send, some_ids
from sandbox.world import WorldOptions, running_world
from tests.chaos.all_is_well import assert_all_is_well
from tests.waiting import eventually

SHORT, LONG = 30, 500
"""Commitments before the backup, and as many after it."""
CAUGHT_UP_WITHIN_SECONDS = 90


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

        await eventually(lambda: is_caught_up(world, 2 * size), CAUGHT_UP_WITHIN_SECONDS)
        await statuses.until_read()
        everything = [*batches[0], *batches[1]]
        took = f"{size} accepted after the backup were there again after {monotonic() - restored_at:.1f} s"
        report(f"restore: {took}; {in_figures(world, statuses, everything)}")
        assert_all_is_well(world, statuses, everything)
