"""Dashboards, rules and pages name only what is exported, everything exported is looked at, and panels say what to do.

Each check is a function that lists problems; a test violates each of them on purpose.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import deepcopy
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from ops.grafana.__main__ import COMMITTED, files, main
from ops.grafana.drawing.units import UNITS
from services.approval.storage.views import DeskView
from tests.contract.exported_series import ROOT, TARGET, VALUES, families, known, rules
from tests.contract.metric_names import exported_metrics
from tests.contract.promql import problems, series_in

BOARD = json.loads((COMMITTED / "countersign.json").read_text())
KNOWN = known()
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]

NOT_LOOKED_AT: Mapping[str, str] = {}
"""Metrics that are on no panel and in no rule, each with the reason why."""

NO_METRICS = {
    *("erp_code", "erp_document", "erp_job_code", "erp_note", "erp_tool", "digest_subscribed"),  # members of events
    *("erp_limits", "erp_reference", "dead_letter", "digest_run", "mail_type"),  # columns, tables and modules
    *("erp_poller", "erp_admin", "outbox_id"),  # a file of rules, an owner, a field of log events
    "server_error",  # a code of Tryton's
}
"""Names on our pages that begin like a metric and are something else."""

Panel = dict[str, Any]


def panels(board: Mapping[str, Any] = BOARD) -> list[Panel]:
    """The panels that show something, not the titles of rows."""
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def expressions(board: Mapping[str, Any] = BOARD) -> list[str]:
    asked = [target["expr"] for panel in panels(board) for target in panel["targets"]]
    return asked + [each["expr"] for each in board["annotations"]["list"] if "expr" in each]


def variable_queries(board: Mapping[str, Any] = BOARD) -> list[tuple[str, str]]:
    """The metric and the label of each variable with a query."""
    asked = [each["query"] for each in board["templating"]["list"] if each["type"] == "query"]
    return [match for query in asked for match in re.findall(r"label_values\((.*), (\w+)\)", query)]


def unknown_names(exprs: Iterable[str], names: Mapping[str, frozenset[str]] = KNOWN) -> list[str]:
    return [each for expr in exprs for each in problems(expr, names, VALUES)]


def unknown_in_variables(board: Mapping[str, Any]) -> list[str]:
    return unknown_names(f"count by ({label}) ({metric})" for metric, label in variable_queries(board))


def unknown_on_page(text: str) -> list[str]:
    """Metrics and labels in the code of a page that do not exist; members, tables and words in prose are no metrics."""
    begins = {name.split("_")[0] for name in KNOWN if "_" in name}
    whole = KNOWN | {name: frozenset(labels) for name, labels in exported_metrics().items()}
    found = re.findall(r"(?<![\w./-])([a-z]+(?:_[a-z]+)+)(?:\{([^}`]*)\})?", " ".join(re.findall(r"`([^`\n]+)`", text)))
    named = [(name, inside) for name, inside in found if name.split("_")[0] in begins and name not in NO_METRICS]
    unknown = [name for name, _ in named if name not in whole]
    return unknown + [
        f"{name}.{label}"
        for name, inside in named
        for label in re.findall(r"(\w+)\s*(?:=~?\s*\"[^\"]*\")?(?:,|$)", inside)
        if name in whole and label not in whole[name]
    ]


def not_looked_at(read: set[str], metrics: Mapping[str, Sequence[str]]) -> list[str]:
    """The metrics of which no series is read, and that have no reason for it."""
    return [name for name, series in metrics.items() if not read.intersection(series) and name not in NOT_LOOKED_AT]


def missing_words(board: Mapping[str, Any]) -> list[str]:
    """Panels that do not say what they show, what is normal, and what to do otherwise."""
    wanted = re.compile(r".{15,}\n\n\*\*Normal:\*\* .{2,}\n\n\*\*Otherwise:\*\* .{10,}")
    return [panel["title"] for panel in panels(board) if not wanted.fullmatch(panel.get("description", ""))]


def stale_figures(board: Mapping[str, Any]) -> list[str]:
    """Figures and tables that would still show the last value of a service that has ended."""
    now = [panel for panel in panels(board) if panel["type"] in ("stat", "table")]
    return [panel["title"] for panel in now if not all(target.get("instant") for target in panel["targets"])]


def misplaced(board: Mapping[str, Any]) -> list[str]:
    """Panels outside the grid, or that lie on others."""
    taken: dict[tuple[int, int], str] = {}
    found = []
    for panel in board["panels"]:
        place = panel["gridPos"]
        columns = range(place["x"], place["x"] + place["w"])
        cells = [(x, y) for x in columns for y in range(place["y"], place["y"] + place["h"])]
        if columns.stop > 24 or any(cell in taken for cell in cells):
            found.append(panel["title"])
        taken |= dict.fromkeys(cells, panel["title"])
    return found


def unknown_units(board: Mapping[str, Any]) -> list[str]:
    shown = [(panel["title"], panel["fieldConfig"]["defaults"].get("unit", "short")) for panel in panels(board)]
    return [f"{title}: {unit}" for title, unit in shown if unit not in UNITS]


def dead_links(board: Mapping[str, Any]) -> list[str]:
    """Links to views that the desk does not have, and to headings that a page does not have."""
    return [
        link["url"] for panel in panels(board) for link in panel.get("links", ()) if not _leads_somewhere(link["url"])
    ]


def _leads_somewhere(url: str) -> bool:
    if view := re.fullmatch(r"\$\{desk\}/commitments\?view=(\w+)", url):
        return view[1] in set(DeskView)
    page, _, heading = url.removeprefix("${docs}/").partition("#")
    path = ROOT / "docs" / page
    return path.is_file() and heading in _headings(path.read_text())


def _headings(text: str) -> set[str]:
    found = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in found}


CHECKS = (unknown_in_variables, missing_words, stale_figures, misplaced, unknown_units, dead_links)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_dashboard_passes(check: Callable[[Mapping[str, Any]], list[str]]) -> None:
    assert check(BOARD) == []


VIOLATIONS: tuple[tuple[Callable[[Mapping[str, Any]], list[str]], Callable[[Panel], object], list[str]], ...] = (
    (missing_words, lambda panel: panel.update(description="Failed exports."), ["Failed exports"]),
    (missing_words, lambda panel: panel.pop("description"), ["Failed exports"]),
    (stale_figures, lambda panel: panel["targets"][0].update(instant=False), ["Failed exports"]),
    (
        misplaced,
        lambda panel: panel["gridPos"].update(w=20),
        ["Failed exports", "In doubt", "Accepted, not in the ERP yet"],
    ),
    (
        unknown_units,
        lambda panel: panel["fieldConfig"]["defaults"].update(unit="furlongs"),
        ["Failed exports: furlongs"],
    ),
    (
        dead_links,
        lambda panel: panel.update(
            links=[{"url": "${desk}/commitments?view=lost"}, {"url": "${docs}/operations.md#no"}]
        ),
        ["${desk}/commitments?view=lost", "${docs}/operations.md#no"],
    ),
)


@pytest.mark.parametrize(("check", "change", "found"), VIOLATIONS, ids=lambda given: getattr(given, "__name__", None))
def test_a_violation_is_found(
    check: Callable[[Mapping[str, Any]], list[str]], change: Callable[[Panel], object], found: list[str]
) -> None:
    board = deepcopy(BOARD)
    change(next(panel for panel in board["panels"] if panel["title"] == "Failed exports"))
    assert check(board)[: len(found)] == found


def test_the_first_row_says_what_waits_what_failed_and_which_erp_is_away() -> None:
    places = {panel["title"]: (panel["gridPos"]["y"], panel["gridPos"]["x"]) for panel in panels()}
    wanted = ("Waiting for an approver", "Oldest waiting", "Failed exports", "In doubt")
    first = [*wanted, "Accepted, not in the ERP yet", "Circuit", "What waits, and who acts"]
    assert all(places[one] < places[other] for one, other in pairwise(first))
    assert sorted(places, key=places.__getitem__)[: len(first)] == first


@pytest.mark.parametrize("panel", panels(), ids=lambda panel: panel["title"])
def test_a_panel_names_only_what_is_exported(panel: Panel) -> None:
    assert unknown_names(target["expr"] for target in panel["targets"]) == []


def test_rules_and_annotations_name_only_what_exists() -> None:
    assert unknown_names(expressions()) == []
    assert unknown_names(rule["expr"] for rule in rules()) == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_a_page_names_only_what_is_exported(path: Path) -> None:
    assert unknown_on_page(path.read_text()) == []


@pytest.mark.parametrize(
    ("expr", "found"),
    [
        ("erp_poll_age", ["erp_poll_age"]),
        ('erp_exports{status="failed"}', ["erp_exports.status"]),
        ('erp_exports{state=~"failed|flying"}', ["erp_exports.state=flying"]),
        ("sum by (company) (erp_exports)", ["company"]),
        ("sum without (company) (erp_exports)", ["company"]),
        ("sum by (connection) (sum by (state) (erp_exports))", ["connection"]),
        ("histogram_quantile(0.9, sum by (le) (rate(erp_export_seconds_count[$__rate_interval])))", ["le"]),
        ("rate(erp_export_seconds[5m])", ["erp_export_seconds"]),
        ("erp_exports and on (kind) mails_total", ["kind"]),
        ("erp_exports / ignoring (state) group_left () pipeline_lag", ["pipeline_lag"]),
        ('label_replace(erp_exports, "a", "$1", "company", "(.*)")', ["company"]),
        ('label_join(erp_exports, "a", "", "connection", "company")', ["company"]),
        ("max_over_time(erp_poll_age[1h:1m] offset 1d)", ["erp_poll_age"]),
        ("topk(3, -erp_poll_age)", ["erp_poll_age"]),
    ],
)
def test_a_name_that_nothing_exports_is_found(expr: str, found: list[str]) -> None:
    assert unknown_names([expr]) == found


def test_what_exists_is_no_problem() -> None:
    exprs = (
        'sum by (a, connection) (label_replace(erp_exports, "a", "$1", "state", "(.*)"))',
        "sum by (service) (up) / on (service) max by (service) (process_start_time_seconds)",
        'count without (instance) (ALERTS{alertstate="firing", severity="page"})',
        "sum by (connection, le) (rate(erp_export_latency_seconds_bucket[5m]))",
        "vector(1) or absent(service_ready)",
    )
    assert unknown_names(exprs) == []


def test_what_is_no_promql_is_refused() -> None:
    with pytest.raises(ValueError, match="unclosed left parenthesis"):
        unknown_names(["sum by (connection) (erp_exports"])


def test_what_rules_record_exists_with_the_labels_that_follow() -> None:
    later = {"record": "twice", "expr": "2 * once", "labels": {"window": "5m"}}
    recording = [later, {"record": "once", "expr": "sum by (connection) (erp_exports)"}]

    names = known([*recording, {"alert": "Away", "expr": "twice > 0", "labels": {"severity": "page"}}])

    assert names["twice"] == {"connection", "window"}
    assert names["ALERTS"] == {"alertname", "alertstate", "connection", "window", "severity", *TARGET}
    assert unknown_names(["sum by (state) (once)"], names) == ["state"]


def test_an_unknown_label_in_a_variable_is_found() -> None:
    board = deepcopy(BOARD)
    queries = [each for each in board["templating"]["list"] if each["type"] == "query"]
    queries[0]["query"], queries[1]["query"] = "label_values(up, connection)", "label_values(upp, service)"
    assert unknown_in_variables(board) == ["connection", "upp", "service"]


def test_an_unknown_name_on_a_page_is_found() -> None:
    assert unknown_on_page("See `erp_exports{connection,status}` and `mails_count`.") == [
        "mails_count",
        "erp_exports.status",
    ]
    assert unknown_on_page('`erp_exports{state="failed", company="x"}`') == ["erp_exports.company"]
    assert unknown_on_page("The table erp_things, `approval.erp_things` and `connection.erp_unreached`.") == []


def test_every_metric_is_on_a_panel_or_in_a_rule() -> None:
    read = set().union(*(series_in(expr) for expr in [*expressions(), *(rule["expr"] for rule in rules())]))
    assert not_looked_at(read, families()) == []
    assert NOT_LOOKED_AT.keys() <= exported_metrics().keys()
    assert all(not read.intersection(families()[name]) for name in NOT_LOOKED_AT)


def test_a_metric_that_nobody_looks_at_is_found() -> None:
    asked = [*expressions(), *(rule["expr"] for rule in rules())]
    read = set().union(*(series_in(expr) for expr in asked if "mail_send_seconds" not in expr))
    read -= set(families()["erp_circuit_open"])
    assert not_looked_at(read, families()) == ["erp_circuit_open", "mail_send_seconds"]


def test_the_committed_dashboards_are_those_of_the_modules() -> None:
    assert main(["--check"]) == 0


def test_drift_is_found_and_mended(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    to = ["--to", str(tmp_path)]
    (tmp_path / "countersign.json").write_text("{}")
    (tmp_path / "orphan.json").write_text("{}")

    assert main(["--check", *to]) == 1
    assert capsys.readouterr().err.count("Run `make dashboards`") == 2
    assert main(to) == 0
    assert main(["--check", *to]) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["countersign.json"]


def test_the_links_of_a_copy_lead_where_its_owner_says(tmp_path: Path) -> None:
    assert main(["--to", str(tmp_path), "--desk", "https://desk.example", "--docs", "https://wiki.example"]) == 0

    variables = json.loads((tmp_path / "countersign.json").read_text())["templating"]["list"]

    assert {each["name"]: each["query"] for each in variables if each["type"] == "textbox"} == {
        "desk": "https://desk.example",
        "docs": "https://wiki.example",
    }
    assert (tmp_path / "countersign.json").read_text() != files()["countersign.json"]
