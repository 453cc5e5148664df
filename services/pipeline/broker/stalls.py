"""Finds partitions that have unread messages although nothing is read from them."""

from collections.abc import Mapping

from services.pipeline.broker.positions import Positions
from services.pipeline.records import Partition

CHECKS_WHILE_BUSY = 10
"""While other partitions are read, a partition may have to wait its turn for this many checks."""


class Stalls:
    """Compares how far a member has read with where its partitions end, every time that the brokers were asked."""

    def __init__(self) -> None:
        self.partitions: frozenset[Partition] = frozenset()
        self._seen: dict[Partition, tuple[int, int]] = {}
        self._reads = 0

    def check(self, positions: Positions, highs: Mapping[Partition, int], reads: int) -> bool:
        """Note which partitions stand still; return whether there are some that did not before.

        `reads` counts the records that were read so far. One that is out of range waits for a person: to recover would
        only find the same again, and the gauge by which that person is called would fall for a moment.
        """
        checks_needed = 1 if reads == self._reads else CHECKS_WHILE_BUSY
        self._reads = reads
        self._seen = {
            partition: (reached, self._checks_at(partition, reached))
            for partition in positions.partitions
            if (reached := positions.reached(partition)) < highs.get(partition, 0)
            and partition not in positions.out_of_range
        }
        before = self.partitions
        self.partitions = frozenset(name for name, (_, checks) in self._seen.items() if checks >= checks_needed)
        return not self.partitions <= before

    def forget_moved(self, positions: Positions) -> None:
        """Forget partitions that are read again, or no longer assigned."""
        self.partitions = frozenset(
            name
            for name in self.partitions
            if name in positions.kept and positions.reached(name) == self._seen[name][0]
        )

    def _checks_at(self, partition: Partition, reached: int) -> int:
        """Return how many checks in a row found `partition` at `reached`, after the first."""
        seen_at, checks = self._seen.get(partition, (-1, 0))
        return checks + 1 if seen_at == reached else 0
