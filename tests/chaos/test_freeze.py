"""Members of a group stand still beyond their session and their leases, and nobody waits for them for long."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

from sandbox.drill.statuses import following, in_figures
from sandbox.drill.traffic import accepting, send, some_ids
from sandbox.erp.faults import ErpFault, ErpFaultKind
from sandbox.service_process import ServiceProcess
from sandbox.world import WorldOptions, running_world
from services.pipeline.relay import LEASE_SECONDS
from tests.chaos.all_is_well import assert_all_is_well
from tests.chaos.brokers import SESSION_SECONDS
from tests.chaos.lag_at_the_brokers import assert_lags_agree
from tests.chaos.second_processes import second_processes
from tests.waiting import eventually

SERVICES = ("approval", "exporter")
PATIENCE = {"timeout_seconds": 2.0, "settle_seconds": 2.0, "first_probe_seconds": 0.5, "max_missed_calls": 1_000}
"""An export is leased for three calls and five seconds, which is less than LEASE_SECONDS."""
CALL_SECONDS = 0.5
"""So that most freezes hit a process that is waiting for the ERP."""
READY_WITHIN_SECONDS = 75.0
"""A member for which the others left no partition says that it stands by after a minute."""


@dataclass(frozen=True)
class Size:
    freezes: int
    shortest_seconds: float
    longest_seconds: float
    commitments: int
    margin_seconds: float

    @property
    def longest_wait_seconds(self) -> float:
        """A partition is free after the session of its member, an export after its lease."""
        return SESSION_SECONDS + LEASE_SECONDS + self.margin_seconds


SHORT = Size(
    freezes=2,
    shortest_seconds=SESSION_SECONDS + 1,
    longest_seconds=LEASE_SECONDS + 3,
    commitments=40,
    margin_seconds=30.0,  # other tests keep the machine busy
)
LONG = Size(freezes=20, shortest_seconds=14.0, longest_seconds=75.0, commitments=150, margin_seconds=10.0)


async def test_members_that_stand_still_hold_up_nobody_for_long(
    tmp_path: Path, size: Size, chance: Random, report: Callable[[str], None]
) -> None:
    """Two processes of each service; `commitments` are sent during every freeze of one of them."""
    ids: list[str] = []
    frozen_seconds: list[float] = []
    options = WorldOptions(services=SERVICES, erp_settings=PATIENCE)
    async with running_world(tmp_path, options) as world, second_processes(world, SERVICES) as second:
        world.erp.faults.switch_on(ErpFault(kind=ErpFaultKind.SLOW, seconds=CALL_SECONDS))
        members = [*world.services.values(), *second.values()]
        async with following(world) as statuses, accepting(world), accepting(world, lambda: second["approval"].url):
            for member in chosen(members, size.freezes, chance):
                frozen_seconds.append(chance.uniform(size.shortest_seconds, size.longest_seconds))
                more = some_ids(f"f{len(frozen_seconds)}", size.commitments)
                with member.paused():
                    await send(world, more, over_seconds=frozen_seconds[-1])
                    assert not await asyncio.to_thread(member.is_ready)
                ids += more
                await eventually(lambda member=member: asyncio.to_thread(member.is_ready), READY_WITHIN_SECONDS)
            await statuses.until_green(ids, size.longest_wait_seconds)
        await assert_lags_agree(world, members)
        waited = statuses.longest_wait_seconds()
        ended = [member.name for member in members if member.has_ended]
        report(
            f"freeze: {len(frozen_seconds)} of {size.freezes} freezes of {min(frozen_seconds):.0f} to "
            f"{max(frozen_seconds):.0f} s, longest stand-still of a commitment {waited:.1f} s; "
            f"{in_figures(world, statuses, ids)}; {len(ended)} processes ended"
        )

        assert ended == []
        assert waited < size.longest_wait_seconds
        assert_all_is_well(world, statuses, ids)


def chosen(members: list[ServiceProcess], number: int, chance: Random) -> list[ServiceProcess]:
    """Return `number` of the members in an order of chance, each as often as the others if possible."""
    rounds = [chance.sample(members, len(members)) for _ in range(number // len(members) + 1)]
    return [member for members in rounds for member in members][:number]
