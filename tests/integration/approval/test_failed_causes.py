"""Failed exports with one cause are answered together, each as a decision of its own."""

import html
import re
from typing import Any

from httpx2 import AsyncClient, Response

from schemas.fields import FailureClass
from tests.integration.approval import company
from tests.integration.approval.company import DANA, LEE, content, failed, sent
from tests.integration.approval.desk import DeskUnderTest
from tests.integration.approval.page_reader import choice, follow, hidden_fields, text_of

FAILED = "/commitments?view=failed"
COMMITMENTS = [content(f"f{place}", f"SC-10{place}") for place in range(3)]
CLOSED = "Cost code 03-300 is closed."


async def receive_failed(desk: DeskUnderTest, cause: FailureClass, *messages: str) -> None:
    for received, message in zip(COMMITMENTS, messages, strict=True):
        await desk.receive(sent(received), company.accepted(received), failed(received, cause, message, code="3140"))


async def rejecting_page(browser: AsyncClient) -> Response:
    listed = await browser.get(FAILED)
    return await browser.get(html.unescape(re.findall(r'href="(/failed/reject[^"]*)"', listed.text)[0]))


def chosen(page: Response) -> dict[str, str]:
    return {f"choice-{each['id']}": choice(page, "reject", each["id"]) for each in COMMITMENTS}


async def test_all_with_one_cause_are_retried_at_once(desk: DeskUnderTest) -> None:
    await receive_failed(desk, FailureClass.WAIT_FOR_DEPENDENCY, "No vendor.", "No vendor.", "No vendor Acme.")
    async with desk.browser(DANA) as browser:
        page = await browser.get(FAILED)
        assert "Something it needs is missing in the ERP 3140 3" in text_of(page)
        assert "Retry all 3 Reject all 3" in text_of(page)
        form = hidden_fields(page, "/failed/retry")
        theirs = {"decided_by": LEE.as_person}
        await desk.receive(company.accepted(COMMITMENTS[2], export_round=2).model_copy(update=theirs))
        done = text_of(await follow(browser, await browser.post("/failed/retry", data=form)))

    assert "2 of 3 answers recorded" in done
    assert "SC-102 Not recorded" in done
    assert len(await desk.published("decision.accepted")) == 2


async def test_all_that_have_to_be_corrected_are_rejected_for_one_reason(desk: DeskUnderTest) -> None:
    await receive_failed(desk, FailureClass.FIX_DATA, CLOSED, CLOSED, CLOSED)
    async with desk.browser(DANA) as browser:
        assert "Retry all" not in text_of(await browser.get(FAILED))
        page = await rejecting_page(browser)
        assert f">{CLOSED} Please correct it, and re-send it.</textarea>" in page.text
        fields = hidden_fields(page, "/failed/reject") | chosen(page)
        empty = await browser.post("/failed/reject", data=fields | {"reason": " "})
        assert empty.status_code == 422
        assert "Enter a reason for rejecting 3 commitments" in text_of(empty)
        nothing = await browser.post("/failed/reject", data=hidden_fields(page, "/failed/reject") | {"reason": "No."})
        assert "Choose at least one commitment" in text_of(nothing)
        answer = await browser.post("/failed/reject", data=fields | {"reason": "Use 03-310."})
        done = text_of(await follow(browser, answer))

    assert "3 of 3 answers recorded" in done
    assert len(await desk.published("decision.rejected")) == 3


async def test_different_causes_are_different_groups(desk: DeskUnderTest) -> None:
    await receive_failed(desk, FailureClass.FIX_DATA, CLOSED, CLOSED, CLOSED)
    other = content("g1", "SC-200")
    await desk.receive(
        sent(other), company.accepted(other), failed(other, FailureClass.FIX_DATA, "Too long.", code="3070")
    )
    async with desk.browser(DANA) as browser:
        page = await browser.get(FAILED)
        rejecting = await rejecting_page(browser)

    assert page.text.count('class="sheet cause"') == 2
    assert "SC-200" not in rejecting.text


async def test_a_form_that_names_nothing_or_too_much_is_refused(desk: DeskUnderTest) -> None:
    async with desk.browser(DANA) as browser:
        forms: list[dict[str, Any]] = [{}, {"retry-1": "1"}, {f"retry-{place}": f"1:1:c{place}" for place in range(51)}]
        assert [(await browser.post("/failed/retry", data=form)).status_code for form in forms] == [400, 400, 400]
