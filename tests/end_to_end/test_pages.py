"""Every page of desk and sandbox in a real browser: axe, colours, narrow screens, keyboard; and its screenshots."""

import os
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

from sandbox.commitments.draft import Draft
from sandbox.filling import fill
from sandbox.filling.examples import Course
from sandbox.people import PEOPLE
from sandbox.quickbooks.erp import served_quickbooks
from sandbox.story.actors import Actors
from sandbox.world import World, WorldOptions, running_world
from schemas.examples.cast import SAM
from schemas.fields import FailureClass
from tests.end_to_end.page_checks import HEIGHT, look_at
from tests.end_to_end.page_table import LONG_WORDS, PAGES, WAITING, PageUnderTest, Site, example

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240), pytest.mark.asyncio(loop_scope="module")]

VIEWS = ("ready", "failed", "exporting", "synced", "differing", "rejected")
LANDSCAPE_PX, PORTRAIT_PX = 1032, 703
"""What is between the margins of a sheet of A4."""

NOBODY_ANSWERS = "http://127.0.0.1:9"


@dataclass(frozen=True, slots=True)
class Sites:
    """The running sites by their addresses, and a browser in which people are signed in on the desk."""

    world: World
    addresses: dict[Site, str]
    browser: Browser
    contexts: dict[str | None, BrowserContext] = field(default_factory=dict)

    async def open(self, wanted: PageUnderTest) -> Page:
        """The page, open in a tab of its person."""
        if wanted.who not in self.contexts:
            self.contexts[wanted.who] = await self._signed_in(wanted.who)
        page = await self.contexts[wanted.who].new_page()
        await page.goto(f"{self.addresses[wanted.site]}{wanted.path}")
        if wanted.steps:
            await wanted.steps(page)
            await page.wait_for_load_state()
        return page

    async def _signed_in(self, person_id: str | None) -> BrowserContext:
        context = await self.browser.new_context(bypass_csp=True)  # axe is a script, which the pages do not allow
        context.set_default_timeout(30_000)
        if person_id:
            page = await context.new_page()
            await page.goto(self.addresses[Site.DESK])
            await page.get_by_role("button", name=PEOPLE[person_id].name).click()
            await page.close()
        return context


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sites(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Sites]:
    """The whole system is running, with examples in every view; QuickBooks runs beside it."""
    options = WorldOptions(is_durable=False, erp_settings={"max_attempts": 4}, has_approval_rules=True)
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        world = await enter(running_world(tmp_path_factory.mktemp("world"), options))
        quickbooks = await enter(served_quickbooks(NOBODY_ANSWERS))
        await fill(world, WAITING, lambda _sentence: None)
        world.commitments.create(LONG_WORDS, SAM.id)
        playwright = await enter(async_playwright())
        chromium = os.environ.get("CHROMIUM", "/usr/bin/chromium")
        # Chromium's own sandbox does not run as root, which CI does
        browser = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield Sites(world, _addresses(world, quickbooks.url), browser)
        await browser.close()


@pytest.fixture(scope="module")
def pictures() -> Path | None:
    """The folder for screenshots, if SCREENSHOTS names one."""
    folder = Path(os.environ["SCREENSHOTS"]) if os.environ.get("SCREENSHOTS") else None
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.mark.parametrize("wanted", PAGES, ids=lambda page: page.title)
async def test_a3_nobody_is_kept_from_using_the_page(
    wanted: PageUnderTest, sites: Sites, pictures: Path | None, request: pytest.FixtureRequest
) -> None:
    page = await sites.open(wanted)
    found = await look_at(
        page, pictures / wanted.title if pictures else None, is_thorough=request.config.getoption("long")
    )
    await page.close()
    assert not found, "\n".join(found)


