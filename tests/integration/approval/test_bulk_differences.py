"""What differs in the ERP is written again, or left, for many commitments at once, after a review of all of them."""

import html
import json
import re
from typing import Any

from httpx2 import AsyncClient, Response

from schemas.events import Change
from tests.integration.approval import company
from tests.integration.approval.company import DANA, KIM, content, drifted
from tests.integration.approval.desk import DeskUnderTest
from tests.integration.approval.page_reader import follow, text_of

VIEW = "/commitments?view=differing"
CHANGED = (Change(field="Total", before="USD 480,250.00", after="USD 470,250.00"),)
OTHER = (Change(field="Total", before="USD 480,250.00", after="USD 999,999.00"),)
LOST, EURO = content("1", "SC-001"), content("2", "SC-002", currency="EUR", total="100.00")
EDITED = content("3", "SC-003")


async def receive_restored(desk: DeskUnderTest) -> None:
    """An ERP was restored from its backup: two documents are missing there, and one holds another total."""
    for each, differences in ((LOST, ()), (EURO, ()), (EDITED, CHANGED)):
        await desk.receive(company.sent(each), company.accepted(each), company.succeeded(each))
        await desk.receive(drifted(each, differences=differences))


def ticked(page: Response) -> dict[str, str]:
    """What the page's form sends for its rows: the documents, and the choices that are ticked or confirmed."""
    hidden = re.findall(r'<input type="hidden" name="((?:document|drift)-[^"]*)" value="([^"]*)"', page.text)
    boxes = re.findall(r'name="(drift-[^"]*)" value="([^"]*)" checked', page.text)
    return {name: html.unescape(value) for name, value in (*hidden, *boxes)}


async def send(browser: AsyncClient, action: str, fields: dict[str, str], **more: str) -> Response:
    return await browser.post("/differences", data=fields | {"action": action} | more)


async def decided(desk: DeskUnderTest, topic: str) -> list[dict[str, Any]]:
    return [json.loads(each)["data"] for each in await desk.published(topic)]


async def test_all_that_is_missing_is_reviewed_with_its_totals_and_written_again(desk: DeskUnderTest) -> None:
    await receive_restored(desk)
    async with desk.browser(DANA) as browser:
        review = await send(browser, "write", ticked(await browser.get(f"{VIEW}&choose=missing")))
        assert await decided(desk, "decision.accepted") == []
        without_why = await send(browser, "write", ticked(review), confirmed="yes")
        assert await decided(desk, "decision.accepted") == []
        confirmed = {"confirmed": "yes", "why": "QuickBooks was restored from Friday's backup."}
        done = text_of(await follow(browser, await send(browser, "write", ticked(review), **confirmed)))

    assert "Write 2 commitments again" in text_of(review)
    assert "Total EUR 100.00 and USD 480,250.00" in text_of(review)
    assert "SC-003" not in text_of(review)
    assert (without_why.status_code, 'id="why-problem"' in without_why.text) == (422, True)
    for number in ("SC-001", "SC-002"):
        assert f"Recorded. {number} becomes a new document in QuickBooks." in done
    orders = await decided(desk, "decision.accepted")
    assert [(each["commitment_id"], each["reopened"], each["replaces"]["id"], each["why"]) for each in orders] == [
        (id_, 1, f"erp-{id_}", "QuickBooks was restored from Friday's backup.") for id_ in ("1", "2")
    ]


async def test_what_was_changed_is_written_to_its_document_again(desk: DeskUnderTest) -> None:
    await receive_restored(desk)
    async with desk.browser(DANA) as browser:
        review = await send(browser, "write", ticked(await browser.get(f"{VIEW}&choose=changed")))
        await follow(browser, await send(browser, "write", ticked(review), confirmed="yes", why="Changed by mistake."))

    (order,) = await decided(desk, "decision.accepted")
    assert (order["commitment_id"], order["reopened"], "replaces" in order) == ("3", 1, False)
    assert "USD 470,250.00" in text_of(review)


