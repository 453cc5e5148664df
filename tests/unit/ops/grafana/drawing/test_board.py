import json
from typing import Any

from ops.grafana.__main__ import COMMITTED
from ops.grafana.drawing.board import fixed_values, label_queries, placed, replaced


def panel(title: str, y: int, *, kind: str = "stat", **more: Any) -> dict[str, Any]:
    return {"type": kind, "title": title, "gridPos": {"x": 0, "y": y, "w": 24, "h": 1 if kind == "row" else 4}} | more


BOARD = {
    "panels": [
        panel("Now", 0),
        panel("Resources of $service", 4, kind="row", repeat="service"),
        panel("CPU of $service", 5, targets=[{"expr": 'cpu{service="$service"}'}]),
        panel("Last", 9, kind="row"),
        panel("Mails of $service", 10, targets=[{"expr": 'mails{service=~"$service", connection=~"${connection}"}'}]),
    ]
}
CHOSEN = {"service": ["approval", "digest"], "connection": ["main"]}


def test_a_repeated_row_comes_once_for_each_value_and_what_follows_moves_down() -> None:
    shown = [(each.title, each.y) for each in placed(BOARD, CHOSEN, {})]

    assert shown == [
        ("Now", 0),
        ("Resources of approval", 4),
        ("CPU of approval", 5),
        ("Resources of digest", 9),
        ("CPU of digest", 10),
        ("Last", 14),
        ("Mails of (approval|digest)", 15),
    ]


def test_queries_ask_for_the_values_that_are_chosen() -> None:
    shown = {each.title: each.targets[0]["expr"] for each in placed(BOARD, CHOSEN, {}) if each.targets}

    assert shown["CPU of digest"] == 'cpu{service="digest"}'
    assert shown["Mails of (approval|digest)"] == 'mails{service=~"(approval|digest)", connection=~"main"}'


def test_a_row_that_is_repeated_for_no_value_takes_no_place() -> None:
    shown = [(each.title, each.y) for each in placed(BOARD, {"service": [], "connection": []}, {})]

    assert shown == [("Now", 0), ("Last", 4), ("Mails of ()", 5)]


def test_names_that_are_no_variable_stay() -> None:
    given = {"expr": "rate(x[$__rate_interval])", "legend": ["$1", "${docs}/a"], "y": 3}

    assert replaced(given, {"docs": "https://docs.example"}) == {
        "expr": "rate(x[$__rate_interval])",
        "legend": ["$1", "https://docs.example/a"],
        "y": 3,
    }


def test_the_variables_of_the_committed_dashboard_are_understood() -> None:
    board = json.loads((COMMITTED / "countersign.json").read_text())

    assert label_queries(board) == {
        "connection": ("erp_circuit_open", "connection"),
        "service": ('up{job="countersign"}', "service"),
    }
    assert fixed_values(board).keys() == {"desk", "docs"}
