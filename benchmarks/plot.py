"""Draws throughput and latency as one SVG that is readable on light and on dark pages."""

from collections.abc import Iterator, Sequence
from html import escape
from math import log10

from benchmarks.measured import COUNTERSIGN, TITLES, Latency, Results, Throughput
from benchmarks.report import TOO_SLOW, names_of, rates_of
from benchmarks.spread import Spread

WIDTH = 860
LEFT = 190
RIGHT = 140
ROW = 30
BAR = 16
HEAD = 64
LATENCY_FLOOR_MS = 1

STYLE = """
  text { font: 13px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #1f2328; }
  .title { font-size: 16px; font-weight: 600; }
  .note { fill: #59636e; font-size: 12px; }
  .bar { fill: #8c959f; }
  .ours { fill: #1a7f37; }
  .spread { stroke: #1f2328; stroke-width: 1.5; }
  .grid { stroke: #d1d9e0; stroke-width: 1; }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc; }
    .note { fill: #9198a1; }
    .bar { fill: #656c76; }
    .ours { fill: #3fb950; }
    .spread { stroke: #f0f6fc; }
    .grid { stroke: #3d444d; }
  }
"""


def as_svg(results: Results) -> str:
    """Return a panel for the throughput, and one below for the latency at each rate."""
    panels: list[tuple[Sequence[str], int]] = []
    if results.throughput:
        panels.append(_throughput(results.throughput))
    panels += [_latency(results.latency, rate) for rate in sorted({each.rate for each in results.latency})]
    parts, top = [], 0
    for shapes, height in panels:
        parts += [f'<g transform="translate(0 {top})">', *shapes, "</g>"]
        top += height
    size = f'viewBox="0 0 {WIDTH} {top}" width="{WIDTH}" height="{top}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">'
    described = "<title>Throughput and latency of Countersign and of other ways to write the same consumer</title>"
    return "\n".join([head, described, f"<style>{STYLE}</style>", *parts, "</svg>"]) + "\n"


def _throughput(measured: Sequence[Throughput]) -> tuple[Sequence[str], int]:
    names = names_of(measured)
    spreads = {name: Spread.of(rates_of(measured, name)) for name in names}
    scale = _width() / max(spread.high for spread in spreads.values())
    rows = [_bar(number, name, spreads[name], scale) for number, name in enumerate(names)]
    title = _title("Throughput, events/s", "bar: median of the rounds; line: lowest to highest")
    return [*title, *(shape for row in rows for shape in row)], _height(len(names))


def _bar(number: int, name: str, spread: Spread, scale: float) -> Iterator[str]:
    middle = _middle(number)
    yield _label(name, middle)
    yield (
        f'<rect class="bar {_ours(name)}" x="{LEFT}" y="{middle - BAR / 2}" '
        f'width="{spread.median * scale:.1f}" height="{BAR}" rx="2"/>'
    )
    yield _spread_line(LEFT + spread.low * scale, LEFT + spread.high * scale, middle)
    yield _text(LEFT + spread.high * scale + 8, middle, f"{spread.median:,.0f}")


def _latency(measured: Sequence[Latency], rate: float) -> tuple[Sequence[str], int]:
    """Return a panel with a logarithmic scale: fast and slow contenders are far apart."""
    names = names_of(measured)
    own = {name: [each for each in measured if each.contender == name and each.rate == rate] for name in names}
    slowest = max((each.p99_ms or 0 for each in measured), default=0)
    decades = max(1, -(-log10(max(slowest, 10) / LATENCY_FLOOR_MS) // 1))
    scale = _width() / decades
    rows = [_range(number, name, own[name], scale) for number, name in enumerate(names)]
    title = _title(
        f"Latency at {rate:,.0f} events/s, milliseconds",
        "bar: p50 to p99, with p95 as a line; medians of the rounds, on a logarithmic scale",
    )
    shapes = [*title, *_grid(int(decades), scale, len(names)), *(shape for row in rows for shape in row)]
    return shapes, _height(len(names)) + 18


def _range(number: int, name: str, own: Sequence[Latency], scale: float) -> Iterator[str]:
    middle = _middle(number)
    yield _label(name, middle)
    if not own or any(each.p99_ms is None for each in own):
        yield _text(LEFT + 8, middle, TOO_SLOW, "note")
        return
    p50, p95, p99 = (
        Spread.of([figure or 0 for figure in figures]).median
        for figures in zip(*((each.p50_ms, each.p95_ms, each.p99_ms) for each in own), strict=True)
    )
    begin, tick, end = (LEFT + log10(max(ms / LATENCY_FLOOR_MS, 1)) * scale for ms in (p50, p95, p99))
    yield (
        f'<rect class="bar {_ours(name)}" x="{begin:.1f}" y="{middle - BAR / 2}" '
        f'width="{max(end - begin, 3):.1f}" height="{BAR}" rx="2"/>'
    )
    yield f'<line class="spread" x1="{tick:.1f}" x2="{tick:.1f}" y1="{middle - BAR / 2}" y2="{middle + BAR / 2}"/>'
    yield _text(max(end, begin + 3) + 8, middle, f"{p50:.0f} · {p95:.0f} · {p99:.0f}")


def _grid(decades: int, scale: float, rows: int) -> Iterator[str]:
    bottom = HEAD + rows * ROW
    for decade in range(decades + 1):
        x = LEFT + decade * scale
        yield f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{HEAD}" y2="{bottom}"/>'
        yield f'<text class="note" x="{x:.1f}" y="{bottom + 14}" text-anchor="middle">{10**decade:,}</text>'


def _title(title: str, note: str) -> list[str]:
    return [f'<text class="title" x="16" y="28">{escape(title)}</text>', _text(16, 44, note, "note")]


def _label(name: str, middle: float) -> str:
    return f'<text x="{LEFT - 10}" y="{middle + 4.5}" text-anchor="end">{escape(TITLES[name])}</text>'


def _text(x: float, middle: float, words: str, kind: str = "") -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{middle + 4.5}">{escape(words)}</text>'


def _spread_line(begin: float, end: float, middle: float) -> str:
    return f'<line class="spread" x1="{begin:.1f}" x2="{end:.1f}" y1="{middle}" y2="{middle}"/>'


def _ours(name: str) -> str:
    return "ours" if name.startswith(COUNTERSIGN) else ""


def _middle(number: int) -> float:
    return HEAD + number * ROW + ROW / 2


def _height(rows: int) -> int:
    return HEAD + rows * ROW + 16


def _width() -> int:
    return WIDTH - LEFT - RIGHT
