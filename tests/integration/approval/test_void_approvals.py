"""A first approval counts as long as its approver may accept the commitment; whoever sent any revision may not."""

from typing import Any

import pytest
from httpx2 import AsyncClient

from schemas.fields import ToolLevel
from schemas.snapshot import Snapshot
from services.approval.rules.approval_rules import ApprovalRules
from tests.integration.approval.answering import READY
from tests.integration.approval.company import COMPANY, DANA, KIM, LEE, content, line, resent, retrieved, sent
from tests.integration.approval.desk import DeskUnderTest, running_desk, settings
from tests.integration.approval.page_reader import text_of

SC = content("8841", "SC-014")
TWO = {"second_approval": {"USD": "250000"}}
THIRD = KIM.model_copy(update={"version": 2, "erp_tool": ToolLevel.ADMIN, "can_push_to_accounting": True})
UNLIMITED = [{"person": each.person_id, "limits": {"USD": "none"}} for each in (LEE, THIRD)]


def rules(**members: Any) -> ApprovalRules:
    return ApprovalRules.model_validate({"company": [{"id": COMPANY} | members]})


async def accept(browser: AsyncClient, revision: int = 1, received: dict[str, Any] = SC) -> dict[str, Any]:
    read = {"revision": revision, "content_hash": Snapshot.of(received).content_hash}
    answer: dict[str, Any] = (await browser.post("/api/v1/commitments/8841/accept", json=read)).json()
    return answer


async def approved_first_by_dana(database_url: str) -> None:
    """Dana sends it, and approves it first, while the company's rules allow that."""
    async with running_desk(settings(database_url), rules(**TWO)) as desk:
        await desk.receive(THIRD, sent(SC).model_copy(update={"sent_by": DANA.as_person}))
        async with desk.browser(DANA) as browser:
            assert (await accept(browser))["first_approval"]["by"]["name"] == "Dana Ruiz"


@pytest.mark.parametrize(
    "members",
    [
        pytest.param({"separation_of_duties": "block"}, id="what they sent"),
        pytest.param({"limits": {"USD": "1"}, "approver": UNLIMITED}, id="a new limit"),
    ],
)
async def test_a_first_approval_that_the_rules_no_longer_allow_does_not_count(
    database_url: str, members: dict[str, Any]
) -> None:
    await approved_first_by_dana(database_url)
    strict = DeskUnderTest(settings(database_url), rules(**TWO, **members))
    async with strict.browser(LEE) as lee, strict.browser(THIRD) as kim:
        before = (await lee.get("/api/v1/commitments/8841")).json()
        row = text_of(await lee.get(READY))
        first, second = await accept(lee), await accept(kim)
        trail = (await kim.get("/api/v1/commitments/8841/history")).json()
    await strict.database.close()
    assert before["first_approval"] is None
    assert "SC-014 is above USD 250,000.00: a second approver has to accept it after you." in row
    assert (first["status"], first["first_approval"]["by"]["name"]) == ("ready", "Lee Park")
    assert second["status"] == "exporting"
    assert "accepted revision 1 as the second approver, after Lee Park." in " ".join(each["text"] for each in trail)


async def test_a_first_approval_of_somebody_who_may_not_accept_any_more_does_not_count(database_url: str) -> None:
    async with running_desk(settings(database_url), rules(**TWO)) as desk:
        await desk.receive(sent(SC))
        async with desk.browser(DANA) as browser:
            await accept(browser)
        await desk.receive(DANA.model_copy(update={"version": 2, "can_push_to_accounting": False}))
        async with desk.browser(LEE) as browser:
            assert (await accept(browser))["status"] == "ready"


async def test_once_the_rule_is_lifted_nobody_is_told_of_a_second_approver(database_url: str) -> None:
    await approved_first_by_dana(database_url)
    lax = DeskUnderTest(settings(database_url), rules())
    async with lax.browser(LEE) as browser:
        state = (await browser.get("/api/v1/commitments/8841")).json()
        whole = text_of(await browser.get("/commitments/8841"))
        done = await accept(browser)
    await lax.database.close()
    waits = "SC-014 was sent to ERP Integrations and is waiting for an accounting approver."
    assert (state["message"], state["first_approval"], waits in whole) == (waits, None, True)
    assert done["status"] == "exporting"


async def test_who_sent_an_earlier_revision_may_not_accept_what_somebody_else_sent_again(database_url: str) -> None:
    small = content("8841", "SC-014", total="100.00", lines=[line(1, "03-100", "Concrete", "100.00")])
    async with running_desk(settings(database_url), rules(separation_of_duties="block")) as desk:
        await desk.receive(sent(small).model_copy(update={"sent_by": DANA.as_person}))
        await desk.receive(retrieved(small), resent(small))
        async with desk.browser(DANA) as browser:
            page = text_of(await browser.get(READY))
            refused = await accept(browser, 2, small)
        async with desk.browser(LEE) as browser:
            done = await accept(browser, 2, small)
    words = "You sent an earlier revision of SC-014. Another approver has to accept it."
    assert (words in page, refused["detail"], done["status"]) == (True, words, "exporting")
