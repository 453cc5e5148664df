"""Separation of duties, amount limits and second approvals: told before deciding, and enforced with the answer."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
from httpx2 import AsyncClient, Response

from schemas.envelope import decode
from schemas.events import CommitmentSent, DirectoryPerson
from schemas.snapshot import Snapshot
from services.approval.rules.approval_rules import ApprovalRules
from services.pipeline.clock import utc_now
from tests.integration.approval.answering import READY, choose, confirm, mark
from tests.integration.approval.company import COMPANY, DANA, LEE, content, line, resent, sent
from tests.integration.approval.desk import DeskUnderTest, running_desk, settings
from tests.integration.approval.page_reader import follow, text_of

CONCRETE = content("8841", "SC-014")
SENT_BY_DANA = "You sent SC-014. Another approver has to accept it."
ABOVE_LIMIT = "SC-014 is USD 480,250.00. Your limit is USD 100,000.00; Lee Park may accept it."


def by_dana(received: dict[str, Any]) -> CommitmentSent:
    return sent(received).model_copy(update={"sent_by": DANA.as_person})


@pytest.fixture
def rules(request: pytest.FixtureRequest) -> dict[str, Any]:
    """The company's rules; by default those of a company that uses all of them."""
    return getattr(request, "param", {})


@pytest.fixture
async def desk(database_url: str, rules: dict[str, Any]) -> AsyncIterator[DeskUnderTest]:
    company = ApprovalRules.model_validate({"company": [{"id": COMPANY} | rules]})
    async with running_desk(settings(database_url), company) as running:
        yield running


with_rules = pytest.mark.parametrize
TWO = with_rules("rules", [{"second_approval": {"USD": "250000"}}], indirect=True)
BLOCKED = with_rules("rules", [{"separation_of_duties": "block"}], indirect=True)
LIMITED = with_rules(
    "rules",
    [{"limits": {"USD": "100000"}, "approver": [{"person": LEE.person_id, "limits": {"USD": "none"}}]}],
    indirect=True,
)


def read(received: dict[str, Any]) -> dict[str, Any]:
    return {"revision": 1, "content_hash": Snapshot.of(received).content_hash}


async def accept(browser: AsyncClient, received: dict[str, Any], **members: Any) -> Response:
    """Accept it through the API, in the session of the browser."""
    return await browser.post(f"/api/v1/commitments/{received['id']}/accept", json=read(received) | members)


async def history(browser: AsyncClient, received: dict[str, Any]) -> str:
    lines = await browser.get(f"/api/v1/commitments/{received['id']}/history")
    return " ".join(line["text"] for line in lines.json())


async def is_told_everywhere(desk: DeskUnderTest, who: DirectoryPerson, words: str) -> bool:
    """Whether `who` reads `words` in the list, beside it, on the whole page and in the API, before deciding."""
    async with desk.browser(who) as browser:
        page = await browser.get(READY)
        whole = await browser.get(f"/commitments/{CONCRETE['id']}")
        told = (await browser.get(f"/api/v1/commitments/{CONCRETE['id']}")).json()["submissions"][0]["findings"]
    row, pane = page.text.split('id="row-8841"')[1].split("</tr>")[0], page.text.split('id="pane"')[1]
    in_api = any(each["text"] == words for each in told)
    return in_api and all(words in text for text in (row, pane, whole.text))


@BLOCKED
async def test_who_sent_it_is_told_and_cannot_accept_it(desk: DeskUnderTest) -> None:
    await desk.receive(by_dana(CONCRETE))
    assert await is_told_everywhere(desk, DANA, SENT_BY_DANA)
    assert not await is_told_everywhere(desk, LEE, SENT_BY_DANA)
    async with desk.browser(DANA) as browser:
        forced = await accept(browser, CONCRETE)
        marked = await mark(browser, f"accept:1:{read(CONCRETE)['content_hash']}:8841")
        posted = await browser.post("/commitments/8841/accept", data=read(CONCRETE))
    assert (forced.status_code, forced.json()["detail"]) == (409, SENT_BY_DANA)
    assert forced.json()["findings"][0]["rule"] == "separation of duties"
    assert [(page.status_code, SENT_BY_DANA in text_of(page)) for page in (marked, posted)] == [(409, True)] * 2
    assert not await desk.published("decision.accepted")

    async with desk.browser(LEE) as browser:
        assert (await accept(browser, CONCRETE)).json()["status"] == "exporting"


