"""How a panel of ours is made: its words, colours and queries, so that a row only says what it shows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from grafana_foundation_sdk.builders import common, dashboard, heatmap, prometheus, stat, table, timeseries
from grafana_foundation_sdk.models import common as common_models
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models import heatmap as heatmap_models
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

SOURCE = models.DataSourceRef(type_val="prometheus", uid="${datasource}")
SERIES_ROWS = 8
"""The height of a panel with lines."""

GREEN, YELLOW, RED, BLUE = "green", "yellow", "red", "blue"

Panel = stat.Panel | timeseries.Panel | heatmap.Panel | table.Panel
PanelT = TypeVar("PanelT", stat.Panel, timeseries.Panel, heatmap.Panel, table.Panel)


@dataclass(frozen=True, slots=True)
class Query:
    """PromQL, and what its series are called in the legend."""

    expr: str
    legend: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What everybody has to know about a panel: what it shows, what is normal, and what to do otherwise."""

    shows: str
    normal: str
    act: str

    def __str__(self) -> str:
        return f"{self.shows}\n\n**Normal:** {self.normal}\n\n**Otherwise:** {self.act}"


@dataclass(frozen=True, slots=True)
class Link:
    """Where a panel leads: a page of the desk or of the documentation."""

    title: str
    url: str


def desk(title: str, view: str) -> Link:
    """A link to a list of the approval desk, whose address is a variable of the dashboard."""
    return Link(title, f"${{desk}}/commitments?view={view}")


def page(title: str, path: str) -> Link:
    """A link to a page of the documentation, whose address is a variable of the dashboard."""
    return Link(title, f"${{docs}}/{path}")


def number(
    title: str,
    *queries: Query,
    words: Words,
    unit: str = "short",
    width: int = 4,
    height: int = 5,
    colours: Sequence[tuple[float, str]] = (),
    below: str = GREEN,
    texts: Sequence[tuple[str, str, str]] = (),
    links: Sequence[Link] = (),
) -> stat.Panel:
    """A large figure of this moment; `colours` apply from their values on, `texts` are (value, text, colour).

    It is asked for at this moment only: the last value of a span of time would still be shown after its service ended.
    """
    panel = _basics(stat.Panel(), title, (), words, unit, (width, height), links)
    for place, query in enumerate(queries):
        panel.with_target(_target(query, place).instant())
    latest = common.ReduceDataOptions().calcs(["lastNotNull"])
    mappings: list[models.ValueMap] = [
        models.ValueMap({value: models.ValueMappingResult(text=text, color=colour, index=place)})
        for place, (value, text, colour) in enumerate(texts)
    ]
    panel.reduce_options(latest).thresholds(_steps(colours, below)).mappings(list(mappings))
    panel.text_mode(common_models.BigValueTextMode.AUTO).no_value("no data")
    return panel.color_mode(common_models.BigValueColorMode.BACKGROUND if colours or texts else _VALUE)


_VALUE = common_models.BigValueColorMode.VALUE


def lines(
    title: str,
    *queries: Query,
    words: Words,
    unit: str = "short",
    width: int = 8,
    limit: float | None = None,
    is_stacked: bool = False,
    is_log: bool = False,
    links: Sequence[Link] = (),
) -> timeseries.Panel:
    """Lines over time; from `limit` on, a red line says that it is too much."""
    panel = _basics(timeseries.Panel(), title, queries, words, unit, (width, SERIES_ROWS), links)
    panel.min(0).fill_opacity(30 if is_stacked else 0).line_width(1)
    panel.show_points(common_models.VisibilityMode.AUTO).legend(_legend())
    panel.tooltip(common.VizTooltipOptions().mode(common_models.TooltipDisplayMode.MULTI))
    if is_stacked:
        panel.stacking(common.StackingConfig().mode(common_models.StackingMode.NORMAL))
    if is_log:
        scale = common.ScaleDistributionConfig().type(common_models.ScaleDistribution.LOG).log(10)
        panel.scale_distribution(scale)
    if limit is not None:
        panel.thresholds(_steps([(limit, RED)]))
        panel.thresholds_style(common.GraphThresholdsStyleConfig().mode(_LINE))
    return panel


