"""Makes of a panel what the page shows: an SVG, a large figure, or a table."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ops.grafana.drawing import charts
from ops.grafana.drawing.board import Panel
from ops.grafana.drawing.prometheus import Prometheus, Series
from ops.grafana.drawing.units import written

COLOURS = {"green": "#37872d", "yellow": "#b8860b", "red": "#c4162a", "blue": "#1f60c4"}
POINTS = 240


@dataclass(frozen=True, slots=True)
class Window:
    """What the page is about: the span of time, and how often Prometheus scrapes."""

    begin: float
    end: float
    scrape_seconds: float

    @property
    def step(self) -> float:
        """The seconds between two samples of a line."""
        return max((self.end - self.begin) / POINTS, self.scrape_seconds)

    @property
    def variables(self) -> Mapping[str, str]:
        """Grafana's own variables: a rate needs four scrapes, so that one may be missed."""
        seconds = max(self.step + self.scrape_seconds, 4 * self.scrape_seconds)
        return {"__rate_interval": f"{seconds:g}s", "__interval": f"{self.step:g}s"}


@dataclass(frozen=True, slots=True)
class Tile:
    """A figure with its name and colour."""

    name: str
    text: str
    colour: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A panel with what the page shows of it."""

    panel: Panel
    svg: str = ""
    tiles: Sequence[Tile] = ()
    heading: Sequence[str] = ()
    cells: Sequence[Sequence[str]] = ()
    values: Sequence[tuple[str, float]] = field(default=())


def drawn(panel: Panel, prometheus: Prometheus, window: Window) -> Drawn:
    """Ask the panel's queries and draw the answers; LookupError for a kind of panel that is not known here."""
    return _KINDS[panel.kind](panel, prometheus, window)


def _stat(panel: Panel, prometheus: Prometheus, window: Window) -> Drawn:
    named = [
        (legend(target, series), series.latest)
        for target in panel.targets
        for series in prometheus.at(_asked(target, window), window.end)
        if series.samples
    ]
    tiles = [Tile(name, *_text_and_colour(panel, value)) for name, value in named]
    return Drawn(panel=panel, tiles=tiles or [Tile("", panel.defaults.get("noValue", ""), "#70757a")], values=named)


def _text_and_colour(panel: Panel, value: float) -> tuple[str, str]:
    steps = panel.defaults.get("thresholds", {}).get("steps", [])
    colour = next(
        (each["color"] for each in reversed(steps) if each["value"] is None or value >= each["value"]), "blue"
    )
    for mapping in panel.defaults.get("mappings", ()):
        if found := mapping["options"].get(f"{value:g}"):
            return found["text"], COLOURS[found["color"]]
    return written(value, panel.unit), COLOURS[colour]


def _lines(panel: Panel, prometheus: Prometheus, window: Window) -> Drawn:
    named = [
        (legend(target, series), series)
        for target in panel.targets
        for series in prometheus.between(_asked(target, window), window.begin, window.end, window.step)
        if series.samples
    ]
    custom = panel.defaults.get("custom", {})
    limits = [
        each["value"] for each in panel.defaults.get("thresholds", {}).get("steps", []) if each["value"] is not None
    ]
    is_log = custom.get("scaleDistribution", {}).get("type") == "log"
    is_stacked = custom.get("stacking", {}).get("mode") == "normal"
    limit = limits[0] if limits else None
    span = (window.begin, window.end)
    svg = charts.lines(named, panel.unit, _size(panel), span, limit, is_stacked=is_stacked, is_log=is_log)
    return Drawn(panel=panel, svg=svg if named else "", values=[(name, series.latest) for name, series in named])


def _heat(panel: Panel, prometheus: Prometheus, window: Window) -> Drawn:
    [target] = panel.targets
    series = prometheus.between(_asked(target, window), window.begin, window.end, window.step)
    span = (window.begin, window.end)
    svg = charts.heat(series, panel.unit, _size(panel), span, window.step) if series else ""
    return Drawn(panel=panel, svg=svg, values=[(each.labels["le"], each.latest) for each in series if each.samples])


def _table(panel: Panel, prometheus: Prometheus, window: Window) -> Drawn:
    arranged = next(each["options"] for each in panel.content["transformations"] if each["id"] == "organize")
    shown = sorted(arranged["indexByName"], key=arranged["indexByName"].__getitem__)
    heading = [arranged["renameByName"][name] for name in shown]
    units = {
        each["matcher"]["options"]: each["properties"][0]["value"]
        for each in panel.content["fieldConfig"].get("overrides", ())
        if each["properties"][0]["id"] == "unit"
    }
    merged: dict[tuple[tuple[str, str], ...], dict[str, float]] = {}
    for target in panel.targets:
        for series in prometheus.at(_asked(target, window), window.end):
            merged.setdefault(tuple(sorted(series.labels.items())), {})[f"Value #{target['refId']}"] = series.latest
    cells = [
        [
            dict(labels).get(name) or _figure(values.get(name), units.get(title, "short"))
            for name, title in zip(shown, heading, strict=True)
        ]
        for labels, values in merged.items()
    ]
    return Drawn(panel=panel, heading=heading, cells=sorted(cells))


def _figure(value: float | None, unit: str) -> str:
    return "" if value is None else written(value, unit)


def _asked(target: Mapping[str, Any], window: Window) -> str:
    return re.sub(r"\$(\w+)", lambda found: window.variables.get(found[1], found[0]), str(target["expr"]))


def legend(target: Mapping[str, Any], series: Series) -> str:
    """What a series is called."""
    return re.sub(
        r"\{\{(\w+)\}\}", lambda found: series.labels.get(found[1], ""), target.get("legendFormat", "")
    ).strip()


def _size(panel: Panel) -> tuple[int, int]:
    return panel.width * charts.COLUMN_PIXELS - 16, panel.height * charts.ROW_PIXELS - 40


_KINDS: Mapping[str, Callable[[Panel, Prometheus, Window], Drawn]] = {
    "stat": _stat,
    "timeseries": _lines,
    "heatmap": _heat,
    "table": _table,
}
