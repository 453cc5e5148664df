"""An ERP goes away at night: the dashboard says within a minute what is wrong and who acts, from a real Prometheus.

With SCREENSHOTS, it is also drawn when the outage is seen; in a long run also before, at its end and afterwards.
"""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, time

import pytest
from playwright.async_api import async_playwright

from ops.grafana.__main__ import COMMITTED
from ops.grafana.drawing.__main__ import draw, page
from ops.grafana.drawing.board import ROW
from ops.grafana.drawing.panels import Drawn, Window
from ops.grafana.drawing.prometheus import Prometheus
from sandbox.drill.statuses import following
from sandbox.drill.traffic import accepting, send, some_ids
from sandbox.erp import Calls, Erp, ErpFault, ErpFaultKind
from sandbox.servers.prometheus import LocalPrometheus
from sandbox.story import Timeline, play
from sandbox.watching import SCRAPE_SECONDS, watched
from sandbox.world import World, WorldOptions, running_world
from tests.browsers import CHROMIUM
from tests.waiting import eventually

pytestmark = pytest.mark.promtool

BOARD = json.loads((COMMITTED / "countersign.json").read_text())
AWAY = ErpFault(kind=ErpFaultKind.RESET_CONNECTION, calls=Calls.EVERY)
TABLE, CIRCUIT = "What waits, and who acts", "Circuit"
SEEN_WITHIN_SECONDS = 60
LOOK_SECONDS = 1.0
"""Between two looks at the dashboard, each of which asks Prometheus many questions; it scrapes less often."""
MAY_BE_EMPTY = {
    *("Alerts that fire", TABLE),
    *("Clients of polled ERPs", "Polls and conversations"),  # nothing is polled here
    *("Lag", "Events that were read in part, in an hour", "Rows deleted in a day"),  # and nothing is late, odd or old
    "Dead letters that a service redrove by itself, in a day",  # nothing was set aside
    "Time to hand over a mail, p50 and p99",  # and nobody got a mail yet
    *("Exports that did not succeed", "Oldest unfinished export"),  # nothing ended, or waits
}
"""Panels that show nothing where all is well."""


@dataclass(frozen=True)
class Size:
    away_seconds: float
    commitments: int
    pause_seconds: float
    back_within_seconds: float
    pictures: tuple[str, ...]


SHORT = Size(away_seconds=10, commitments=12, pause_seconds=1, back_within_seconds=120, pictures=("seen",))
LONG = Size(
    away_seconds=600,
    commitments=150,
    pause_seconds=10,
    back_within_seconds=600,
    pictures=("before", "seen", "at-the-end-of-the-outage", "after"),
)


@dataclass(frozen=True)
class Night:
    """The dashboard during the run, which of its pictures are wanted, and where they go."""

    prometheus: LocalPrometheus
    began: float
    wanted: tuple[str, ...]
    pictures: Path | None

    async def panels(self, *titles: str) -> dict[str, Drawn]:
        """The panels with these titles, or all, as they are now."""
        window = Window(self.began, time(), SCRAPE_SECONDS)
        chosen = [each for each in BOARD["panels"] if not titles or each["title"] in titles]
        drawn = await asyncio.to_thread(_drawn, self.prometheus.url, {**BOARD, "panels": chosen}, window)
        return {each.panel.title: each for each in drawn if each.panel.kind != ROW}

    async def lines(self) -> Sequence[Sequence[str]]:
        """The lines of the table that need somebody now."""
        table = (await self.panels(TABLE))[TABLE]
        return [line for line in table.cells if line[0] == "1 now"]

    async def photograph(self, name: str) -> None:
        """Save the whole dashboard as a page and as a picture, if wanted."""
        if self.pictures is None or name not in self.wanted:
            return
        window = Window(self.began, time(), SCRAPE_SECONDS)
        drawn = await asyncio.to_thread(_drawn, self.prometheus.url, BOARD, window)
        path = self.pictures / f"{name}.html"
        path.write_text(page(BOARD["title"], drawn, window))
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            tab = await browser.new_page(viewport={"width": 1620, "height": 1000})
            await tab.goto(path.absolute().as_uri())
            await tab.screenshot(path=path.with_suffix(".png"), full_page=True)
            await browser.close()