async def test_the_demo_has_examples_in_every_view_of_every_failure_and_of_every_mail(sites: Sites) -> None:
    async with Actors(sites.world) as dana:
        rows = {view: await dana.rows(view) for view in VIEWS}
        waiting = [await dana.one(row["id"]) for row in rows["ready"]]
        evidence = [(await dana.one(row["id"]))["evidence"] for row in rows["exporting"]]

    assert len(rows["ready"]) == WAITING
    assert {row["revision"] for row in rows["ready"]} == {1, 2}
    findings = [finding for each in waiting for content in each["submissions"] for finding in content["findings"]]
    assert {each["is_blocking"] for each in findings} == {True, False}
    assert {each["rule"] for each in findings} >= {"number", "second approval"}
    assert any(each["text"].startswith("Lee Park approved this") for each in findings)
    assert "disputed" in {row["status"] for row in rows["ready"]}
    assert {row["failure_class"] for row in rows["failed"]} == set(FailureClass)
    assert "in_doubt" in {row["status"] for row in rows["exporting"]}
    assert any(each["needs_confirmation"] for each in evidence if each)
    assert rows["synced"]
    assert {row["drift"]["is_missing"] for row in rows["differing"]} == {True, False}
    assert rows["rejected"]
    subjects = {mail.subject.partition(":")[0] for mail in sites.world.mailbox.to(None)}
    about_commitments = {"Rejected", "Export failed", "Re-sent", "Question", "Answered", "Not received by accounting"}
    assert subjects == {*about_commitments, "ERP Integrations Daily Summary"}


@pytest.mark.parametrize(
    ("path", "width"),
    [("/print?view=ready", LANDSCAPE_PX), (f"/commitments/{example(Course.RESENT)}/history", PORTRAIT_PX)],
    ids=["list", "history"],
)
async def test_paper_shows_tables_with_their_heads_and_not_the_cards_of_a_phone(
    path: str, width: int, sites: Sites
) -> None:
    page = await sites.open(PageUnderTest(Site.DESK, "paper", path))
    await page.set_viewport_size({"width": width, "height": HEIGHT})
    await page.emulate_media(media="print")
    layouts = await page.locator("thead, tbody tr, tbody td").evaluate_all(
        "all => all.map(element => getComputedStyle(element).display)"
    )
    beyond = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    paper = await page.pdf(prefer_css_page_size=True)
    await page.close()
    assert set(layouts) == {"table-header-group", "table-row", "table-cell"}
    assert beyond == 0
    assert len(re.findall(rb"/Type ?/Page\b", paper)) == 1


@pytest.mark.parametrize("width", [834, 375])
async def test_the_answer_to_an_open_commitment_is_in_sight_on_a_small_screen(width: int, sites: Sites) -> None:
    page = await sites.open(
        PageUnderTest(Site.DESK, "answer", f"/commitments?view=ready&item={example(Course.RESENT)}")
    )
    await page.set_viewport_size({"width": width, "height": HEIGHT})
    for name in ("Accept", "Reject"):
        await expect(page.locator("#answer").get_by_role("button", name=name)).to_be_in_viewport(ratio=1)
    top = await page.locator("#pane").evaluate("pane => pane.getBoundingClientRect().top")
    await page.close()
    assert top < 64


async def test_a_page_that_refreshes_itself_leaves_what_somebody_types(sites: Sites) -> None:
    id_, tool = example(Course.REJECTED, 1), sites.world.commitments
    page = await sites.open(PageUnderTest(Site.COMMITMENTS, "typing", f"/commitments/{id_}"))
    note = page.get_by_label("Note to the approver")
    await note.fill("The certificate is renewed.")

    draft = Draft.of(tool.tracked[id_].commitment).model_copy(update={"status": "Out for bid"})
    tool.edit(id_, draft, SAM.id)

    await expect(page.locator("#facts")).to_contain_text("Out for bid")
    await expect(note).to_be_focused()
    await expect(note).to_have_value("The certificate is renewed.")
    await note.fill("")
    await page.locator("h1").click()
    await expect(page.get_by_text("Nothing has changed since")).to_have_count(0)
    await page.close()


def _addresses(world: World, quickbooks_url: str) -> dict[Site, str]:
    return {
        Site.DESK: world.desk_url,
        Site.COMMITMENTS: world.commitments.url,
        Site.MAILBOX: world.mailbox.url,
        Site.ERP: world.erp.url,
        Site.SIGN_IN: world.sign_in.issuer,
        Site.QUICKBOOKS: quickbooks_url,
    }
