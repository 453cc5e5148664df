"""Fifty commitments are decided on the triage page by a person with a mouse, with keys only, and without scripts."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from time import monotonic
from typing import Any

import pytest
import uvicorn
from playwright.async_api import Page, async_playwright

from services.approval.identity.identity import SESSION
from services.pipeline.clock import utc_now
from tests.browsers import CHROMIUM
from tests.integration.approval.company import DANA
from tests.integration.approval.desk import DeskUnderTest
from tests.integration.approval.fifty import ROUTINE, TO_REJECT, receive_fifty
from tests.side_by_side import close_with
from tests.waiting import eventually

pytestmark = [pytest.mark.browser, pytest.mark.timeout(420)]

LOOK_SECONDS, GLANCE_SECONDS, TYPE_SECONDS = 8.0, 0.6, 0.12
"""How long a person reads one that needs eyes, glances at a routine one, and takes for a character."""
REASON = "Line 1: cost code 03-110 is closed."
MAX_SECONDS = 300


@dataclass
class Approver:
    """Somebody at the desk who reads as people do if `reads`; counts what they do."""

    page: Page
    reads: bool
    done: Counter[str] = field(default_factory=Counter)

    async def read(self, seconds: float) -> None:
        if self.reads:
            await asyncio.sleep(seconds)

    async def click(self, selector: str) -> None:
        self.done["clicks"] += 1
        async with self.page.expect_navigation():
            await self.page.click(selector)
        self.done["page loads"] += 1

    async def press(self, key: str) -> None:
        self.done["keys"] += 1
        async with self.page.expect_navigation():
            await self.page.keyboard.press(key)
        self.done["page loads"] += 1

    async def type(self, text: str) -> None:
        self.done["characters"] += len(text)
        await self.page.keyboard.type(text, delay=TYPE_SECONDS * 1000 if self.reads else 0)

    async def opened(self) -> str:
        """The id of the commitment that is open; the list says which one."""
        row = await self.page.get_attribute(".item.current", "id")
        return (row or "").removeprefix("row-")


@asynccontextmanager
async def served(desk: DeskUnderTest) -> AsyncIterator[str]:
    """The desk on a port of its own."""
    server = uvicorn.Server(uvicorn.Config(desk.app, host="127.0.0.1", port=0, log_level="warning"))
    serving = asyncio.create_task(server.serve())
    await eventually(lambda: server.started)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    await serving


@asynccontextmanager
async def approver(desk: DeskUnderTest, *, reads: bool, **context: Any) -> AsyncIterator[Approver]:
    """Dana at the list of what waits, signed in."""
    async with served(desk) as url, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        opened = await browser.new_context(**context)
        token = await desk.identity.sessions.begin(DANA.person_id, timedelta(hours=1))
        await opened.add_cookies([{"name": desk.identity.cookies.name(SESSION), "value": token, "url": url}])
        page = await opened.new_page()
        await page.goto(f"{url}/commitments?view=ready")
        yield Approver(page, reads)
        await browser.close()


async def assert_all_are_decided(
    desk: DeskUnderTest, person: Approver, began: float, request: pytest.FixtureRequest
) -> None:
    seconds = monotonic() - began
    counted = ", ".join(f"{count} {what}" for what, count in person.done.items())
    pace = "read as a person does" if person.reads else "without reading"
    close_with(request.config, "fifty commitments", f"{request.node.name}: {seconds:.0f} s {pace}, {counted}")
    status = await person.page.inner_text(".result")
    assert "50 of 50 answers recorded" in status
    assert len(await desk.published("decision.accepted")) == 50 - len(TO_REJECT)
    assert len(await desk.published("decision.rejected")) == len(TO_REJECT)
    assert seconds < MAX_SECONDS


async def answer_what_needs_eyes(person: Approver, accept: Any, reject: Any) -> None:
    """Answer the commitments that are open one after the other until none is left unmarked."""
    for _ in range(50 - ROUTINE):
        await person.read(LOOK_SECONDS)
        if await person.opened() in TO_REJECT:
            await reject()
        else:
            await accept()


@pytest.mark.parametrize(
    "context",
    [
        pytest.param({"viewport": {"width": 1280, "height": 800}}, id="desk"),
        pytest.param({"viewport": {"width": 1280, "height": 800}, "java_script_enabled": False}, id="without scripts"),
        pytest.param({"viewport": {"width": 320, "height": 640}, "color_scheme": "dark"}, id="320 px in the dark"),
    ],
)
async def test_a2_fifty_are_decided_with_a_mouse(
    desk: DeskUnderTest, request: pytest.FixtureRequest, context: dict[str, Any]
) -> None:
    await receive_fifty(desk, utc_now())
    async with approver(desk, reads=request.config.getoption("--long"), **context) as person:
        page, began = person.page, monotonic()

        async def accept() -> None:
            await person.click(".foot button:has-text('Accept')")

        async def reject() -> None:
            person.done["clicks"] += 1
            await page.click("#reason")
            await person.type(REASON)
            await person.click(".foot button:has-text('Reject')")

        await person.read(ROUTINE * GLANCE_SECONDS)
        await person.click("button:has-text('Accept all')")
        await person.click(".item:not(.marked-accept) .number")
        await answer_what_needs_eyes(person, accept, reject)
        await person.click("text=Review and send")
        await person.read(LOOK_SECONDS)
        await person.click("button:has-text('Export 47, reject 3')")
        await assert_all_are_decided(desk, person, began, request)
        assert person.done["clicks"] <= 2 * (50 - ROUTINE)


async def test_a5_fifty_are_decided_with_keys_only(desk: DeskUnderTest, request: pytest.FixtureRequest) -> None:
    """No single key exports: marks are made by keys, and sent by a button that has the focus."""
    await receive_fifty(desk, utc_now())
    context = {"viewport": {"width": 1280, "height": 800}}
    async with approver(desk, reads=request.config.getoption("--long"), **context) as person:
        page, began = person.page, monotonic()

        async def reject() -> None:
            person.done["keys"] += 1
            await page.keyboard.press("r")
            await person.type(REASON)
            person.done["keys"] += 1
            await page.keyboard.press("Tab")
            await person.press("Enter")

        for _ in range(ROUTINE):
            await person.read(GLANCE_SECONDS)
            await person.press("a")
        await answer_what_needs_eyes(person, lambda: person.press("a"), reject)
        while await page.evaluate("document.activeElement.textContent.trim()") != "Review and send":
            person.done["keys"] += 1
            await page.keyboard.press("Shift+Tab")
        await person.press("Enter")
        await person.read(LOOK_SECONDS)
        while await page.evaluate("document.activeElement.textContent.trim()") != "Export 47, reject 3":
            person.done["keys"] += 1
            await page.keyboard.press("Shift+Tab")
        await person.press("Enter")
        await assert_all_are_decided(desk, person, began, request)


async def test_a5_keys_are_ignored_while_somebody_types_and_can_be_turned_off(desk: DeskUnderTest) -> None:
    await receive_fifty(desk, utc_now())
    async with approver(desk, reads=False, viewport={"width": 1280, "height": 800}) as person:
        page = person.page
        first = await person.opened()
        await page.click("#reason")
        await person.type("ajk?/our")
        assert await page.input_value("#reason") == "ajk?/our"
        assert await person.opened() == first
        await page.evaluate("document.body.dataset.keys = 'off'; document.activeElement.blur()")
        await page.keyboard.press("a")
        assert await page.locator(".marked-accept").count() == 0
        await page.evaluate("document.body.dataset.keys = 'on'")
        await person.press("j")
        assert await person.opened() != first
        await person.press("k")
        assert await person.opened() == first
        await page.keyboard.press("/")
        assert await page.evaluate("document.activeElement.id") == "q"
