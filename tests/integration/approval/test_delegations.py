"""Delegations on the desk and through the API: given, used, ended early, and of no use without the right."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from httpx2 import AsyncClient

from services.approval.rules.approval_rules import ApprovalRules
from services.approval.rules.delegations import MAX_DELEGATIONS, day_of
from services.approval.storage import delegations
from services.pipeline.clock import utc_now
from tests.integration.approval.company import COMPANY, DANA, KIM, LEE, content, sent
from tests.integration.approval.desk import DeskUnderTest, running_desk, settings
from tests.integration.approval.page_reader import follow, text_of
from tests.integration.approval.test_controls import accept, history

CONCRETE = content("8841", "SC-014")
RULES = {"id": COMPANY, "limits": {"USD": "100000"}, "approver": [{"person": LEE.person_id, "limits": {"USD": "none"}}]}
API = "/api/v1/delegations"


@pytest.fixture
async def desk(database_url: str) -> AsyncIterator[DeskUnderTest]:
    async with running_desk(settings(database_url), ApprovalRules.model_validate({"company": [RULES]})) as running:
        yield running


def days(first: int = 0, last: int = 3) -> dict[str, str]:
    """Days where Lee is, counted from today."""
    today = day_of(LEE, utc_now())
    return {
        "first_day": (today + timedelta(days=first)).isoformat(),
        "last_day": (today + timedelta(days=last)).isoformat(),
    }


async def given(browser: AsyncClient) -> list[dict[str, Any]]:
    return list((await browser.get(API)).json())


async def test_an_approver_hands_over_their_limit_on_the_page_and_it_is_used(desk: DeskUnderTest) -> None:
    await desk.receive(sent(CONCRETE))
    async with desk.browser(LEE) as browser:
        page = await browser.get("/delegations")
        assert "Your limit: USD without limit." in text_of(page)
        assert KIM.person_id not in page.text
        added = await browser.post("/delegations", data={"to": DANA.person_id} | days())
        assert "Given by you" in text_of(await follow(browser, added))
    async with desk.browser(DANA) as browser:
        assert "Your limit: USD 100,000.00. Given to you" in text_of(await browser.get("/delegations"))
        [got] = await given(browser)
        assert (got["owner"]["name"], got["to"]["name"], got["is_in_force"]) == ("Lee Park", "Dana Ruiz", True)
        assert (await accept(browser, CONCRETE)).json()["status"] == "exporting"
        assert "Dana Ruiz accepted revision 1, for Lee Park until " in await history(browser, CONCRETE)
    [order] = await desk.published("decision.accepted")
    assert '"limit_of":{"owner":{"id":"person-6"' in order


@pytest.mark.parametrize(("first", "last"), [(1, 3)])
async def test_it_is_of_no_use_before_its_first_day_or_once_it_was_ended(
    desk: DeskUnderTest, first: int, last: int
) -> None:
    await desk.receive(sent(CONCRETE))
    async with desk.browser(LEE) as lee, desk.browser(DANA) as dana:
        later = await lee.post(API, json={"to": DANA.person_id} | days(first, last))
        now = await lee.post(API, json={"to": DANA.person_id} | days())
        assert (later.status_code, now.status_code) == (201, 201)
        assert (await dana.delete(f"{API}/{now.json()['id']}")).status_code == 404
        page = await lee.post(f"/delegations/{now.json()['id']}/end")
        assert "Not begun" in text_of(await follow(lee, page))
        assert (await lee.delete(f"{API}/{now.json()['id']}")).status_code == 404
        refused = await accept(dana, CONCRETE)
        assert "Your limit is USD 100,000.00; Lee Park may accept it." in refused.json()["detail"]
        assert (await lee.delete(f"{API}/{later.json()['id']}")).status_code == 204
        assert await given(lee) == []


async def test_the_limit_of_who_is_no_approver_any_more_is_of_no_use(desk: DeskUnderTest) -> None:
    await desk.receive(sent(CONCRETE))
    async with desk.browser(LEE) as browser:
        await browser.post(API, json={"to": DANA.person_id} | days())
    await desk.receive(LEE.model_copy(update={"can_push_to_accounting": False, "version": 2}))
    async with desk.browser(DANA) as browser:
        assert (await accept(browser, CONCRETE)).status_code == 409
        assert [each["is_in_force"] for each in await given(browser)] == [False]


async def test_what_is_wrong_is_said_beside_the_field_and_by_the_api(desk: DeskUnderTest) -> None:
    async with desk.browser(LEE) as browser:
        empty = await browser.post("/delegations", data={})
        wrong = await browser.post("/delegations", data={"to": KIM.person_id} | days(3, 0))
        told = await browser.post(API, json={"to": LEE.person_id} | days())
    assert (empty.status_code, wrong.status_code, told.status_code) == (422, 422, 422)
    assert "Choose who gets your limit Enter the first day, such as 2026-12-04" in text_of(empty)
    assert "Choose an accounting approver of your company The last day must not be before" in text_of(wrong)
    assert told.json()["errors"] == [{"member": "to", "message": "Choose somebody else than yourself"}]


async def test_a_person_has_at_most_twenty(desk: DeskUnderTest) -> None:
    async with desk.browser(LEE) as browser:
        for _ in range(MAX_DELEGATIONS):
            assert (await browser.post(API, json={"to": DANA.person_id} | days())).status_code == 201
        refused = await browser.post(API, json={"to": DANA.person_id} | days())
        assert "Delegate your limit" not in text_of(await browser.get("/delegations"))
    assert refused.json()["detail"].startswith("You have 20 delegations that are not over. End one of them first")


async def test_those_that_have_been_over_for_long_are_deleted(desk: DeskUnderTest) -> None:
    async with desk.browser(LEE) as browser:
        await browser.post(API, json={"to": DANA.person_id} | days())
        for later in (timedelta(days=2), timedelta(days=5)):
            async with desk.database.begin() as db:
                await delegations.sweep(db, "", utc_now() + later)
            assert len(await given(browser)) == (later < timedelta(days=4))
