from pathlib import Path

import pytest

from ops.grafana.drawing.__main__ import main, page
from ops.grafana.drawing.board import Panel
from ops.grafana.drawing.panels import Drawn, Tile, Window

WINDOW = Window(1_700_000_000, 1_700_003_600, 15)


def test_a_prometheus_that_does_not_answer_is_an_error_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["--prometheus", "http://127.0.0.1:9", "--to", str(tmp_path / "page.html")]

    assert main(asked) == 1

    assert capsys.readouterr().err.startswith("Error: http://127.0.0.1:9 does not answer: ")
    assert list(tmp_path.iterdir()) == []


def test_a_page_escapes_what_it_was_told_and_says_when_it_was() -> None:
    panel = Panel("stat", "Circuit", {"description": 'What "open" means & more'}, 0, 0, 24, 4)

    shown = page("Countersign", [Drawn(panel=panel, tiles=[Tile("<main>", "closed", "#37872d")])], WINDOW)

    assert "2023-11-14 23:13:20 UTC, the last 60 minutes" in shown
    assert "&lt;main&gt;" in shown
    assert 'title="What &#34;open&#34; means &amp; more"' in shown


def test_a_panel_without_answers_says_so() -> None:
    shown = page("Countersign", [Drawn(panel=Panel("timeseries", "Mails", {"description": ""}, 0, 0, 24, 4))], WINDOW)

    assert '<p class="empty">No data</p>' in shown


def test_a_rate_covers_four_scrapes_so_that_one_may_be_missed() -> None:
    assert WINDOW.step == 15
    assert WINDOW.variables["__rate_interval"] == "60s"
    assert Window(0, 86_400, 15).variables["__rate_interval"] == "375s"
