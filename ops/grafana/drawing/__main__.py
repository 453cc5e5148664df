"""Draw a dashboard as one page, without Grafana.

`python -m ops.grafana.drawing --prometheus http://localhost:9090 --to page.html` draws the last hour.
"""

import argparse
import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ops.grafana.__main__ import COMMITTED
from ops.grafana.drawing.board import ROW, fixed_values, label_queries, placed
from ops.grafana.drawing.charts import COLUMN_PIXELS, ROW_PIXELS
from ops.grafana.drawing.panels import Drawn, Window, drawn
from ops.grafana.drawing.prometheus import Prometheus, QueryFailedError

DONE, FAILED = 0, 1


def main(arguments: list[str] | None = None) -> int:
    """Draw the page; 1 if Prometheus does not answer, or refuses a query."""
    asked = _parser().parse_args(arguments)
    window = Window(asked.at - asked.minutes * 60, asked.at, asked.scrape_seconds)
    board = json.loads(asked.dashboard.read_text(encoding="utf-8"))
    try:
        with Prometheus(asked.prometheus) as prometheus:
            panels = draw(board, prometheus, window)
    except QueryFailedError as error:
        sys.stderr.write(f"Error: {error}\n")
        return FAILED
    asked.to.write_text(page(board["title"], panels, window), encoding="utf-8")
    return DONE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ops.grafana.drawing", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--prometheus", default="http://localhost:9090", help="its address (default: %(default)s)")
    parser.add_argument("--dashboard", type=Path, default=COMMITTED / "countersign.json", help="the dashboard's JSON")
    parser.add_argument(
        "--at", type=_moment, default=time.time(), help="the last moment shown, ISO 8601 (default: now)"
    )
    parser.add_argument("--minutes", type=float, default=60.0, help="how many minutes are shown (default: %(default)s)")
    parser.add_argument(
        "--scrape-seconds", type=float, default=15.0, help="seconds between scrapes (default: %(default)s)"
    )
    parser.add_argument("--to", type=Path, required=True, help="the file of the page")
    return parser


def _moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def draw(board: dict[str, object], prometheus: Prometheus, window: Window) -> list[Drawn]:
    """All panels of the dashboard with their answers; QueryFailedError if one is refused."""
    chosen = {
        name: prometheus.values_of(label, metric, window.begin, window.end)
        for name, (metric, label) in label_queries(board).items()
    }
    panels = placed(board, chosen, fixed_values(board))
    return [Drawn(panel=each) if each.kind == ROW else drawn(each, prometheus, window) for each in panels]


def page(title: str, panels: list[Drawn], window: Window) -> str:
    """The page as HTML, which needs no other file."""
    folder = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined)
    return folder.get_template("page.html").render(
        title=title,
        at=f"{datetime.fromtimestamp(window.end, UTC):%Y-%m-%d %H:%M:%S}",
        minutes=f"{(window.end - window.begin) / 60:.3g}",
        panels=panels,
        column=COLUMN_PIXELS,
        row=ROW_PIXELS,
        rows=max(each.panel.y + each.panel.height for each in panels),
    )


if __name__ == "__main__":
    sys.exit(main())