async def test_the_chosen_ones_are_left_as_the_erp_has_them(desk: DeskUnderTest) -> None:
    await receive_restored(desk)
    async with desk.browser(DANA) as browser:
        review = await send(browser, "leave", ticked(await browser.get(f"{VIEW}&choose=missing")))
        answer = await send(browser, "leave", ticked(review), confirmed="yes", why="Both were cancelled.")
        done = text_of(await follow(browser, answer))
        rest = text_of(await browser.get(VIEW))

    assert "Recorded. SC-001 stays in QuickBooks as it is there." in done
    assert [each["note"] for each in await decided(desk, "decision.drift_accepted")] == ["Both were cancelled."] * 2
    assert ("SC-003" in rest, "SC-001" in rest) == (True, False)


async def test_one_that_changed_meanwhile_is_left_out_and_another_answer_is_refused_alone(desk: DeskUnderTest) -> None:
    await receive_restored(desk)
    async with desk.browser(DANA) as browser:
        listed = ticked(await browser.get(f"{VIEW}&choose=missing"))
        await desk.receive(drifted(LOST, 2, CHANGED))
        review = await send(browser, "leave", listed)
        await desk.receive(company.resent(EURO), company.accepted(EURO, 2))
        listed_then = ticked(await browser.get(f"{VIEW}&choose=changed"))
        late = await send(browser, "leave", ticked(review) | listed_then, confirmed="yes", why="Cancelled.")
        done = text_of(await follow(browser, late))

    assert "SC-001 is left out. It no longer differs in the ERP as you read it." in text_of(review)
    assert "Leave 1 commitment as in the ERP" in text_of(review)
    assert "SC-002 no longer differs in the ERP as you read it. Your answer was not recorded." in done
    assert [each["commitment_id"] for each in await decided(desk, "decision.drift_accepted")] == ["1", "3"]


async def test_it_is_offered_to_approvers_and_a_form_without_rows_or_with_odd_ones_does_nothing(
    desk: DeskUnderTest,
) -> None:
    await receive_restored(desk)
    async with desk.browser(KIM) as browser:
        page = await browser.get(f"{VIEW}&choose=missing")
        assert ("drift-1" in page.text, "Write these again" in page.text) == (False, False)
        assert (await send(browser, "write", {})).status_code == 403
    async with desk.browser(DANA) as browser:
        nothing = await send(browser, "write", {})
        assert (nothing.status_code, 'id="choices-problem"' in nothing.text) == (422, True)
        for odd in ("1", "1:1:0:2:1:x\x00", "a:1:0:1:1"):
            assert (await send(browser, "write", {"drift-1": odd})).status_code == 400
    assert await decided(desk, "decision.accepted") == []


async def test_what_another_approver_has_left_meanwhile_is_not_written(desk: DeskUnderTest) -> None:
    await receive_restored(desk)
    async with desk.browser(DANA) as one, desk.browser(DANA) as other:
        writing = await send(one, "write", ticked(await one.get(f"{VIEW}&choose=changed")))
        leaving = await send(other, "leave", ticked(await other.get(f"{VIEW}&choose=changed")))
        await follow(other, await send(other, "leave", ticked(leaving), confirmed="yes", why="Agreed on the phone."))
        await follow(one, await send(one, "write", ticked(writing), confirmed="yes", why="Changed by mistake."))
    assert len(await decided(desk, "decision.drift_accepted")) == 1
    assert await decided(desk, "decision.accepted") == []


async def test_what_differs_in_another_way_by_now_is_not_written(desk: DeskUnderTest) -> None:
    await receive_restored(desk)
    async with desk.browser(DANA) as dana:
        writing = await send(dana, "write", ticked(await dana.get(f"{VIEW}&choose=changed")))
        await desk.receive(drifted(EDITED, 2, OTHER))
        done = await follow(dana, await send(dana, "write", ticked(writing), confirmed="yes", why="By mistake."))
    assert "no longer differs in the ERP as you read it" in text_of(done)
    assert await decided(desk, "decision.accepted") == []


async def test_what_was_missing_and_is_back_is_not_written_anew(desk: DeskUnderTest) -> None:
    await receive_restored(desk)
    async with desk.browser(DANA) as dana:
        writing = await send(dana, "write", ticked(await dana.get(f"{VIEW}&choose=missing")))
        await desk.receive(drifted(LOST, 2, CHANGED))
        await follow(dana, await send(dana, "write", ticked(writing), confirmed="yes", why="Restored."))
    assert [each["commitment_id"] for each in await decided(desk, "decision.accepted")] == ["2"]
