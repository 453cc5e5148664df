"""What the desk promises (docs/desk-promises.md), as far as no other test is about it."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from schemas.fields import FailureClass
from services.pipeline.clock import utc_now
from tests.integration.approval import company
from tests.integration.approval.answering import READY
from tests.integration.approval.company import DANA, content, failed, rejected, resent, sent
from tests.integration.approval.desk import DeskUnderTest
from tests.integration.approval.page_reader import text_of

CSS = Path(__file__).parents[3] / "services/approval/web/desk/assets/desk.css"
CONCRETE = content("8841", "SC-014")
MOVED = CONCRETE | {"lines": [CONCRETE["lines"][0], company.line(2, "03-310", "Cast-in-place concrete", "80250.00")]}
RIBBONS = {
    "blue": ("#0c2d6b", "#dbe9ff"),
    "yellow": ("#4a3500", "#fff1b8"),
    "green": ("#0b3d1e", "#d6f5df"),
}


def contrast(text: str, ground: str) -> float:
    """The contrast ratio of two colours, as WCAG 2.2 defines it."""
    darker, lighter = sorted((luminance(text), luminance(ground)))
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    shares = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


async def test_a1_the_heading_the_tab_and_the_views_with_their_counts(desk: DeskUnderTest) -> None:
    other = content("b", "PO-7", total="1250.00", lines=[company.line(1, "03-100", "Formwork", "1250.00")])
    await desk.receive(sent(CONCRETE), sent(other), rejected(other))
    async with desk.browser(DANA) as browser:
        page = await browser.get("/commitments?view=rejected")
    assert "<h1>ERP Integrations</h1>" in page.text
    assert re.search(r'<a href="/commitments\?view=ready" aria-current="true">Commitments</a>', page.text)
    views = text_of(page).split("Views", 1)[-1]
    names = ["Ready to Export 1", "Failed to Export 0", "Exporting 0", "Synced 0", "Rejected 1", "All 2"]
    places = [views.index(name) for name in names]
    assert places == sorted(places)
    (menu,) = re.findall(r'<nav class="views".*?</nav>', page.text, re.DOTALL)
    assert re.findall(r'view=(\w+)" aria-current="page"', menu) == ["rejected"]


@pytest.mark.parametrize("ribbon", RIBBONS)
def test_a3_each_ribbon_has_its_colours_and_their_contrast(ribbon: str) -> None:
    text, ground = RIBBONS[ribbon]
    assert re.search(rf"\.ribbon-{ribbon}\b[^{{]*{{ color: {text}; background: {ground}; }}", CSS.read_text())
    assert contrast(text, ground) >= 10


async def test_a15_the_page_of_one_commitment_has_its_parts_in_the_order_of_a_decision(desk: DeskUnderTest) -> None:
    await desk.receive(sent(CONCRETE), rejected(CONCRETE), resent(MOVED, note="Moved to 03-310."))
    async with desk.browser(DANA) as browser:
        text = text_of(await browser.get("/commitments/8841"))
    parts = [
        "Ready to Export since",  # the ribbon, and the next step
        "Changes since the last revision",
        "Dana Ruiz rejected revision 1 Use 03-310.",  # beside the new note
        "Moved to 03-310.",
        "Admin on the project's Commitments tool",  # the checks: rule, value, limit
        "Sum of lines",
        "Difference",
        "Cast-in-place concrete",  # the lines
        "Decision",
        "History",
    ]
    places = [text.index(part) for part in parts]
    assert places == sorted(places), dict(zip(parts, places, strict=True))


async def test_a24_failed_exports_say_why_who_acts_and_what_is_next(desk: DeskUnderTest) -> None:
    reason = "QuickBooks has no vendor Acme Concrete."
    await desk.receive(
        sent(CONCRETE),
        company.accepted(CONCRETE),
        failed(CONCRETE, FailureClass.WAIT_FOR_DEPENDENCY, reason, code="3140", next_step="Create the vendor; retry."),
        at=utc_now() - timedelta(hours=2),
    )
    async with desk.browser(DANA) as browser:
        page = await browser.get("/commitments?view=failed")
    columns = re.findall(r'<th role="columnheader" scope="col"[^>]*>([^<]*)</th>', page.text)
    shown = ["Number and title", "Total", "ERP", "Errors", "Who acts", "Next step", "Attempts", "Failed"]
    assert columns[: len(shown)] == shown
    text = text_of(page)
    assert "Something it needs is missing in the ERP 3140 1" in text  # the cause that groups them
    assert f"{reason} Accounting approver Create the vendor; retry. 3" in text


async def test_a13_a_missing_reason_names_the_number(desk: DeskUnderTest) -> None:
    await desk.receive(sent(CONCRETE))
    async with desk.browser(DANA) as browser:
        page = await browser.get(f"{READY}&item=8841")
        (value,) = set(re.findall(r'value="(reject:[^"]*)"', page.text))
        refused = await browser.post("/marks", data={"mark": value})
    assert "Enter a reason for rejecting SC-014" in text_of(refused)