def _drawn(url: str, board: dict[str, object], window: Window) -> list[Drawn]:
    with Prometheus(url) as prometheus:
        return draw(board, prometheus, window)


def _pictures() -> Path | None:
    if folder := os.environ.get("SCREENSHOTS"):
        path = Path(folder).resolve() / "dashboard"
        path.mkdir(parents=True, exist_ok=True)
        return path
    return None


@asynccontextmanager
async def _watched(world: World, wanted: tuple[str, ...]) -> AsyncIterator[Night]:
    """A Prometheus scrapes the services of `world` while the block runs."""
    async with watched(world.services.values()) as prometheus:
        yield Night(prometheus, time(), wanted, _pictures())


async def _is_quiet(night: Night) -> None:
    """Everything is shown, and nobody has to act."""
    await eventually(lambda: _is_over(night), every=LOOK_SECONDS)
    empty: list[str] = []

    async def is_all_shown() -> bool:
        shown = await night.panels()
        empty[:] = [title for title, each in shown.items() if not (each.values or each.cells)]
        return MAY_BE_EMPTY.issuperset(empty)

    with suppress(AssertionError):  # the digest looks for the first time after some seconds
        await eventually(is_all_shown, every=LOOK_SECONDS)
    assert set(empty) - MAY_BE_EMPTY == set()
    await night.photograph("before")


async def _is_over(night: Night) -> bool:
    """Whether the circuit is closed and nobody has to act."""
    circuit = (await night.panels(CIRCUIT))[CIRCUIT]
    return [tile.text for tile in circuit.tiles] == ["closed"] and not await night.lines()


async def _outage(world: World, night: Night, size: Size, ids: Sequence[str]) -> tuple[float, str]:
    """The ERP is away while commitments are accepted; return when the table named it, and how many were held back."""
    assert isinstance(world.erp, Erp)
    world.erp.faults.replace([AWAY])
    began = monotonic()
    sending = asyncio.create_task(send(world, ids, over_seconds=size.away_seconds))
    await eventually(lambda: _names_who_acts(night), SEEN_WITHIN_SECONDS, every=LOOK_SECONDS)
    seen_after = monotonic() - began
    await night.photograph("seen")
    await sending
    await asyncio.sleep(max(began + size.away_seconds - monotonic(), 0))  # the outage itself
    await night.photograph("at-the-end-of-the-outage")
    [line] = await night.lines()
    world.erp.faults.replace([])
    return seen_after, line[4]


async def _names_who_acts(night: Night) -> bool:
    now = [line[1:4] for line in await night.lines()]
    return now == [["Exports held back: the ERP does not answer", "small-erp", "whoever runs the ERP"]]


async def test_the_dashboard_says_within_a_minute_what_is_wrong_and_who_acts(
    tmp_path: Path, size: Size, report: Callable[[str], None]
) -> None:
    ids = some_ids("night", size.commitments)
    options = WorldOptions(is_durable=False, erp_settings={"pause_seconds": size.pause_seconds})
    async with running_world(tmp_path, options) as world, following(world) as statuses:
        async with _watched(world, size.pictures) as night:
            await play(world, Timeline(lambda _step: None))
            await _is_quiet(night)
            async with accepting(world):
                seen_after, held_back = await _outage(world, night, size, ids)
                back_at = monotonic()
                await eventually(lambda: _is_over(night), size.back_within_seconds, every=LOOK_SECONDS)
                over_after = monotonic() - back_at
                assert await statuses.until_green(ids, size.back_within_seconds)
            await night.photograph("after")
        created = await world.erp.created()

    seen, over = f"seen {seen_after:.1f} s after the ERP had gone", f"over {over_after:.1f} s after it was back"
    report(f"night shift: {seen}, {held_back} exports held back, {over}")
    assert {each: created[each] for each in ids} == dict.fromkeys(ids, 1)
