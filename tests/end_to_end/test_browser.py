"""Both user stories on the pages of the whole running system, in a real browser."""

import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.async_api import BrowserContext, Locator, Page, Request, async_playwright, expect

from sandbox.story import REASON
from sandbox.world import World, WorldOptions, running_world
from schemas.examples.cast import ANA, DANA, SAM
from services.pipeline.clock import utc_now
from tests.waiting import eventually

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

PATIENCE_MILLISECONDS = 30_000
WIDTHS = (860, 1024, 1280, 1440)
BEYOND = """() => {
  const root = document.documentElement;
  const beyond = [...document.querySelectorAll("main button, main .button")].filter(button => {
    const box = button.closest("td, .decide, .sheet, main");
    const room = box.getBoundingClientRect().right - parseFloat(getComputedStyle(box).paddingRight);
    return button.getBoundingClientRect().right > room + 1;
  });
  const scrolls = root.scrollWidth > root.clientWidth ? ["the page scrolls sideways"] : [];
  return [...beyond.map(button => button.innerText), ...scrolls];
}"""


@dataclass(frozen=True, slots=True)
class Tabs:
    """The open pages: project tool, approval desk and mailbox, and the errors seen in them."""

    world: World
    project: Page
    desk: Page
    mailbox: Page
    errors: list[str]


@pytest.fixture
async def tabs(tmp_path: Path) -> AsyncIterator[Tabs]:
    """The whole system is running, and nobody has signed in."""
    options = WorldOptions(is_durable=False, erp_settings={"limits.takes_accounting_date": True})
    async with running_world(tmp_path, options) as world, async_playwright() as playwright:
        chromium = os.environ.get("CHROMIUM", "/usr/bin/chromium")
        # Chromium's own sandbox does not run as root, which CI does
        browser = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        context = await browser.new_context()
        context.set_default_timeout(PATIENCE_MILLISECONDS)
        errors = _listen(context)
        project, desk, mailbox = [await context.new_page() for _ in range(3)]
        yield Tabs(world, project, desk, mailbox, errors)
        await browser.close()


async def test_both_stories_work_on_the_pages_without_errors_or_requests_to_other_hosts(tabs: Tabs) -> None:
    """An accepted commitment turns green; a rejected one is mailed back, and turns green once corrected and re-sent."""
    await _sign_in(tabs, DANA.name)

    await _accepted(tabs, "SC-014")
    await _rejected(tabs, "SC-015")
    await _corrected_and_resent(tabs, "SC-015")

    await tabs.mailbox.get_by_role("link", name="ERP", exact=True).click()
    await expect(tabs.mailbox.get_by_role("main")).to_contain_text("2 in the books")
    assert sorted(tabs.world.erp.journal.created().values()) == [1, 1]
    assert tabs.errors == []


async def test_two_tabs_in_which_somebody_signs_in_at_once_both_end_on_their_pages(tabs: Tabs) -> None:
    first, second = tabs.desk, tabs.mailbox
    await first.goto(f"{tabs.world.desk_url}/directory")
    await second.goto(f"{tabs.world.desk_url}/sessions")
    for tab, page in ((first, "/directory"), (second, "/sessions")):
        await tab.get_by_role("button", name=DANA.name).click()
        await expect(tab).to_have_url(f"{tabs.world.desk_url}{page}")
        await expect(tab.get_by_role("banner")).to_contain_text(DANA.name)
    await first.reload()
    await expect(first.get_by_role("banner")).to_contain_text(DANA.name)
    assert tabs.errors == []


async def test_a_document_that_was_deleted_in_the_erp_is_created_anew_on_the_pages(tabs: Tabs) -> None:
    await _sign_in(tabs, DANA.name)
    await _accepted(tabs, "SC-016")

    (document,) = tabs.world.erp.books.documents.values()
    await tabs.mailbox.goto(f"{tabs.world.erp.url}/purchase-orders/{document.id}")
    await tabs.mailbox.get_by_role("button", name="Delete PO-1001").click()
    await expect(tabs.mailbox.get_by_role("main")).to_contain_text("No purchase orders yet")
    await _edit_and_resend(tabs, "03-310")
    await _export_after_check(tabs, "SC-016")
    await _ribbon_says(tabs.project, "Small ERP no longer has PO-1001")
    await _create_anew(tabs, "SC-016", "PO-1001")
    await _ribbon_says(tabs.project, "Synced")
    await expect(tabs.project.locator(".band")).to_contain_text("PO-1002")

    assert list(tabs.world.erp.books.documents) == ["1002"]
    assert [error for error in tabs.errors if "422" not in error] == []  # the form that was not confirmed


