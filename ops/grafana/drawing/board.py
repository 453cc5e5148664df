"""A dashboard as its JSON describes it: rows that are repeated, variables that are chosen, panels in their places."""

import copy
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

ROW = "row"
Chosen = Mapping[str, Sequence[str]]
"""The values of each variable."""


@dataclass(frozen=True, slots=True)
class Panel:
    """A panel, or the title of a row, with all variables replaced; its place is in Grafana's grid of 24 columns."""

    kind: str
    title: str
    content: Mapping[str, Any]
    x: int
    y: int
    width: int
    height: int

    @property
    def defaults(self) -> Mapping[str, Any]:
        """How its values are shown: unit, thresholds, texts."""
        found: Mapping[str, Any] = self.content.get("fieldConfig", {}).get("defaults", {})
        return found

    @property
    def unit(self) -> str:
        """The unit of its values; a heat map has it at its axis."""
        axis = self.content.get("options", {}).get("yAxis", {}).get("unit")
        return str(axis or self.defaults.get("unit", "short"))

    @property
    def targets(self) -> Sequence[Mapping[str, Any]]:
        """Its queries."""
        return list(self.content.get("targets", ()))


def label_queries(board: Mapping[str, Any]) -> Mapping[str, tuple[str, str]]:
    """The metric and the label that give the values of each variable with a query."""
    found = {}
    for variable in board["templating"]["list"]:
        if variable["type"] == "query":
            metric, label = re.fullmatch(r"label_values\((.*), (\w+)\)", variable["query"]).groups()  # type: ignore[union-attr]
            found[variable["name"]] = (metric, label)
    return found


def fixed_values(board: Mapping[str, Any]) -> dict[str, str]:
    """The values of variables that people type."""
    return {each["name"]: each["query"] for each in board["templating"]["list"] if each["type"] == "textbox"}


def placed(board: Mapping[str, Any], chosen: Chosen, fixed: Mapping[str, str]) -> Iterator[Panel]:
    """The panels from top to bottom; a repeated row comes once for each value, and what follows moves down."""
    shift = 0
    for row, panels in _sections(board["panels"]):
        values = chosen[row["repeat"]] if row and row.get("repeat") else [None]
        height = _height(row, panels)
        for place, value in enumerate(values):
            own = {**chosen, row["repeat"]: [value]} if row and value is not None else chosen
            for panel in ([row] if row else []) + panels:
                yield _panel(panel, _texts(own, fixed), shift + place * height)
        shift += (len(values) - 1) * height


def _sections(panels: Sequence[Any]) -> list[tuple[Any, list[Any]]]:
    """Each row with the panels below it; those above the first row have none."""
    sections: list[tuple[Any, list[Any]]] = [(None, [])]
    for panel in panels:
        if panel["type"] == ROW:
            sections.append((panel, []))
        else:
            sections[-1][1].append(panel)
    return [each for each in sections if each[0] or each[1]]


def _height(row: Any, panels: Sequence[Any]) -> int:
    places: list[dict[str, int]] = [each["gridPos"] for each in [row, *panels] if each]
    return max(each["y"] + each["h"] for each in places) - min(each["y"] for each in places)


def _texts(chosen: Chosen, fixed: Mapping[str, str]) -> dict[str, str]:
    return dict(fixed) | {name: _regex(values) for name, values in chosen.items()}


def _regex(values: Sequence[str]) -> str:
    return values[0] if len(values) == 1 else f"({'|'.join(values)})"


def _panel(panel: Mapping[str, Any], texts: Mapping[str, str], shift: int) -> Panel:
    content = replaced(copy.deepcopy(dict(panel)), texts)
    place = content["gridPos"]
    return Panel(content["type"], content["title"], content, place["x"], place["y"] + shift, place["w"], place["h"])


def replaced(given: Any, texts: Mapping[str, str]) -> Any:
    """`given` with `$name` and `${name}` replaced in all its texts; names that `texts` does not have stay."""
    if isinstance(given, str):
        return re.sub(r"\$\{?(\w+)\}?", lambda found: texts.get(found[1], found[0]), given)
    if isinstance(given, dict):
        return {name: replaced(value, texts) for name, value in given.items()}
    return [replaced(each, texts) for each in given] if isinstance(given, list) else given
