"""The desk names the ERP that a company has left, and offers to write the commitment to the next one."""

import json

from sqlalchemy import select

from schemas.events import UNKNOWN_CONNECTION, ErpConnection
from schemas.fields import FailureClass
from services.approval.storage.tables import DOCUMENT
from tests.integration.approval import company
from tests.integration.approval.answering import mark, send
from tests.integration.approval.company import DANA, content
from tests.integration.approval.desk import DeskUnderTest
from tests.integration.approval.page_reader import choice, follow, hidden_fields, text_of

SC = content("8841", "SC-014")
PAGE, FORM = "/commitments/8841", "/create-anew"
REMOVED = company.QUICKBOOKS.model_copy(update={"companies": (), "version": 2})
BOOKS = ErpConnection(name="books", version=1, kind="http", title="Books", companies=(company.COMPANY,))


async def receive_left(desk: DeskUnderTest, *connections: ErpConnection) -> None:
    """SC-014 is in QuickBooks, which is taken out of the file; revision 2 was accepted then."""
    await desk.receive(company.sent(SC), company.accepted(SC), company.succeeded(SC), REMOVED, *connections)
    await desk.receive(company.resent(SC), company.accepted(SC, 2), company.erp_left(SC))


async def test_it_becomes_a_new_document_in_the_next_erp_once_the_approver_confirms(desk: DeskUnderTest) -> None:
    await receive_left(desk, BOOKS)
    async with desk.browser(DANA) as browser:
        assert f'href="{PAGE}#create-anew"' in (await browser.get("/commitments?view=failed")).text
        page = await browser.get(PAGE)
        shown, fields = text_of(page), hidden_fields(page, FORM)
        unconfirmed = await browser.post(f"{PAGE}{FORM}", data=fields)
        done = await follow(browser, await browser.post(f"{PAGE}{FORM}", data=fields | {"deleted": "yes"}))
        after = text_of(await browser.get(PAGE))

    assert "SC-014 is in quickbooks-main, which is no longer configured. If quickbooks-main was only renamed" in shown
    assert "The accepted content becomes a new document in Books. SC-014 stays in quickbooks-main as it is" in shown
    assert "ERP quickbooks-main, which is not configured" in shown
    assert unconfirmed.status_code == 422
    assert "Confirm that SC-014 is closed or cancelled in quickbooks-main" in text_of(unconfirmed)
    assert "Recorded. SC-014 will be created anew in Books." in text_of(done)
    assert "Left behind SC-014 in quickbooks-main" in after
    (order,) = [json.loads(each)["data"] for each in await desk.published("decision.accepted")]
    assert (order["round"], order["replaces"]["id"], order["moves"]) == (2, "erp-8841", True)
    async with desk.database.begin() as db:
        assert list(await db.scalars(select(DOCUMENT.c.name))) == []


async def test_an_approver_is_warned_before_accepting_what_no_connection_takes(desk: DeskUnderTest) -> None:
    euros = company.QUICKBOOKS.model_copy(update={"version": 2, "currencies": ("EUR",)})
    await desk.receive(company.sent(SC), euros)
    async with desk.browser(DANA) as browser:
        page, listed = text_of(await browser.get(PAGE)), await browser.get("/commitments")
        chosen = choice(listed, "accept", "8841")
        await mark(browser, chosen)
        check = await follow(browser, await send(browser))

    warning = "No ERP connection takes SC-014: the export will fail until one does."
    assert all(warning in shown for shown in (page, text_of(listed), text_of(check)))
    assert "is accepted exactly as it stands here, but no ERP takes it at present." in page
    assert "Check before export" in text_of(check)


async def test_an_approver_is_warned_before_accepting_an_update_in_an_erp_that_was_left(desk: DeskUnderTest) -> None:
    await desk.receive(company.sent(SC), company.accepted(SC), company.succeeded(SC), REMOVED, company.resent(SC))
    async with desk.browser(DANA) as browser:
        page = text_of(await browser.get(PAGE))

    assert "quickbooks-main is not configured, and SC-014 is there: the export of SC-014 will fail until it is." in page
    assert "goes to quickbooks-main" not in page


async def test_it_is_refused_once_the_connection_is_back_under_any_name(desk: DeskUnderTest) -> None:
    await receive_left(desk, BOOKS)
    async with desk.browser(DANA) as browser:
        fields = hidden_fields(await browser.get(PAGE), FORM)
        await desk.receive(BOOKS.model_copy(update={"formerly": (company.ERP,), "version": 2}))
        refused = await browser.post(f"{PAGE}{FORM}", data=fields | {"deleted": "yes"})
        page, listed = await browser.get(PAGE), await browser.get("/commitments?view=failed")
        retried = await follow(browser, await browser.post(f"{PAGE}/retry", data=hidden_fields(page, "/retry")))

    assert refused.status_code == 409
    assert "quickbooks-main is configured again: retry SC-014" in text_of(refused)
    assert "quickbooks-main is configured again; try again." in text_of(page)
    assert "create-anew" not in page.text + listed.text
    assert "SC-014 will be tried again." in text_of(retried)


async def test_without_another_erp_the_page_says_what_is_missing_and_offers_no_button(desk: DeskUnderTest) -> None:
    await receive_left(desk)
    async with desk.browser(DANA) as browser:
        page = await browser.get(PAGE)

    assert "No other ERP takes SC-014 at present, so it cannot be created anew." in text_of(page)
    assert 'name="deleted"' not in page.text


async def test_what_is_in_doubt_in_an_erp_that_was_left_is_settled_by_an_approvers_word(desk: DeskUnderTest) -> None:
    await desk.receive(company.sent(SC), company.accepted(SC), company.in_doubt(SC), REMOVED, BOOKS)
    async with desk.browser(DANA) as browser:
        page = await browser.get(PAGE)
        found = {"found": "yes", "document_number": "PO-7", "evidence": "I opened PO-7 in the old QuickBooks."}
        settled = await browser.post(f"{PAGE}/settle", data=hidden_fields(page, "/settle") | found)
        done = await follow(browser, settled)

    assert "Is SC-014 in quickbooks-main?" in text_of(page)
    assert "Recorded. SC-014 exists in" in text_of(done)
    (resolved,) = [json.loads(each)["data"] for each in await desk.published("decision.resolved")]
    assert (resolved["document"]["connection"], resolved["document"]["number"]) == (company.ERP, "PO-7")


async def test_trying_again_promises_nothing_while_the_connection_is_not_configured(desk: DeskUnderTest) -> None:
    await desk.receive(company.sent(SC), company.accepted(SC), REMOVED)
    failed = company.failed(SC, FailureClass.FIX_SETUP, "It is not configured.", code=UNKNOWN_CONNECTION)
    await desk.receive(failed.model_copy(update={"connection": company.ERP}))
    async with desk.browser(DANA) as browser:
        without = text_of(await browser.get(PAGE))
        await desk.receive(BOOKS)
        with_another = text_of(await browser.get(PAGE))

    assert (
        "quickbooks-main is not configured. Trying again fails until the ERP administrator has put it back, or added "
        "another one that takes SC-014; then the accepted content goes there." in without
    )
    assert "once more" not in without
    assert "The accepted content goes to Books once more." in with_another