async def test_a_slip_of_the_year_is_refused_beside_its_field(tabs: Tabs) -> None:
    await _sign_in(tabs, DANA.name)
    await _create(tabs.project, tabs.world.commitments.url, "SC-017")
    await tabs.project.get_by_role("button", name="Send to ERP").click()
    link = tabs.desk.get_by_role("link", name="SC-017", exact=True)
    await _reload_until_there(f"{tabs.world.desk_url}/commitments?view=ready", link)
    await link.click()
    await tabs.desk.get_by_role("link", name="Whole page").click()

    await tabs.desk.get_by_label("Accounting date").fill("0026-11-22")
    await tabs.desk.get_by_role("button", name="Export SC-017").click()

    problem = tabs.desk.locator("#accounting_date-problem")
    await expect(problem).to_contain_text("Small ERP takes accounting dates from")
    await expect(tabs.desk.get_by_label("Accounting date")).to_have_value("0026-11-22")
    await tabs.desk.get_by_label("Accounting date").fill(f"{utc_now().date()}")
    await tabs.desk.get_by_role("button", name="Export SC-017").click()
    await _ribbon_says(tabs.project, "Synced")


async def _accepted(tabs: Tabs, number: str) -> None:
    await _create(tabs.project, tabs.world.commitments.url, number)
    await tabs.project.get_by_role("button", name="Send to ERP").click()
    await _ribbon_says(tabs.project, "Sent to ERP")
    await _mark_accepted(tabs, number)
    await tabs.desk.get_by_role("button", name="Export", exact=True).click()
    await _desk_says(tabs.desk, f"Accepted. {number}")
    await _ribbon_says(tabs.project, "Synced")


async def _rejected(tabs: Tabs, number: str) -> None:
    await _create(tabs.project, tabs.world.commitments.url, number)
    await tabs.project.get_by_role("button", name="Send to ERP").click()
    choice = tabs.desk.get_by_role("link", name=f"Reject {number}")
    await _reload_until_there(f"{tabs.world.desk_url}/commitments?view=ready", choice)
    await choice.click()
    await tabs.desk.get_by_label(f"Reason for rejecting {number}").fill(REASON)
    await tabs.desk.get_by_role("button", name="Reject", exact=True).click()
    await tabs.desk.get_by_role("button", name="Send the rejection").click()
    await _desk_says(tabs.desk, f"Rejected. {number}")
    await _ribbon_says(tabs.project, f"Rejected {DANA.name} rejected {number}: {REASON}")
    for address in (ANA.email, SAM.email):
        await _read_mail(tabs, address, f"Rejected: {number}", REASON)


async def _corrected_and_resent(tabs: Tabs, number: str) -> None:
    await _edit_and_resend(tabs, "03-310")
    await _read_mail(tabs, DANA.email, f"Re-sent: {number}", "03-310")
    await _export_after_check(tabs, number)
    await _ribbon_says(tabs.project, "Synced")


async def _edit_and_resend(tabs: Tabs, cost_code: str) -> None:
    await tabs.project.get_by_role("link", name="Edit").click()
    await tabs.project.get_by_label("Line 1 cost code").fill(cost_code)
    await tabs.project.get_by_role("button", name="Save").click()
    await tabs.project.get_by_role("button", name="Re-send to ERP").click()


async def _export_after_check(tabs: Tabs, number: str) -> None:
    """Accept a re-sent revision: before, the page shows what changed."""
    await _mark_accepted(tabs, number)
    await tabs.desk.get_by_role("button", name="Export", exact=True).click()
    await expect(tabs.desk.get_by_role("insertion")).to_have_text("03-310")
    await tabs.desk.get_by_role("button", name="Export 1 commitment").click()
    await _desk_says(tabs.desk, f"Accepted. {number}")


