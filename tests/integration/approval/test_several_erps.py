"""Where a company has several ERPs, lists and the check before export say which one; where it has one, they do not."""

from tests.integration.approval import company
from tests.integration.approval.answering import mark, send
from tests.integration.approval.company import DANA, content, sent
from tests.integration.approval.desk import DeskUnderTest
from tests.integration.approval.page_reader import choice, text_of

EUROPE = company.QUICKBOOKS.model_copy(
    update={"name": "europe", "title": "European books", "version": 1, "priority": 1, "currencies": ("EUR",)}
)
REST = company.QUICKBOOKS.model_copy(update={"version": 2, "priority": 2})
DOLLARS, EUROS = content("1", "SC-001"), content("2", "SC-002", currency="EUR")
WAITING = (sent(DOLLARS), sent(EUROS))
HEADING = '<th role="columnheader" scope="col">ERP</th>'


async def test_each_row_that_waits_says_which_erp_takes_it(desk: DeskUnderTest) -> None:
    await desk.receive(EUROPE, REST, *WAITING)
    async with desk.browser(DANA) as browser:
        page = await browser.get("/commitments?view=ready")

    rows = [row.split("</tr>")[0] for row in page.text.split('id="row-')[1:]]
    assert [("European books" in row, "QuickBooks" in row) for row in rows] == [(False, True), (True, False)]


async def test_each_row_says_which_erp_takes_it(desk: DeskUnderTest) -> None:
    await desk.receive(EUROPE, REST, *WAITING)
    async with desk.browser(DANA) as browser:
        page = await browser.get("/commitments?view=all")

    rows = {row.split("</a>")[0]: row for row in page.text.split('class="number"')[1:]}
    erps = ["European books" in row for row in rows.values()], ["QuickBooks" in row for row in rows.values()]
    assert HEADING in page.text
    assert sorted(zip(*erps, strict=True)) == [(False, True), (True, False)]


async def test_a_row_that_no_erp_takes_says_so(desk: DeskUnderTest) -> None:
    await desk.receive(EUROPE, REST.model_copy(update={"currencies": ("CHF",)}), sent(DOLLARS))
    async with desk.browser(DANA) as browser:
        assert "None takes it" in text_of(await browser.get("/commitments?view=ready"))


async def test_the_check_before_export_says_to_which_erp_each_one_goes_and_why(desk: DeskUnderTest) -> None:
    await desk.receive(EUROPE, REST, *WAITING)
    async with desk.browser(DANA) as browser:
        page = await browser.get("/commitments?view=ready")
        for key in ("1", "2"):
            await mark(browser, choice(page, "accept", key))
        check = text_of(await send(browser))

    assert "in European books (currency EUR)" in check
    assert "in QuickBooks (no other one takes it)" in check


async def test_where_there_is_one_nothing_more_is_said(desk: DeskUnderTest) -> None:
    await desk.receive(*WAITING)
    async with desk.browser(DANA) as browser:
        pages = [await browser.get(f"/commitments?view={view}") for view in ("ready", "rejected", "all")]
        for key in ("1", "2"):
            await mark(browser, choice(pages[0], "accept", key))
        check = await send(browser)

    assert not [page for page in pages if HEADING in page.text]
    assert "in QuickBooks (" not in text_of(check)
