"""The exporter dies between any two calls of the Web Connector, and each commitment is still one purchase order."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sandbox.drill.statuses import following
from sandbox.drill.traffic import accepting, some_ids
from sandbox.erp_under_demo import ErpKind
from sandbox.quickbooks.erp import QuickBooksErp
from sandbox.world import WorldOptions, running_world
from tests.chaos.test_tryton import die_at

AFTER_SIGN_IN, BEFORE_WRITE, AFTER_WRITE, AFTER_END = (
    "web_connector.after_begin",
    "exporter.before_call",
    "exporter.after_call",
    "web_connector.after_end",
)
REQUESTS = tuple(f"web_connector.after_request:{number}" for number in (1, 2, 3, 4))
REPLIES = tuple(f"web_connector.after_reply:{number}" for number in (1, 2, 3, 4))
POINTS = (AFTER_SIGN_IN, *REQUESTS, *REPLIES, BEFORE_WRITE, AFTER_WRITE, AFTER_END)


@dataclass(frozen=True)
class Size:
    deaths_at_each_point: int
    commitments_per_death: int
    done_within_seconds: float


SHORT = Size(deaths_at_each_point=1, commitments_per_death=2, done_within_seconds=120)
LONG = Size(deaths_at_each_point=10, commitments_per_death=4, done_within_seconds=600)


async def test_each_commitment_is_one_purchase_order_wherever_the_exporter_dies(
    tmp_path: Path, size: Size, report: Callable[[str], None]
) -> None:
    """An odd request asks, an even one writes. Counted in the journal of the company file."""
    options = WorldOptions(services=("approval", "exporter"), erp=ErpKind.QUICKBOOKS)
    points = POINTS * size.deaths_at_each_point
    ids = some_ids("w", len(points) * size.commitments_per_death)
    async with running_world(tmp_path, options) as world, following(world) as statuses:
        async with accepting(world):
            survived = await die_at(world, points, list(ids))
            are_green = await statuses.until_green(ids, size.done_within_seconds)
        assert isinstance(world.erp, QuickBooksErp)
        created, violations = await world.erp.created(), world.erp.journal.violations
        once = sum(created[each] == 1 for each in ids)
        deaths = len(points) - len(survived)
        report(f"web connector: {deaths} of {len(points)} deaths; {once} of {len(ids)} commitments are one order")

    assert survived == []
    assert are_green
    assert {each: created[each] for each in ids} == dict.fromkeys(ids, 1)
    assert not violations
