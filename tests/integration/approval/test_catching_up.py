"""Until approval has read back what was decided before a restore, nobody can decide; everybody can read."""

from typing import Any

import pytest

from services.approval.storage import tables
from tests.integration.approval.answering import choose
from tests.integration.approval.company import DANA, content, sent
from tests.integration.approval.desk import DeskUnderTest
from tests.integration.approval.page_reader import choice, text_of

SC = content("8841", "SC-001")
ANSWERS: dict[str, dict[str, Any]] = {
    "accept": {"revision": "1", "content_hash": sent(SC).commitment.content_hash},
    "reject": {"revision": "1", "content_hash": sent(SC).commitment.content_hash, "reason": "The total is wrong."},
    "retry": {"revision": "1", "round": "1"},
    "settle": {"revision": "1", "round": "1", "found": "no", "confirmed": "yes", "evidence": "I looked."},
}


@pytest.fixture
async def behind(desk: DeskUnderTest) -> DeskUnderTest:
    """A desk with a commitment that waits, which has just been restored."""
    await desk.receive(sent(SC))
    desk.is_caught_up = False
    return desk


@pytest.mark.parametrize("verb", ANSWERS)
async def test_the_desk_refuses_an_answer_and_keeps_what_was_typed(behind: DeskUnderTest, verb: str) -> None:
    async with behind.browser(DANA) as browser:
        page = await browser.post(f"/commitments/8841/{verb}", data=ANSWERS[verb])

    assert page.status_code == 503
    assert "Countersign is catching up after a restart; try again in a moment." in text_of(page)
    assert ANSWERS[verb].get("reason", "") in page.text
    await assert_nothing_is_decided(behind)


async def test_what_is_marked_in_the_list_cannot_be_sent_and_stays_marked(behind: DeskUnderTest) -> None:
    async with behind.browser(DANA) as browser:
        page = await choose(browser, choice(await browser.get("/commitments?view=ready"), "accept", "8841"))
        assert page.status_code == 503
        assert "1 accepted" in text_of(await browser.get("/commitments?view=ready"))
    await assert_nothing_is_decided(behind)


@pytest.mark.parametrize("verb", ["accept", "retry"])
async def test_the_api_refuses_an_answer_and_says_when_to_try_again(behind: DeskUnderTest, verb: str) -> None:
    wanted = {name: int(value) if value.isdigit() else value for name, value in ANSWERS[verb].items()}
    async with behind.browser(DANA) as browser:
        refused = await browser.post(f"/api/v1/commitments/8841/{verb}", json=wanted)

    assert refused.status_code == 503
    assert refused.headers["retry-after"] == "2"
    assert refused.headers["content-type"] == "application/problem+json"
    assert "catching up after a restart" in refused.json()["detail"]
    await assert_nothing_is_decided(behind)


async def test_pages_can_be_read_meanwhile_and_answers_count_afterwards(behind: DeskUnderTest) -> None:
    async with behind.browser(DANA) as browser:
        assert (await browser.get("/commitments/8841")).status_code == 200
        behind.is_caught_up = True
        await browser.post("/commitments/8841/accept", data=ANSWERS["accept"])

    assert len(await behind.published("decision.accepted")) == 1


async def assert_nothing_is_decided(desk: DeskUnderTest) -> None:
    assert [row["status"] for row in await desk.consumer.rows(tables.COMMITMENT)] == ["ready"]
    assert await desk.published("decision.accepted") == await desk.published("decision.rejected") == []
