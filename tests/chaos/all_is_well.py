"""How most fault runs end: every commitment is GREEN and one document."""

from collections import Counter
from collections.abc import Collection

from sandbox.drill.statuses import GREEN, Statuses
from sandbox.world import World


def assert_all_is_well(world: World, statuses: Statuses, ids: Collection[str]) -> None:
    """Every one of `ids`, and nothing else, is GREEN and has one document, and no status came after a newer one."""
    assert statuses.ribbons() == {GREEN: len(ids)}
    assert world.erp.journal.created() == Counter(ids)
    assert statuses.gone_back() == []
