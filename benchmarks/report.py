"""The results as Markdown tables for people and as JSON for programs."""

import json
import os
import platform
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.measured import LIMIT, LOOP, TITLES, Exports, LateAnswers, Latency, Results, Throughput, Window
from benchmarks.spread import Spread

Row = Sequence[str]
TOO_SLOW = "does not keep up"


def as_markdown(results: Results) -> str:
    """Return one table for each section that was measured."""
    tables = [
        _throughput(results.throughput),
        _latency(results.latency),
        _million(results.empty, results.million),
        _drain(results.drain),
        _exports(results.exports, results.starts),
        _windows(results.windows),
        _late_answers(results.late_answers),
    ]
    return "\n\n".join([*(table for table in tables if table), f"Measured on {machine()}."])


def as_json(results: Results) -> str:
    """Return every single measurement."""
    return json.dumps({"machine": machine(), **asdict(results)}, indent=2)


def machine() -> str:
    """Return what it was measured on, in words."""
    model = next(iter(_lines("/proc/cpuinfo", "model name")), platform.machine())
    memory_kb = int(next(iter(_lines("/proc/meminfo", "MemTotal")), "0").split()[0])
    return (
        f"{os.cpu_count()} cores of {model}, {memory_kb / 2**20:.0f} GB, Python {platform.python_version()}, "
        f"{platform.system()} {platform.release()}"
    )


def names_of(measured: Iterable[Throughput | Latency]) -> list[str]:
    """Return the contenders, each once, in the order in which they were measured."""
    return list(dict.fromkeys(each.contender for each in measured))


def rates_of(measured: Sequence[Throughput], contender: str) -> list[float]:
    """Return the events per second of each round."""
    return [each.events_per_second for each in measured if each.contender == contender]


def _throughput(measured: Sequence[Throughput]) -> str:
    head = (
        "Throughput",
        "events/s (min to max)",
        "ratio to loop",
        "ratio to limit",
        "CPU s per 1,000 events: service",
        "Kafka",
        "PostgreSQL",
        "peak memory",
    )
    return _table(head, [_throughput_row(measured, name) for name in names_of(measured)])


def _throughput_row(measured: Sequence[Throughput], name: str) -> Row:
    own = [each for each in measured if each.contender == name]
    cpu = [each.cpu_per_thousand for each in own]
    return (
        TITLES[name],
        _spread([each.events_per_second for each in own], "{:,.0f}"),
        _ratio(measured, name, LOOP, "{:.1f}"),
        _ratio(measured, name, LIMIT, "{:.2f}"),
        f"{Spread.of([each.service for each in cpu]).median:.3f}",
        f"{Spread.of([each.kafka for each in cpu]).median:.3f}",
        f"{Spread.of([each.postgres for each in cpu]).median:.3f}",
        f"{max(each.peak_mb for each in own):.0f} MB",
    )


def _ratio(measured: Sequence[Throughput], name: str, base: str, form: str) -> str:
    """Return the median of the ratios within each round, since a round's measurements are close together in time."""
    pairs = list(zip(rates_of(measured, name), rates_of(measured, base), strict=False))
    return form.format(Spread.of([own / other for own, other in pairs]).median) if pairs else "-"


def _latency(measured: Sequence[Latency]) -> str:
    head = ("Latency", "events/s", "p50 ms (min to max)", "p95 ms (min to max)", "p99 ms (min to max)")
    rates = sorted({each.rate for each in measured})
    rows = [_latency_row(measured, name, rate) for rate in rates for name in names_of(measured)]
    return _table(head, rows)


def _latency_row(measured: Sequence[Latency], name: str, rate: float) -> Row:
    own = [each for each in measured if each.contender == name and each.rate == rate]
    begin = (TITLES[name], f"{rate:,.0f}")
    if not own or any(each.p50_ms is None for each in own):
        return (*begin, TOO_SLOW, TOO_SLOW, TOO_SLOW)
    figures: Sequence[Callable[[Latency], Any]] = (lambda e: e.p50_ms, lambda e: e.p95_ms, lambda e: e.p99_ms)
    return (*begin, *(_spread([figure(each) for each in own], "{:.1f}") for figure in figures))


def _million(empty: Sequence[Throughput], million: Sequence[Throughput]) -> str:
    if not million:
        return ""
    ratios = [full.events_per_second / other.events_per_second for full, other in zip(million, empty, strict=True)]
    head = ("Commitments in the database", "events/s (min to max)", "ratio (min to max)")
    rows = [
        ("none", _spread([each.events_per_second for each in empty], "{:,.0f}"), "1"),
        ("full", _spread([each.events_per_second for each in million], "{:,.0f}"), _spread(ratios, "{:.2f}")),
    ]
    return _table(head, rows)


def _drain(measured: Sequence[Throughput]) -> str:
    rows = [(f"{each.events:,}", f"{each.events_per_second:,.0f}", f"{each.peak_mb:.0f} MB") for each in measured]
    return _table(("Drain of a backlog, events", "events/s", "peak memory"), rows)


def _exports(rates: Sequence[Exports], starts: Sequence[Window]) -> str:
    head = (
        "Exports to a slow ERP",
        "exports/s (min to max)",
        "of the ideal rate",
        "acceptance to call, p50 ms",
        "p99 ms",
    )
    if not rates:
        return ""
    row = (
        f"{rates[0].exports:,}",
        _spread([each.per_second for each in rates], "{:.1f}"),
        _spread([100 * each.per_second / each.ideal_per_second for each in rates], "{:.0f} %"),
        _spread([each.p50_ms for each in starts], "{:.0f}"),
        _spread([each.p99_ms for each in starts], "{:.0f}"),
    )
    return _table(head, [row])


def _windows(windows: Sequence[Window]) -> str:
    head = ("Between question and write, exports", "p50 ms", "p99 ms", "max ms")
    rows = [(f"{each.count:,}", f"{each.p50_ms:.1f}", f"{each.p99_ms:.1f}", f"{each.max_ms:.1f}") for each in windows]
    return _table(head, rows)


def _late_answers(measured: Sequence[LateAnswers]) -> str:
    head = ("Stored after our deadline, s", "`settle_seconds`", "exports", "two documents")
    rows = [
        (f"{each.late_seconds:g}", f"{each.settle_seconds:g}", str(each.exports), str(each.doubled))
        for each in measured
    ]
    return _table(head, rows)


def _table(head: Row, rows: Sequence[Row]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) if rows else ""


def _spread(values: Sequence[float], form: str) -> str:
    spread = Spread.of(values)
    middle, low, high = (form.format(value) for value in (spread.median, spread.low, spread.high))
    return middle if len(values) == 1 else f"{middle} ({low} to {high})"


def _lines(file: str, name: str) -> Iterable[str]:
    """Yield the values of the lines `name : value` in a file that Linux has and others have not."""
    path = Path(file)
    for line in path.read_text().splitlines() if path.exists() else ():
        found, _, value = line.partition(":")
        if found.strip() == name:
            yield value.strip()