async def test_a_warning_that_was_accepted_is_in_the_history(desk: DeskUnderTest) -> None:
    await desk.receive(by_dana(CONCRETE))
    assert await is_told_everywhere(desk, DANA, "You sent SC-014 yourself. If you accept it, its history says so.")
    async with desk.browser(DANA) as browser:
        await mark(browser, f"accept:1:{read(CONCRETE)['content_hash']}:8841")
        assert "Warning You sent SC-014 yourself." in text_of(await browser.get("/review"))
        assert (await accept(browser, CONCRETE)).status_code == 200
        assert "Dana Ruiz accepted revision 1, which they sent themselves." in await history(browser, CONCRETE)


@LIMITED
async def test_an_amount_above_the_limit_is_told_and_cannot_be_accepted(desk: DeskUnderTest) -> None:
    await desk.receive(sent(CONCRETE))
    assert await is_told_everywhere(desk, DANA, ABOVE_LIMIT)
    async with desk.browser(DANA) as browser:
        forced = await accept(browser, CONCRETE)
        assert "Blocked" in text_of(await browser.get(f"{READY}&blocked=yes"))
    assert (forced.status_code, forced.json()["detail"]) == (409, ABOVE_LIMIT)
    async with desk.browser(LEE) as browser:
        assert (await accept(browser, CONCRETE)).json()["status"] == "exporting"


@LIMITED
async def test_a_limit_does_not_keep_anybody_from_rejecting(desk: DeskUnderTest) -> None:
    await desk.receive(sent(CONCRETE))
    async with desk.browser(DANA) as browser:
        rejected = await browser.post("/api/v1/commitments/8841/reject", json=read(CONCRETE) | {"reason": "Too much."})
    assert rejected.json()["status"] == "rejected"


@TWO
async def test_two_approvers_accept_the_same_content_before_it_is_exported(desk: DeskUnderTest) -> None:
    await desk.receive(sent(CONCRETE))
    assert await is_told_everywhere(
        desk, DANA, "SC-014 is above USD 250,000.00: a second approver has to accept it after you."
    )
    async with desk.browser(DANA) as browser:
        shown = await follow(browser, await choose(browser, f"accept:1:{read(CONCRETE)['content_hash']}:8841"))
        assert "Approved. A second approver has to accept SC-014 before it is exported." in text_of(shown)
        repeated = await accept(browser, CONCRETE)
    assert (repeated.json()["status"], repeated.json()["first_approval"]["by"]["name"]) == ("ready", "Dana Ruiz")
    assert await is_told_everywhere(desk, DANA, "You approved SC-014. A second approver has to accept it.")
    assert await is_told_everywhere(desk, LEE, "Dana Ruiz approved this; a second approver has to accept it.")
    assert len(await desk.published("decision.first_approved")) == 1
    assert not await desk.published("decision.accepted")

    async with desk.browser(LEE) as browser:
        accepted = await accept(browser, CONCRETE)
        words = await history(browser, CONCRETE)
    assert (accepted.json()["status"], accepted.json()["first_approval"]) == ("exporting", None)
    assert "Lee Park accepted revision 1 as the second approver, after Dana Ruiz." in words
    assert "Dana Ruiz approved revision 1; a second approver has to accept it." in words
    [order] = await desk.published("decision.accepted")
    assert orjson.loads(order)["data"]["first_approved_by"]["id"] == DANA.person_id


@TWO
async def test_a_newer_revision_makes_an_approval_void(desk: DeskUnderTest) -> None:
    await desk.receive(sent(CONCRETE))
    async with desk.browser(DANA) as browser:
        await accept(browser, CONCRETE)
        await desk.receive(resent(CONCRETE | {"title": "Concrete works, phase 1"}))
        stale = await accept(browser, CONCRETE)
        current = (await browser.get("/api/v1/commitments/8841")).json()
    assert (stale.status_code, current["status"], current["first_approval"]) == (409, "ready", None)


