"""The resources of each service's processes; the row is repeated for each service that is chosen."""

from collections.abc import Sequence

from ops.grafana.panels import Panel, Query, Words, lines, page
from ops.grafana.promql import WINDOW

_ONE = 'job="countersign", service="$service"'
_MEMORY_BYTES = 200 * 2**20
"""What a service needs at most while it works off a backlog of a million."""


def panels() -> Sequence[Panel]:
    """The panels from left to right."""
    return [_cpu(), _memory(), _descriptors(), _collections()]


def _cpu() -> Panel:
    return lines(
        "CPU of $service",
        Query(f"rate(process_cpu_seconds_total{{{_ONE}}}{WINDOW})", "{{instance}}"),
        unit="percentunit",
        width=6,
        limit=1,
        words=Words(
            shows="How much of one core each process uses; a process uses one core at most, but for its libraries.",
            normal="a few per cent; near 100 % while a backlog is worked off.",
            act="if it stays near 100 % while the lag grows, start another process.",
        ),
    )


def _memory() -> Panel:
    return lines(
        "Memory of $service",
        Query(f"process_resident_memory_bytes{{{_ONE}}}", "{{instance}}"),
        unit="bytes",
        width=6,
        limit=_MEMORY_BYTES,
        words=Words(
            shows="Resident memory of each process.",
            normal="flat, below 200 MB also with a backlog.",
            act="if it grows for hours, restart the process (SIGTERM drains it) and report it.",
        ),
    )


def _descriptors() -> Panel:
    return lines(
        "Open descriptors of $service",
        Query(f"process_open_fds{{{_ONE}}} / process_max_fds{{{_ONE}}}", "{{instance}}"),
        unit="percentunit",
        width=6,
        limit=0.8,
        words=Words(
            shows="The share of the descriptors (connections, files) that a process may have open.",
            normal="a few per cent.",
            act="raise the limit (ulimit -n), and see who opens so many connections.",
        ),
        links=[page("Limits", "operations.md#limits")],
    )


def _collections() -> Panel:
    return lines(
        "Garbage collection and starts of $service",
        Query(f"rate(python_gc_collections_total{{{_ONE}}}{WINDOW})", "{{instance}} generation {{generation}}"),
        Query(f"changes(process_start_time_seconds{{{_ONE}}}{WINDOW})", "{{instance}} started again"),
        unit="short",
        width=6,
        words=Words(
            shows="Collections of each generation in a second, and starts of a process.",
            normal="generation 2 far below one in a second, and no starts but yours.",
            act="starts that repeat are a process that dies: its log says why.",
        ),
    )
