"""PostgreSQL stands still under load, and when it continues, everything does."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from sandbox.drill.statuses import following, in_figures
from sandbox.drill.traffic import accepting, send, some_ids
from sandbox.world import WorldOptions, running_world
from tests.chaos.all_is_well import assert_all_is_well
from tests.waiting import eventually

PATIENCE = {"timeout_seconds": 2.0, "settle_seconds": 2.0, "first_probe_seconds": 0.5, "max_missed_calls": 1_000}
CONTINUES_WITHIN_SECONDS = 15.0
GREEN_WITHIN_SECONDS = 60.0


@dataclass(frozen=True)
class Size:
    pauses: int
    seconds: float
    commitments: int


SHORT = Size(pauses=1, seconds=6.0, commitments=40)
LONG = Size(pauses=3, seconds=40.0, commitments=200)


async def test_everything_continues_after_the_database_stood_still(
    tmp_path: Path, size: Size, report: Callable[[str], None]
) -> None:
    """`commitments` are sent during each pause, and as many before it, so that there is work in every stage."""
    ids: list[str] = []
    continued: list[float] = []
    options = WorldOptions(services=("approval", "exporter"), erp_settings=PATIENCE)
    async with running_world(tmp_path, options) as world, following(world) as statuses, accepting(world):
        for number in range(size.pauses):
            before, during = (some_ids(f"{when}{number}", size.commitments) for when in ("before", "during"))
            ids += before + during
            await send(world, before)
            await eventually(lambda before=before: any(statuses.is_green([each]) for each in before))
            with world.postgres.paused():
                paused_at = monotonic()
                await send(world, during, over_seconds=size.seconds)
                resumed_at = monotonic()
            # in the first half there may still be news of what had been committed before
            assert not statuses.came_between((paused_at + resumed_at) / 2, resumed_at)
            await eventually(lambda at=resumed_at: bool(statuses.came_between(at, monotonic())))
            continued.append(statuses.came_between(resumed_at, monotonic())[0] - resumed_at)
            await statuses.until_green(ids, GREEN_WITHIN_SECONDS)
        ended = [service.name for service in world.services.values() if service.has_ended]
        report(
            f"paused database: {size.pauses} pauses of {size.seconds:.0f} s, processing continued after at most "
            f"{max(continued):.1f} s; {in_figures(world, statuses, ids)}; {len(ended)} processes ended"
        )

        assert ended == []
        assert max(continued) < CONTINUES_WITHIN_SECONDS
        assert_all_is_well(world, statuses, ids)
