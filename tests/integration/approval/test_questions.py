"""An approver asks the sender without rejecting; the sender answers by a link, or by the note of the next revision."""

import html
import re
from typing import Any, cast

import pytest
from httpx2 import AsyncClient, Response

from schemas.events import CommitmentStatus, DirectoryPerson, QuestionAnswered, QuestionAsked
from schemas.fields import ToolLevel
from tests.integration.approval.company import DANA, EVE, KIM, LEE, PAT, SAM, content, resent, retrieved, sent
from tests.integration.approval.desk import DeskUnderTest
from tests.integration.approval.page_reader import choice, follow, text_of

SC = content("8841", "SC-001")
BETTER = content("8841", "SC-001", title="Concrete works, phase 1")
HASH = sent(SC).commitment.content_hash
QUESTION = "Does line 2 include the slabs of levels 8 to 12?"
ASK = {"revision": 1, "content_hash": HASH, "question": QUESTION}


async def ask(browser: AsyncClient, **fields: Any) -> Response:
    """Press the button beside the commitment."""
    page = await browser.get("/commitments?view=ready")
    return await browser.post("/questions", data={"ask": choice(page, "reject", "8841"), "question": QUESTION} | fields)


async def ask_by_api(desk: DeskUnderTest, who: DirectoryPerson = DANA, **members: Any) -> Response:
    async with desk.browser(who) as browser:
        return await browser.post("/api/v1/commitments/8841/ask", json=ASK | members)


async def asked(desk: DeskUnderTest) -> list[QuestionAsked]:
    return [cast("QuestionAsked", each.data) for each in await desk.consumer.published("question.asked")]


async def answers(desk: DeskUnderTest) -> list[QuestionAnswered]:
    return [cast("QuestionAnswered", each.data) for each in await desk.consumer.published("question.answered")]


async def link(desk: DeskUnderTest, number: int = 1) -> str:
    """The path of the link in the mail."""
    found = next(each for each in await asked(desk) if each.number == number)
    assert found.answer_url.startswith(f"{desk.settings.public_url}/q/")
    return found.answer_url.removeprefix(desk.settings.public_url)


async def status(desk: DeskUnderTest) -> dict[str, Any]:
    async with desk.browser(KIM) as browser:
        return dict((await browser.get("/api/v1/commitments/8841")).json())


@pytest.fixture
async def waiting(desk: DeskUnderTest) -> DeskUnderTest:
    await desk.receive(sent(SC))
    return desk


async def test_it_stays_ready_and_is_looked_at_first(waiting: DeskUnderTest) -> None:
    async with waiting.browser(DANA) as browser:
        before = text_of(await browser.get("/commitments?view=ready"))
        done = await follow(browser, await ask(browser))
        after = await browser.get("/commitments?view=ready")

    assert "Ready to accept 1" in before
    assert "Asked. Sam Lee gets a mail about SC-001, which still waits." in text_of(done)
    assert "Look first 1" in text_of(after)
    assert re.search(r'<span class="tag">asked</span>', after.text)
    (event,) = await asked(waiting)
    assert (event.question, event.number, event.asked_by, event.summary.sent_by) == (
        QUESTION, 1, DANA.as_person, SAM.as_person
    )  # fmt: skip
    shown = await status(waiting)
    assert (shown["status"], shown["questions"][0]["answer"]) == ("ready", None)
    published = cast("CommitmentStatus", (await waiting.consumer.published("commitment.status"))[-1].data)
    assert published.message == "Dana Ruiz asked Sam Lee about SC-001, which waits for an accounting approver."


async def test_the_sender_answers_by_the_link_without_signing_in(waiting: DeskUnderTest) -> None:
    await ask_by_api(waiting)
    path = await link(waiting)
    async with waiting.browser() as browser:
        opened = await browser.get(path)
        untouched = (await status(waiting))["questions"][0]["answer"]
        answered = await browser.post(path, data={"answer": "Yes, all of them.\r\nSee drawing 4."})
        again = await browser.post(path, data={"answer": "Yes, all of them.\nSee drawing 4."})
        other = await browser.post(path, data={"answer": "No."})
        closed = await browser.get(path)
    async with waiting.browser(LEE) as browser:
        desk_page = await browser.get("/commitments?view=ready")

    assert QUESTION in text_of(opened)
    assert untouched is None
    assert [answered.status_code, again.status_code, other.status_code] == [200, 200, 409]
    assert "No." in text_of(other)
    assert "<textarea" not in closed.text
    assert "Sam Lee answered" in text_of(closed)
    assert "Yes, all of them." in text_of(desk_page)
    assert '<span class="tag">answered</span>' in desk_page.text
    assert len(await waiting.published("question.answered")) == 1
    async with waiting.browser(KIM) as browser:
        history = text_of(await browser.get("/commitments/8841"))
    assert f"Dana Ruiz asked Sam Lee: {QUESTION}" in history
    assert "Sam Lee answered: Yes, all of them." in history


async def test_an_answer_names_who_asked_and_says_what_their_mail_needs(
    waiting: DeskUnderTest,
) -> None:
    await ask_by_api(waiting)
    async with waiting.browser() as browser:
        await browser.post(await link(waiting), data={"answer": "Yes."})

    (told,) = await answers(waiting)
    assert (told.asked_by, told.question, told.answered_by) == (DANA.as_person, QUESTION, SAM.as_person)
    assert told.summary == (await asked(waiting))[0].summary


