"""Draws lines and heat maps as SVG, with Vega-Lite."""

import math
from collections.abc import Sequence
from typing import Any

import vl_convert

from ops.grafana.drawing.prometheus import Series
from ops.grafana.drawing.units import expression, marks, written

VERSION = "6.4"
COLUMN_PIXELS, ROW_PIXELS = 66, 36
"""What a unit of Grafana's grid takes here."""

_FIT = {"type": "fit", "contains": "padding"}
_NEAR_LIMIT = 0.5
"""From this share of a limit on, the limit is drawn as well; before, it would only press the lines down."""

_MANY = 8
"""Of more series than these, the legend leaves out those that are zero throughout: it would take the room of lines."""

_STYLE: dict[str, Any] = {
    "background": None,
    "font": "DejaVu Sans",
    "view": {"stroke": None},
    "axis": {
        "gridColor": "#e4e7ea",
        "domainColor": "#c4c9ce",
        "tickColor": "#c4c9ce",
        "labelFontSize": 11,
        "title": None,
    },
    "legend": {"orient": "bottom", "title": None, "labelFontSize": 11, "labelLimit": 260, "symbolStrokeWidth": 3},
}
_COLOURS = [
    "#3274d9",
    "#e0752d",
    "#299c46",
    "#a352cc",
    "#c4162a",
    "#0a7ea4",
    "#b58900",
    "#8f3bb8",
    "#37872d",
    "#70757a",
]

Named = Sequence[tuple[str, Series]]
Size = tuple[int, int]
Span = tuple[float, float]


def lines(
    named: Named, unit: str, size: Size, span: Span, limit: float | None, *, is_stacked: bool, is_log: bool
) -> str:
    """Lines over time as SVG; a gap where a series has no samples."""
    values = [row for name, series in named for row in _rows(name, series, is_log=is_log)]
    largest = max((row["v"] for row in values if row["v"] is not None), default=0)
    scale = {"type": "log"} if is_log and largest > 0 else {"domainMin": 0, **({} if largest else {"domainMax": 1})}
    y: dict[str, Any] = {
        "field": "v",
        "type": "quantitative",
        "scale": scale,
        "axis": _axis(unit, None if is_log else marks(largest, unit)),
    }
    if is_stacked:
        y["stack"] = "zero"
    mark: dict[str, Any] = (
        {"type": "area", "opacity": 0.6, "line": True} if is_stacked else {"type": "line", "strokeWidth": 1.6}
    )
    told = [name for name, _ in _told(named)]
    others = [name for name, _ in named if name not in told]
    colour = {
        "field": "s",
        "type": "nominal",
        "scale": {"range": _COLOURS, "domain": told + others},  # the first ones have colours of their own
        "legend": {"columns": _columns(told, size), "values": told},
    }
    encoding = {"x": _time(span), "y": y, "color": colour}
    layers: list[dict[str, Any]] = [{"mark": mark | {"invalid": "break-paths-show-path-domains"}, "encoding": encoding}]
    if limit is not None and largest >= limit * _NEAR_LIMIT:
        rule = {"type": "rule", "color": "#e02f44", "strokeDash": [6, 4], "strokeWidth": 1.5}
        layers.append(
            {
                "data": {"values": [{"limit": limit}]},
                "mark": rule,
                "encoding": {"y": {"field": "limit", "type": "quantitative"}},
            }
        )
    return _drawn({"layer": layers}, values, size)


def _told(named: Named) -> Named:
    """Return the series that the legend names."""
    if len(named) <= _MANY:
        return named
    return [each for each in named if any(value for _, value in each[1].samples)] or named[:_MANY]


def heat(series: Sequence[Series], unit: str, size: Size, span: Span, step: float) -> str:
    """A heat map as SVG: a column for each moment, a line for each bucket, darker where more fell into it."""
    ordered = sorted(series, key=lambda each: float(each.labels["le"]))
    below: dict[float, float] = {}
    values = []
    for each in ordered:
        bound = float(each.labels["le"])
        name = "more" if math.isinf(bound) else written(bound, unit)
        for moment, total in each.samples:
            count = total - below.get(moment, 0.0)
            below[moment] = total
            if count > 1e-9:  # noqa: PLR2004 - rates are not exact
                values.append({"t": (moment - step) * 1000, "t2": moment * 1000, "b": name, "v": count})
    names = [
        "more" if math.isinf(float(each.labels["le"])) else written(float(each.labels["le"]), unit) for each in ordered
    ]
    chart = {
        "mark": {"type": "rect"},
        "encoding": {
            "x": _time(span),
            "x2": {"field": "t2"},
            "y": {
                "field": "b",
                "type": "ordinal",
                "scale": {"domain": names[::-1]},
                "axis": {"grid": True, "labelOverlap": True},
            },
            "color": {
                "field": "v",
                "type": "quantitative",
                "scale": {"scheme": "oranges"},
                "legend": {"gradientLength": 220},
            },
        },
    }
    return _drawn(chart, values, size)


def _rows(name: str, series: Series, *, is_log: bool) -> list[dict[str, Any]]:
    """The samples of a series, with an empty one wherever some are missing."""
    rows: list[dict[str, Any]] = []
    usual = min((b[0] - a[0] for a, b in zip(series.samples, series.samples[1:], strict=False)), default=0)
    before = None
    for moment, value in series.samples:
        if before is not None and moment - before > usual * 1.5:
            rows.append({"t": (before + usual) * 1000, "v": None, "s": name})
        rows.append({"t": moment * 1000, "v": None if is_log and value <= 0 else value, "s": name})
        before = moment
    return rows


def _axis(unit: str, values: list[float] | None) -> dict[str, Any]:
    return {"labelExpr": expression(unit), "tickCount": 5} | ({"values": values} if values else {})


def _time(span: Span) -> dict[str, Any]:
    domain = [moment * 1000 for moment in span]
    return {
        "field": "t",
        "type": "temporal",
        "scale": {"domain": domain, "type": "utc"},
        "axis": {"format": "%H:%M", "tickCount": 8, "grid": True},
    }


def _columns(names: Sequence[str], size: Size) -> int:
    longest = max(map(len, names), default=1)
    return max(1, min(len(names) or 1, (size[0] - 40) // (min(longest, 40) * 7 + 34)))


def _drawn(chart: dict[str, Any], values: list[dict[str, Any]], size: Size) -> str:
    spec = {
        "config": _STYLE,
        "data": {"values": values},
        "width": size[0],
        "height": size[1],
        "autosize": _FIT,
        **chart,
    }
    return str(vl_convert.vegalite_to_svg(spec, vl_version=VERSION))