@TWO
async def test_of_two_approvers_at_the_same_instant_one_is_the_second(desk: DeskUnderTest) -> None:
    await desk.receive(*(sent(content(f"c-{n}", f"SC-{n}")) for n in range(10)))
    async with desk.browser(DANA) as dana, desk.browser(LEE) as lee:
        answers = [accept(who, content(f"c-{n}", f"SC-{n}")) for n in range(10) for who in (dana, lee)]
        given = await asyncio.gather(*answers)
    assert {each.status_code for each in given} == {200}
    assert len(await desk.published("decision.first_approved")) == 10
    orders = [orjson.loads(order)["data"] for order in await desk.published("decision.accepted")]
    assert len(orders) == 10
    assert all(each["decided_by"]["id"] != each["first_approved_by"]["id"] for each in orders)


@TWO
async def test_an_approval_comes_back_from_its_topic_after_a_restore(desk: DeskUnderTest) -> None:
    await desk.receive(sent(CONCRETE))
    async with desk.browser(DANA) as browser:
        await accept(browser, CONCRETE)
        before = (await browser.get("/api/v1/commitments/8841")).json()["first_approval"]
    [kept] = await desk.published("decision.first_approved")
    await desk.consumer.clear()
    await desk.receive_company()
    await desk.consumer.process(decode("decision.first_approved", b"8841", kept.encode(), [], utc_now()))
    await desk.receive(sent(CONCRETE))
    async with desk.browser(LEE) as browser:
        after = (await browser.get("/api/v1/commitments/8841")).json()["first_approval"]
        accepted = await accept(browser, CONCRETE)
    assert before == after
    assert accepted.json()["status"] == "exporting"


@pytest.mark.parametrize(
    "rules", [{"second_approval": {"USD": "250000"}, "limits": {"USD": "500000", "EUR": "none"}}], indirect=True
)
async def test_everybody_reads_by_which_rules_they_accept(desk: DeskUnderTest) -> None:
    async with desk.browser(DANA) as browser:
        page = text_of(await browser.get("/access"))
        told = (await browser.get("/api/v1/me")).json()["accepting"]
    for sentence in (
        "You may accept up to USD 500,000.00, any amount in EUR and nothing in other currencies.",
        "A second approver has to accept as well what is above USD 250,000.00 or in another currency than USD.",
        "You are warned before you accept what you sent or created.",
    ):
        assert sentence in page
        assert sentence in told["words"]
    assert told["limits"] == {"EUR": None, "USD": "500000"}
    assert told["second_approval_above"] == {"USD": "250000"}


@TWO
async def test_the_review_says_what_is_only_approved_and_what_is_exported(desk: DeskUnderTest) -> None:
    small = content("s", "SC-2", total="1250.00", lines=[line(1, "03-100", "Formwork", "1250.00")])
    wrong = content("w", "SC-3", total="990.00", lines=[line(1, "03-100", "Formwork", "990.00")])
    await desk.receive(sent(CONCRETE), sent(small), sent(wrong))
    async with desk.browser(DANA) as browser:
        await mark(browser, f"accept:1:{read(CONCRETE)['content_hash']}:8841")
        alone = await browser.get("/review")
        await mark(browser, f"accept:1:{read(small)['content_hash']}:s")
        await mark(browser, f"reject:1:{read(wrong)['content_hash']}:w", reason="Wrong vendor.")
        review = await browser.get("/review")
        done = text_of(await follow(browser, await confirm(browser, review)))
    assert ">Approve 1 commitment as the first approver</button>" in alone.text
    assert "To export:" not in alone.text
    assert ">Export 1, approve 1 as the first approver, reject 1</button>" in review.text
    assert "To export: USD 1,250.00" in text_of(review)
    assert "Approved. A second approver has to accept SC-014 before it is exported." in done
    assert len(await desk.published("decision.accepted")) == 1
