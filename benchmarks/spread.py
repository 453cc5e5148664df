"""Several measurements of one thing: their median, and how far apart they are."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of some measurements with the lowest and the highest of them."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Return the spread of `values`, of which there is at least one."""
        return cls(median(values), min(values), max(values))


def percentile(ordered: Sequence[float], percent: float) -> float:
    """Return the smallest of the `ordered` values that `percent` of them do not exceed."""
    rank = -(-len(ordered) * percent // 100)
    return ordered[max(int(rank), 1) - 1]