@pytest.mark.parametrize("change", [{"can_push_to_accounting": False}, {"erp_tool": ToolLevel.NONE}])
async def test_an_approver_who_asked_and_lost_the_right_is_told_nothing(
    waiting: DeskUnderTest, change: dict[str, Any]
) -> None:
    await ask_by_api(waiting)
    await waiting.receive(DANA.model_copy(update={"version": DANA.version + 1, **change}))
    async with waiting.browser() as browser:
        await browser.post(await link(waiting), data={"answer": "Yes."})

    (told,) = await answers(waiting)
    assert (told.asked_by, told.answer) == (None, "Yes.")


async def test_the_note_of_the_next_revision_is_the_answer_too(waiting: DeskUnderTest) -> None:
    await ask_by_api(waiting)
    path = await link(waiting)
    await waiting.receive(retrieved(SC), resent(BETTER, note="All of them: see the new title."))

    async with waiting.browser(DANA) as browser:
        page = await browser.get("/commitments?view=ready")
        late = await browser.post(path, data={"answer": "Yes."})
    assert '<span class="tag">answered</span>' in page.text
    assert "Note from Sam Lee with revision 2 All of them: see the new title." in text_of(page)
    assert late.status_code == 409
    assert "Your answer was not recorded" in text_of(late)


async def test_a_link_ends_with_the_answer_to_the_commitment(waiting: DeskUnderTest) -> None:
    await ask_by_api(waiting)
    path = await link(waiting)
    async with waiting.browser(DANA) as browser:
        await browser.post("/api/v1/commitments/8841/accept", json={"revision": 1, "content_hash": HASH})
        page = await browser.get(path)
        late = await browser.post(path, data={"answer": "Yes."})

    assert "needs no answer any more" in text_of(page)
    assert late.status_code == 409


@pytest.mark.parametrize("token", ["", "x", "WyJjb21wYW55LTIwNCIsIjg4NDEiLDEsMV0.forged"])
async def test_a_link_that_we_did_not_sign_leads_nowhere(waiting: DeskUnderTest, token: str) -> None:
    await ask_by_api(waiting)
    async with waiting.browser() as browser:
        pages = [await browser.get(f"/q/{token}"), await browser.post(f"/q/{token}", data={"answer": "Yes."})]
        borrowed = (await link(waiting)).replace("/q/", "/u/")
        pages.append(await browser.get(borrowed))
    assert {page.status_code for page in pages} == {404}


async def test_what_is_wrong_is_said_beside_the_field_and_nothing_is_lost(waiting: DeskUnderTest) -> None:
    long = "x" * 2_001
    async with waiting.browser(DANA) as browser:
        empty, too_long = await ask(browser, question=" "), await ask(browser, question=long)
        path = "/q/unknown"
    await ask_by_api(waiting)
    path = await link(waiting)
    async with waiting.browser() as browser:
        no_answer = await browser.post(path, data={"answer": ""})

    assert (empty.status_code, "Enter your question to the sender" in text_of(empty)) == (422, True)
    assert "has 2,001 characters; shorten it to 2,000 or fewer" in text_of(too_long)
    assert long in html.unescape(too_long.text)
    assert (no_answer.status_code, "Enter your answer" in text_of(no_answer)) == (422, True)
    assert (await ask_by_api(waiting, question=long)).status_code == 422


async def test_a_question_that_is_sent_twice_is_one_and_there_are_at_most_five(waiting: DeskUnderTest) -> None:
    assert [(await ask_by_api(waiting)).status_code for _ in range(2)] == [200, 200]
    more = [(await ask_by_api(waiting, question=f"Question {number}?")).status_code for number in range(2, 7)]

    assert more == [200, 200, 200, 200, 409]
    assert [each.number for each in await asked(waiting)] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(("who", "code"), [(KIM, 403), (PAT, 403), (EVE, 404)])
async def test_only_approvers_of_the_company_ask(waiting: DeskUnderTest, who: DirectoryPerson, code: int) -> None:
    assert (await ask_by_api(waiting, who)).status_code == code
    assert await asked(waiting) == []


async def test_a_revision_that_does_not_wait_is_not_asked_about(waiting: DeskUnderTest) -> None:
    await waiting.receive(retrieved(SC))
    refused = await ask_by_api(waiting)

    assert refused.status_code == 409
    assert "Sam Lee retrieved SC-001" in refused.json()["detail"]


async def test_a_restored_database_reads_questions_and_answers_back(waiting: DeskUnderTest) -> None:
    await ask_by_api(waiting)
    path = await link(waiting)
    async with waiting.browser() as browser:
        await browser.post(path, data={"answer": "Yes."})
    before = (await status(waiting))["questions"]
    said = [
        each for topic in ("question.answered", "question.asked") for each in await waiting.consumer.published(topic)
    ]

    await waiting.consumer.clear()
    await waiting.receive_company()
    await waiting.consumer.process(*said, *said)
    await waiting.receive(sent(SC))
    assert (await status(waiting))["questions"] == before
