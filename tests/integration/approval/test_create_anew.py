"""The desk offers to create anew a document that the ERP no longer has, and only that."""

import json
from collections.abc import Mapping
from typing import Any

from httpx2 import AsyncClient, Response
from sqlalchemy import select

from schemas.fields import FailureClass
from services.approval.storage.tables import DOCUMENT
from tests.integration.approval import company
from tests.integration.approval.company import DANA, KIM, content
from tests.integration.approval.desk import DeskUnderTest
from tests.integration.approval.page_reader import follow, hidden_fields, text_of

SC = content("8841", "SC-014")
PAGE, FORM = "/commitments/8841", "/create-anew"


async def receive_gone(desk: DeskUnderTest) -> None:
    """SC-014 is synced, sent again and accepted, and its document is gone."""
    await desk.receive(
        company.sent(SC),
        company.accepted(SC),
        company.succeeded(SC),
        company.resent(SC),
        company.accepted(SC, 2),
        company.gone(SC),
    )


async def submit(browser: AsyncClient, fields: Mapping[str, str]) -> Response:
    return await browser.post(f"{PAGE}{FORM}", data=dict(fields))


async def orders(desk: DeskUnderTest) -> list[dict[str, Any]]:
    return [json.loads(each)["data"] for each in await desk.published("decision.accepted")]


async def held(desk: DeskUnderTest) -> list[tuple[str, str]]:
    async with desk.database.begin() as db:
        rows = await db.execute(select(DOCUMENT.c.kind, DOCUMENT.c.name).order_by(DOCUMENT.c.kind))
        return [(row.kind, row.name) for row in rows]


async def test_it_is_created_anew_once_the_approver_confirms_that_it_is_gone(desk: DeskUnderTest) -> None:
    await receive_gone(desk)
    async with desk.browser(DANA) as browser:
        assert f'href="{PAGE}#create-anew"' in (await browser.get("/commitments?view=failed")).text
        page = await browser.get(PAGE)
        fields = hidden_fields(page, FORM)
        assert "QuickBooks no longer has SC-014. The accepted content becomes a new document there" in text_of(page)
        unconfirmed = await submit(browser, fields)
        assert unconfirmed.status_code == 422
        assert 'id="deleted-problem"' in unconfirmed.text
        done = await follow(browser, await submit(browser, fields | {"deleted": "yes"}))
        again = await follow(browser, await submit(browser, fields | {"deleted": "yes"}))
        history = text_of(await browser.get(PAGE))

    for shown in (done, again):
        assert "Recorded. SC-014 will be created anew in QuickBooks. No new approval is needed." in text_of(shown)
    assert "Dana Ruiz ordered to create it anew, since SC-014 is gone." in history
    (order,) = await orders(desk)
    assert (order["revision"], order["round"], order["replaces"]["id"]) == (2, 2, "erp-8841")


async def test_nothing_is_locked_or_held_any_more_until_the_new_document_is_written(desk: DeskUnderTest) -> None:
    await receive_gone(desk)
    assert await held(desk) == [("id", "erp-8841"), ("number", "SC-014")]
    async with desk.browser(DANA) as browser:
        await submit(browser, hidden_fields(await browser.get(PAGE), FORM) | {"deleted": "yes"})

    status = json.loads((await desk.published("commitment.status"))[-1])["data"]
    assert (status["status"], status["locked_fields"], "erp_document" in status) == ("exporting", [], False)
    assert await held(desk) == []
    document = company.succeeded(SC, 2).erp_document.model_copy(update={"id": "erp-new", "number": "SC-014"})
    await desk.receive(company.succeeded(SC, 2).model_copy(update={"erp_document": document}))
    status = json.loads((await desk.published("commitment.status"))[-1])["data"]
    assert (status["status"], status["erp_document"]["id"]) == ("synced", "erp-new")
    assert "more than once" not in status["message"]
    assert await held(desk) == [("id", "erp-new"), ("number", "SC-014")]


async def test_rejecting_and_sending_again_leads_to_the_same_step(desk: DeskUnderTest) -> None:
    await receive_gone(desk)
    async with desk.browser(DANA) as browser:
        reject = hidden_fields(await browser.get(PAGE), "/reject") | {"reason": "Change the title."}
        await follow(browser, await browser.post(f"{PAGE}/reject", data=reject))
        await desk.receive(company.resent(SC, 3), company.accepted(SC, 3), company.gone(SC, 3))
        fields = hidden_fields(await browser.get(PAGE), FORM)
        await follow(browser, await submit(browser, fields | {"deleted": "yes"}))

    assert (await orders(desk))[-1]["revision"] == 3


async def test_it_is_offered_to_approvers_and_for_this_failure_only(desk: DeskUnderTest) -> None:
    await desk.receive(
        company.sent(SC),
        company.accepted(SC),
        company.failed(SC, FailureClass.FIX_SETUP, "There is no document.", code="not_found"),
    )
    forged = {"revision": "1", "round": "1", "replaces": "erp-8841", "deleted": "yes"}
    async with desk.browser(DANA) as browser:
        assert FORM not in (await browser.get(PAGE)).text
        refused = await submit(browser, forged)
        assert refused.status_code == 409
        assert "SC-014 cannot be created anew" in text_of(refused)
        assert (await submit(browser, forged | {"replaces": ""})).status_code == 400
    await receive_gone(desk)
    async with desk.browser(KIM) as browser:
        assert FORM not in (await browser.get(PAGE)).text
        assert (await submit(browser, forged | {"revision": "2"})).status_code == 403
    assert await orders(desk) == []
