"""Finds partitions from which Faust reads nothing although they have messages: nothing else would ever notice.

Either it does not move, or the topic was made anew and ends before the place that Faust has in mind: it then drops
whatever comes before that place as known.
"""

from collections.abc import Mapping

from services.pipeline.records import Partition


class StandingStill:
    """Compares how far Faust has read with where the partitions end, every time that the brokers were asked."""

    def __init__(self) -> None:
        self._reached: Mapping[Partition, int] = {}
        self._behind: Mapping[Partition, int] = {}

    def found(self, reached: Mapping[Partition, int], highs: Mapping[Partition, int]) -> list[Partition]:
        """Return the partitions that are behind, and were at the same offset when asked before; or before it by now."""
        behind = {partition: at for partition, at in reached.items() if at < highs.get(partition, 0)}
        found = {partition for partition, at in behind.items() if self._behind.get(partition) == at}
        # what was reached before the brokers were asked cannot be behind what they say
        found |= {partition for partition, at in self._reached.items() if at > highs.get(partition, at)}
        self._behind, self._reached = behind, dict(reached)
        return sorted(found)
