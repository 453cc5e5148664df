"""One of twelve partitions has no leader, and the commitments of the eleven others notice nothing."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles
from time import monotonic

from sandbox.drill.statuses import GREEN, Statuses, following, in_figures
from sandbox.drill.traffic import accepting, send, some_ids
from sandbox.world import WorldOptions, running_world
from tests.chaos.all_is_well import assert_all_is_well
from tests.chaos.brokers import KafkaOfTwo
from tests.second_broker import MOVED

OTHERS_WITHIN_SECONDS = 30.0
SENT_WITHIN_SECONDS = 60.0
"""An event that Kafka does not take is tried again after half a minute."""


@dataclass(frozen=True)
class Size:
    seconds: float
    commitments: int


SHORT = None
"""It takes more than a minute; in `make test`, tests/integration/pipeline/test_relay_refusals.py shows the same."""
LONG = Size(seconds=120.0, commitments=1_200)


async def test_a_partition_without_a_leader_holds_up_only_its_own_commitments(
    tmp_path: Path, size: Size, report: Callable[[str], None]
) -> None:
    """The partition is lost on every topic that our services write to, as with the one broker that has it."""
    before, without = some_ids("before", size.commitments // 3), some_ids("without", size.commitments)
    kafka = KafkaOfTwo()
    options = WorldOptions(services=("approval", "exporter"), kafka=kafka)
    async with running_world(tmp_path, options) as world, following(world) as statuses, accepting(world):
        await send(world, before, over_seconds=size.seconds / 3)
        assert await statuses.until_green(before, OTHERS_WITHIN_SECONDS)
        await asyncio.to_thread(kafka.second.kill)
        await send(world, without, over_seconds=size.seconds)
        held, others = split(statuses, without)
        assert await statuses.until_green(others, OTHERS_WITHIN_SECONDS)
        told = [each for each in held if statuses.courses[each].versions]
        ready = [each.name for each in world.services.values() if await asyncio.to_thread(each.is_ready)]
        await asyncio.to_thread(kafka.second.start)
        back_at = monotonic()
        await statuses.until_green(held, SENT_WITHIN_SECONDS)
        report(
            f"partition without a leader: {len(held)} of {len(without):,} commitments waited; the others were GREEN "
            f"after {usual_seconds(statuses, others):.1f} s (before: {usual_seconds(statuses, before):.1f} s), "
            f"and these {monotonic() - back_at:.1f} s after the leader was back; "
            f"ready meanwhile: {', '.join(ready) or 'none'}; "
            f"{in_figures(world, statuses, before + without)}"
        )

        assert held
        assert told == []
        assert_all_is_well(world, statuses, before + without)


def split(statuses: Statuses, ids: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return those of `ids` that are on the partition without a leader, and the others."""
    held = [each for each in ids if statuses.courses[each].partition == MOVED]
    return held, [each for each in ids if each not in held]


def usual_seconds(statuses: Statuses, ids: Sequence[str]) -> float:
    """How long 95 of 100 of the GREEN ones among `ids` took at most."""
    courses = [statuses.courses[each] for each in ids]
    return quantiles([each.green_after_seconds for each in courses if each.ribbon == GREEN], n=20)[-1]