async def _create_anew(tabs: Tabs, number: str, deleted: str) -> None:
    link = tabs.desk.get_by_role("link", name=f"Create anew {number}")
    await _reload_until_there(f"{tabs.world.desk_url}/commitments?view=failed", link)
    assert await _beyond_their_places(tabs.desk) == []
    await link.click()
    assert await _beyond_their_places(tabs.desk) == []
    button = tabs.desk.get_by_role("button", name=f"Create {number} anew")
    await button.click()
    await expect(tabs.desk.locator("#deleted-problem")).to_contain_text("Confirm that PO-1001 was deleted on purpose")
    await tabs.desk.get_by_label(f"{deleted} was deleted on purpose").check()
    await button.click()
    await _desk_says(tabs.desk, f"Recorded. {number} will be created anew")


async def _beyond_their_places(page: Page) -> list[str]:
    """The texts of buttons that reach beyond their cell or sheet at widths of desks and laptops, and what scrolls."""
    found = []
    for width in WIDTHS:
        await page.set_viewport_size({"width": width, "height": 900})
        found += [f"{width}: {text}" for text in await page.evaluate(BEYOND)]
    return found


def _listen(context: BrowserContext) -> list[str]:
    """Collect every error on a page and every request to another host in the returned list."""
    errors: list[str] = []

    def check(request: Request) -> None:
        if urlsplit(request.url).hostname not in {None, "127.0.0.1"}:
            errors.append(f"{request.method} {request.url}")

    context.on("request", check)
    context.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    context.on("weberror", lambda failure: errors.append(str(failure.error)))
    return errors


async def _sign_in(tabs: Tabs, name: str) -> None:
    """Sign in at the provider, to which the desk redirects."""
    await tabs.desk.goto(tabs.world.desk_url)
    await tabs.desk.get_by_role("button", name=name).click()
    await expect(tabs.desk.get_by_role("banner")).to_contain_text(name)


async def _create(project: Page, url: str, number: str) -> None:
    """Ana creates a commitment, and Sam opens it."""
    await _act_as(project, url, ANA.id)
    await project.get_by_role("link", name="Create commitment").click()
    await project.get_by_label("Number").fill(number)
    await project.get_by_label("Title").fill("Concrete works")
    await project.get_by_label("Line 1 cost code").fill("03-300")
    await project.get_by_label("Line 1 quantity").fill("10")
    await project.get_by_label("Line 1 unit cost").fill("1500.00")
    await project.get_by_role("button", name="Save").click()
    await expect(project.get_by_role("main")).to_contain_text("This needs Admin")
    await _act_as(project, url, SAM.id)
    await project.get_by_role("link", name=number).click()


async def _act_as(project: Page, url: str, person_id: str) -> None:
    await project.goto(url)
    await project.get_by_label("You are").select_option(person_id)
    await project.get_by_role("button", name="Change").click()


async def _ribbon_says(project: Page, words: str) -> None:
    """Wait until the page, which refreshes itself, shows `words`."""
    await expect(project.locator(".band")).to_contain_text(words, timeout=PATIENCE_MILLISECONDS)


async def _desk_says(desk: Page, words: str) -> None:
    await expect(desk.get_by_role("status")).to_contain_text(words)


async def _mark_accepted(tabs: Tabs, number: str) -> None:
    choice = tabs.desk.get_by_role("button", name=f"Accept {number}")
    await _reload_until_there(f"{tabs.world.desk_url}/commitments?view=ready", choice)
    await choice.click()


async def _read_mail(tabs: Tabs, address: str, subject: str, words: str) -> None:
    mail = tabs.mailbox.get_by_role("link", name=subject)
    await _reload_until_there(f"{tabs.world.mailbox.url}/?to={address}", mail)
    await mail.click()
    await expect(tabs.mailbox.locator("pre")).to_contain_text(words)
    await expect(tabs.mailbox.frame_locator("iframe").locator("body")).to_contain_text(words)


async def _reload_until_there(address: str, wanted: Locator) -> None:
    async def is_there() -> bool:
        await wanted.page.goto(address)
        return await wanted.count() > 0

    await eventually(is_there)
