"""Where one member of a consumer group is in each of its partitions."""

from collections.abc import Iterable, Mapping

from services.pipeline.records import Batch, Partition

Offsets = Mapping[Partition, int | None]
"""The next offset of each partition; None where nothing was ever read."""


class Positions:
    """The assigned partitions: how far batches were taken, and how far they are committed.

    `taken` runs ahead of `kept` while a batch is being settled.
    """

    def __init__(self) -> None:
        self.taken: dict[Partition, int | None] = {}
        self.kept: dict[Partition, int | None] = {}
        self.out_of_range: set[Partition] = set()
        self._ends: dict[Partition, int] = {}

    @property
    def partitions(self) -> list[Partition]:
        """The assigned partitions."""
        return list(self.kept)

    def assign(self, offsets: Offsets) -> None:
        """Add partitions, at their saved offsets."""
        self.taken.update(offsets)
        self.kept.update(offsets)

    def revoke(self, partitions: Iterable[Partition]) -> None:
        """Forget `partitions`."""
        for partition in partitions:
            for known in (self.taken, self.kept, self._ends):
                known.pop(partition, None)
            self.out_of_range.discard(partition)

    def reset(self, saved: Mapping[Partition, int]) -> None:
        """Continue every assigned partition from its saved offset."""
        self.taken = {partition: saved.get(partition) for partition in self.kept}
        self.kept = dict(self.taken)
        self.out_of_range.clear()
        self._ends.clear()

    def take(self, batch: Batch) -> None:
        """Note that `batch` is being settled."""
        self.taken.update(batch.ends)

    def keep(self, batch: Batch) -> None:
        """Note that `batch` is committed."""
        self.kept.update({partition: end for partition, end in batch.ends.items() if partition in self.kept})

    def reach_end(self, partition: Partition, end: int) -> None:
        """Note that everything before `end` was read, where the last offsets may be marks of Kafka's own."""
        if partition in self.taken:
            self._ends[partition] = end

    def marks(self) -> Batch | None:
        """Return a batch without records from the last ones to the ends, None where nothing is between them.

        There are only marks of Kafka's own and what an aborted transaction left; without being passed, they would count
        as lag for ever, and the offset before them would be out of range once they are deleted.
        """
        ends = {name: end for name, end in self._ends.items() if end > (self.taken[name] or 0)}
        return Batch([], {name: self.taken[name] for name in ends}, ends) if ends else None

    def differ_from(self, saved: Mapping[Partition, int]) -> bool:
        """Whether other offsets are saved than we have committed."""
        return any(saved.get(partition) != position for partition, position in self.kept.items())

    def reached(self, partition: Partition) -> int:
        """Return the offset before which everything was read."""
        return max(self.taken[partition] or 0, self._ends.get(partition, 0))

    def lag(self, partition: Partition, high: int) -> int:
        """Return how many offsets before `high` are not processed."""
        if self.kept[partition] == self.taken[partition]:
            return max(high - self.reached(partition), 0)
        return max(high - (self.kept[partition] or 0), 0)