_LINE = common_models.GraphThresholdsStyleMode.DASHED


def heat(title: str, expr: str, *, words: Words, width: int = 12) -> heatmap.Panel:
    """How many observations fell into each bucket of a histogram; `expr` has one series for each `le`."""
    panel = _basics(heatmap.Panel(), title, (), words, "short", (width, SERIES_ROWS), ())
    panel.with_target(_target(Query(expr, "{{le}}"), 0).format(PromQueryFormat.HEATMAP))
    colours = heatmap.HeatmapColorOptions().mode(heatmap_models.HeatmapColorMode.SCHEME).scheme("Oranges")
    panel.color(colours.steps(64)).calculate(False).cell_gap(1)  # noqa: FBT003 - the builder's signature
    return panel.y_axis(heatmap.YAxisConfig().unit("s")).filter_values(heatmap.FilterValueRange().le(1e-9))


def rows(
    title: str,
    *queries: Query,
    words: Words,
    columns: Sequence[tuple[str, str]],
    units: Sequence[tuple[str, str]] = (),
    links: Sequence[tuple[str, Link]] = (),
    width: int = 12,
    height: int = SERIES_ROWS,
) -> table.Panel:
    """A table of instant queries by its first column; `columns` are (label or `Value #A`, heading), in order."""
    panel = _basics(table.Panel(), title, (), words, "short", (width, height), ())
    for place, query in enumerate(queries):
        panel.with_target(_target(query, place).format(PromQueryFormat.TABLE).instant())
    headings = dict(columns)
    hidden = dict.fromkeys(["Time", *([] if len(queries) == 1 and "Value" in headings else ["Value"])], True)
    order = {name: place for place, name in enumerate(headings)}
    arranged = {"excludeByName": hidden, "indexByName": order, "renameByName": headings}
    sorting = {"fields": {}, "sort": [{"field": columns[0][0], "desc": False}]}
    panel.with_transformation(models.DataTransformerConfig(id_val="merge", options={}))
    panel.with_transformation(models.DataTransformerConfig(id_val="sortBy", options=sorting))
    panel.with_transformation(models.DataTransformerConfig(id_val="organize", options=arranged))
    for heading, unit in units:
        panel.override_by_name(heading, [models.DynamicConfigValue("unit", unit)])
    for heading, link in links:
        shown = [{"title": link.title, "url": link.url, "targetBlank": True}]
        panel.override_by_name(heading, [models.DynamicConfigValue("links", shown)])
    return panel.no_value("Nothing")


def _basics(
    panel: PanelT,
    title: str,
    queries: Sequence[Query],
    words: Words,
    unit: str,
    size: tuple[int, int],
    links: Sequence[Link],
) -> PanelT:
    panel.title(title).description(str(words)).datasource(SOURCE).unit(unit).span(size[0]).height(size[1])
    for place, query in enumerate(queries):
        panel.with_target(_target(query, place))
    if links:
        panel.links([dashboard.DashboardLink(each.title).url(each.url).target_blank(True) for each in links])  # noqa: FBT003
    return panel


def _target(query: Query, place: int) -> prometheus.Dataquery:
    target = prometheus.Dataquery().expr(query.expr).legend_format(query.legend)
    return target.ref_id(chr(ord("A") + place)).datasource(SOURCE)


def _steps(colours: Sequence[tuple[float, str]], below: str = GREEN) -> dashboard.ThresholdsConfig:
    first = below if colours else BLUE
    steps = [models.Threshold(value=None, color=first), *(models.Threshold(*each) for each in colours)]
    return dashboard.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(steps)


def _legend() -> common.VizLegendOptions:
    legend = common.VizLegendOptions().show_legend(True)  # noqa: FBT003 - the builder's signature
    return legend.display_mode(common_models.LegendDisplayMode.LIST).placement(common_models.LegendPlacement.BOTTOM)
