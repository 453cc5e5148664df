"""What the desk accepts can be undone for some seconds; then it is decided, once, as its person's decision."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import cast

import pytest
from httpx2 import AsyncClient, Response

from schemas.events import DecisionAccepted
from services.approval.decisions import Decisions
from services.approval.holding import HeldAnswers
from services.approval.storage import desk_tables, tables
from services.pipeline.clock import utc_now
from tests.integration.approval.answering import READY, choose, mark, send
from tests.integration.approval.company import DANA, LEE, PAT, content, resent, retrieved, sent
from tests.integration.approval.desk import DeskUnderTest, running_desk, settings
from tests.integration.approval.page_reader import choice, follow, hidden_fields, text_of

SC = content("8841", "SC-001")
ACCEPTED = "Accepted. SC-001 is being exported to QuickBooks; this usually takes a few minutes."
HASH = sent(SC).commitment.content_hash
ANSWER = {"revision": 1, "content_hash": HASH}


@pytest.fixture
async def held(database_url: str) -> AsyncIterator[DeskUnderTest]:
    """A desk on which ten seconds can be undone, with one commitment that waits."""
    async with running_desk(settings(database_url, undo_seconds=10)) as desk:
        await desk.receive(sent(SC))
        yield desk


def loop(desk: DeskUnderTest, later_seconds: int = 11) -> HeldAnswers:
    """The loop of a service, so many seconds later."""
    return HeldAnswers(
        Decisions(desk.database, desk.consumer.outbox, desk.require_caught_up),
        desk.database,
        desk.consumer.outbox,
        desk.require_caught_up,
        10,
        clock=lambda: utc_now() + timedelta(seconds=later_seconds),
    )


async def accept(browser: AsyncClient) -> Response:
    page = await browser.get(READY)
    return await follow(browser, await choose(browser, choice(page, "accept", "8841")))


async def undo(browser: AsyncClient, page: Response) -> Response:
    return await follow(browser, await browser.post("/undo", data=hidden_fields(page, "/undo") | {"undo": "8841"}))


async def decisions(desk: DeskUnderTest) -> list[DecisionAccepted]:
    return [cast("DecisionAccepted", each.data) for each in await desk.consumer.published("decision.accepted")]


async def test_it_says_accepted_and_offers_undo_and_is_decided_when_the_time_is_over(held: DeskUnderTest) -> None:
    async with held.browser(DANA) as browser:
        page = await accept(browser)
    assert f"{ACCEPTED} Open SC-001" in text_of(page)
    assert "Undo SC-001, 10 s left" in text_of(page)
    assert "Nothing is marked" in text_of(page)

    assert await loop(held, later_seconds=8).carry_out_due() == 0
    assert await decisions(held) == []
    assert await loop(held).carry_out_due() == 1
    (decided,) = await decisions(held)
    assert (decided.decided_by, decided.content_hash, decided.round) == (DANA.as_person, HASH, 1)
    assert await held.consumer.rows(desk_tables.MARK) == []
    assert [row["position"] for row in await held.consumer.rows(tables.HISTORY) if row["position"]] == [1]
    assert await loop(held).carry_out_due() == 0


async def test_undo_takes_it_back_and_keeps_the_mark(held: DeskUnderTest) -> None:
    async with held.browser(DANA) as browser:
        page = await undo(browser, await accept(browser))
        assert await loop(held).carry_out_due() == 0
        again = await follow(browser, await send(browser))

    assert "Undone. SC-001 waits as before, and stays marked as accepted; nothing was exported." in text_of(page)
    assert "1 accepted" in text_of(page)
    assert "Undo SC-001" not in text_of(page)
    assert await decisions(held) == []
    assert ACCEPTED in text_of(again)


async def test_undo_comes_too_late_once_it_is_decided(held: DeskUnderTest) -> None:
    async with held.browser(DANA) as browser:
        page = await accept(browser)
        await loop(held).carry_out_due()
        late = await undo(browser, page)

    assert "Too late: SC-001 is being exported already." in text_of(late)
    assert len(await decisions(held)) == 1


async def test_several_processes_decide_it_once(held: DeskUnderTest) -> None:
    async with held.browser(DANA) as browser:
        await accept(browser)
    decided = await asyncio.gather(*(loop(held).carry_out_due() for _ in range(4)))

    assert sum(decided) == 1
    assert len(await decisions(held)) == 1


async def test_undo_and_the_end_of_the_time_at_once_leave_one_of_them(held: DeskUnderTest) -> None:
    async with held.browser(DANA) as browser:
        for _ in range(5):
            page = await accept(browser)
            undone, decided = await asyncio.gather(undo(browser, page), loop(held).carry_out_due())
            assert ("Undone." in text_of(undone)) is (decided == 0)
            if decided:
                break
    assert len(await decisions(held)) == decided


async def test_others_see_who_accepted_it_and_cannot_answer_meanwhile(held: DeskUnderTest) -> None:
    async with held.browser(LEE) as other:
        read = await other.get(READY)
        async with held.browser(DANA) as browser:
            await accept(browser)
        shown = await other.get(READY)
        marked = await mark(other, choice(read, "accept", "8841"))
        answers = [
            await other.post("/api/v1/commitments/8841/accept", json=ANSWER),
            await other.post("/api/v1/commitments/8841/reject", json=ANSWER | {"reason": "No."}),
        ]

    assert "accepted by Dana Ruiz" in text_of(shown)
    assert "Dana Ruiz accepted SC-001, and can undo that for a few seconds." in text_of(shown)
    assert 'value="accept:' not in shown.text
    assert marked.status_code == 409
    assert "Dana Ruiz accepted SC-001 at " in text_of(marked)
    assert "Your answer was not recorded." in text_of(marked)
    assert {answer.status_code for answer in answers} == {409}
    assert all("Dana Ruiz accepted SC-001 at " in answer.json()["detail"] for answer in answers)


async def test_the_story_says_until_when_it_can_be_undone(held: DeskUnderTest) -> None:
    async with held.browser(DANA) as browser:
        await accept(browser)
        story = (await browser.get("/api/v1/commitments/8841/story")).json()
        assert await loop(held).carry_out_due() == 1
        later = (await browser.get("/api/v1/commitments/8841/story")).json()
    [held_answer] = story["upcoming"]
    assert held_answer["text"] == "Dana Ruiz has accepted revision 1, and can undo that until then."
    assert story["as_of"] < held_answer["at"]
    assert (story["who"], story["step"].partition(":")[0]) == ("Countersign", "Nothing to do")
    assert later["upcoming"] == []


async def test_a_retrieve_meanwhile_wins_and_the_person_is_told(held: DeskUnderTest) -> None:
    async with held.browser(DANA) as browser:
        await accept(browser)
        await held.receive(retrieved(SC))
        assert await loop(held).carry_out_due() == 0
        page = await browser.get(READY)
        review = await browser.get("/review?list=")

    assert "Sam Lee retrieved SC-001" in text_of(page)
    assert "You had accepted revision 1; it is still marked." in text_of(page)
    assert 'href="/commitments/8841"' in page.text
    assert "SC-001 is left out." in text_of(review)
    assert await decisions(held) == []


async def test_a_new_revision_meanwhile_wins_and_the_person_is_told(held: DeskUnderTest) -> None:
    async with held.browser(DANA) as browser:
        await accept(browser)
        await held.receive(retrieved(SC), resent(content("8841", "SC-001", title="Concrete works, phase 1")))
        assert await loop(held).carry_out_due() == 0
        page = await browser.get(READY)

    assert "SC-001 is now revision 2; you read revision 1. Nothing was exported." in text_of(page)
    assert "1 changed or answered since you marked it" in text_of(page)
    assert await decisions(held) == []


async def test_a_right_that_is_taken_away_meanwhile_counts(held: DeskUnderTest) -> None:
    async with held.browser(DANA) as browser:
        await accept(browser)
    await held.receive(DANA.model_copy(update={"version": 2, "can_push_to_accounting": False}))

    assert await loop(held).carry_out_due() == 0
    assert await decisions(held) == []
    (kept,) = await held.consumer.rows(desk_tables.MARK)
    assert (kept["due_at"], kept["problem"]) == (None, "You may not accept any more, so nothing was exported.")


async def test_nothing_is_decided_before_a_restored_database_has_caught_up(held: DeskUnderTest) -> None:
    async with held.browser(DANA) as browser:
        await accept(browser)
    held.is_caught_up = False
    assert await loop(held).carry_out_due() == 0
    held.is_caught_up = True
    assert await loop(held).carry_out_due() == 1


async def test_the_page_of_a_commitment_holds_too_and_the_api_and_rejections_do_not(held: DeskUnderTest) -> None:
    second, third = content("8842", "SC-002"), content("8843", "SC-003")
    await held.receive(sent(second), sent(third))
    async with held.browser(DANA) as browser:
        await browser.post("/commitments/8841/accept", data={"revision": "1", "content_hash": HASH})
        answer = ANSWER | {"content_hash": sent(second).commitment.content_hash}
        await browser.post("/api/v1/commitments/8842/accept", json=answer)
        page = await browser.get(f"{READY}&item=8843")
        await choose(browser, choice(page, "reject", "8843"), reason="Closed cost code.")

    assert [each.commitment_id for each in await decisions(held)] == ["8842"]
    assert len(await held.published("decision.rejected")) == 1
    assert [row["commitment_id"] for row in await held.consumer.rows(desk_tables.MARK)] == ["8841"]


async def test_clearing_or_marking_anew_does_not_take_back_what_is_sent(held: DeskUnderTest) -> None:
    async with held.browser(DANA) as browser:
        page = await browser.get(READY)
        await accept(browser)
        await browser.post("/marks", data={"clear": "8841"})
        await mark(browser, choice(page, "accept", "8841"))
    async with held.browser(PAT) as browser:
        forbidden = await browser.post("/undo", data={"undo_all": "yes"})

    assert forbidden.status_code == 403
    assert await loop(held).carry_out_due() == 1
