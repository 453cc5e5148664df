"""What processes cost: CPU seconds and memory, read from /proc, so on Linux only."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmarks.measured import CpuSeconds

PROC = Path("/proc")
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def cpu_seconds(service: Sequence[int], kafka: int, postgres: int) -> CpuSeconds:
    """Return the CPU time so far of these processes."""
    return CpuSeconds(_of_trees(service), _of_trees([kafka]), _of_trees([postgres]))


def cpu_of_tree(pid: int) -> float:
    """Return the CPU time so far of a process and its descendants."""
    return _of_trees([pid])


def peak_mb(pids: Iterable[int]) -> float:
    """Return the largest resident memory that the processes ever had, added up, in MB."""
    return sum(_peak_kb((PROC / str(pid) / "status").read_text()) for pid in pids) / 1024


def _of_trees(roots: Sequence[int]) -> float:
    return sum(_cpu_ticks(stat) for stat in _stats(roots)) / _TICKS_PER_SECOND


def _stats(pids: Iterable[int]) -> Iterable[str]:
    """Yield the stat line of each process and of its descendants; one that ends meanwhile is left out."""
    for pid in pids:
        try:
            yield (PROC / str(pid) / "stat").read_text()
            children = (PROC / str(pid) / "task" / str(pid) / "children").read_text().split()
        except OSError:
            continue
        yield from _stats(map(int, children))


def _cpu_ticks(stat: str) -> int:
    """Return user and system time of a process and of its children that have ended."""
    fields = stat.rpartition(")")[2].split()  # the name before it may contain spaces
    return sum(map(int, fields[11:15]))


def _peak_kb(status: str) -> int:
    return int(status.partition("VmHWM:")[2].split()[0])
