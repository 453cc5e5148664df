"""The line before an ERP that asks for work: the place of a commitment, how the client is doing, and who is told."""

import re
from typing import Any

import pytest

from schemas.events import ErpConnection, EventData
from schemas.fields import FailureClass
from services.approval.rules.erp import target_erp
from services.approval.storage import directory, line, queries
from tests.integration.approval import company
from tests.integration.approval.company import COMPANY, DANA, OTHER_COMPANY, accepted, content, failed, sent, succeeded
from tests.integration.approval.desk import DeskUnderTest
from tests.integration.approval.page_reader import text_of
from tests.integration.approval.polled_erp import asked_ago, desktop, minutes_later

FIRST, SECOND, THIRD = (content(f"sc-{n}", f"SC-00{n}") for n in (1, 2, 3))
AWAY = "The Web Connector has stayed away since Nov 16, 2026, 09:02 CST (it should ask every 5 minutes)."
CLOSED = "QuickBooks is closed on the Web Connector's machine."


async def receive_waiting(desk: DeskUnderTest, *contents: dict[str, Any]) -> None:
    """Commitments that were accepted in this order, a minute apart."""
    await desk.receive(*map(sent, contents))
    await desk.receive(*map(accepted, contents), at=minutes_later(30))


async def places(desk: DeskUnderTest, *ids: str, company_id: str = COMPANY) -> list[int | None]:
    async with desk.database.begin() as db:
        erps = await directory.erps_of_company(db, company_id)
        stored = [each for each in [await queries.find(db, company_id, one) for one in ids] if each]
        found = await line.places(db, [(each.facts, each.current, target_erp(each.facts, erps)) for each in stored])
    return [found.get(each) for each in ids]


async def test_the_place_follows_from_the_order_of_acceptance(desk: DeskUnderTest) -> None:
    await desk.receive(desktop())
    await receive_waiting(desk, SECOND, THIRD, FIRST)
    assert await places(desk, "sc-1", "sc-2", "sc-3") == [3, 1, 2]
    assert await places(desk, "sc-1") == [3]


async def test_who_is_done_leaves_the_line_and_who_is_accepted_again_stands_behind(desk: DeskUnderTest) -> None:
    await desk.receive(desktop())
    await receive_waiting(desk, FIRST, SECOND, THIRD)
    wrong = failed(FIRST, FailureClass.FIX_SETUP, "No access.")
    await desk.receive(wrong, succeeded(SECOND), at=minutes_later(40))
    assert await places(desk, "sc-1", "sc-2", "sc-3") == [None, None, 1]

    await desk.receive(accepted(FIRST, export_round=2), at=minutes_later(50))
    assert await places(desk, "sc-1", "sc-3") == [2, 1]


async def test_accepted_at_the_same_time_they_have_the_same_place(desk: DeskUnderTest) -> None:
    await desk.receive(desktop(), sent(FIRST), sent(SECOND), sent(THIRD))
    for each in (FIRST, SECOND):
        await desk.receive(accepted(each), at=minutes_later(30))
    await desk.receive(accepted(THIRD), at=minutes_later(31))
    assert await places(desk, "sc-1", "sc-2", "sc-3") == [1, 1, 3]


async def test_what_waits_for_another_erp_does_not_count(desk: DeskUnderTest) -> None:
    euros = content("sc-9", "SC-009", currency="EUR")
    await desk.receive(desktop(name="europe", version=1, currencies=("EUR",)), desktop(priority=1))
    await receive_waiting(desk, euros, FIRST)
    assert await places(desk, "sc-9", "sc-1") == [1, 1]


async def test_what_waits_for_an_erp_that_can_be_called_has_no_place(desk: DeskUnderTest) -> None:
    await receive_waiting(desk, FIRST)
    assert await places(desk, "sc-1") == [None]


async def test_other_companies_of_the_same_erp_stand_in_the_same_line(desk: DeskUnderTest) -> None:
    await desk.receive(desktop(companies=(COMPANY, OTHER_COMPANY)))
    await receive_waiting(desk, FIRST)
    theirs = content("theirs", "X-1")
    events = [each.model_copy(update={"company_id": OTHER_COMPANY}) for each in (sent(theirs), accepted(theirs))]
    await desk.receive(*events, at=minutes_later(10))
    assert await places(desk, "sc-1") == [2]
    assert await places(desk, "theirs", company_id=OTHER_COMPANY) == [1]


async def test_what_waits_under_a_former_name_stands_in_the_line_too(desk: DeskUnderTest) -> None:
    await desk.receive(desktop(), sent(FIRST), accepted(FIRST), succeeded(FIRST))
    await desk.receive(company.resent(FIRST), accepted(FIRST, revision=2), at=minutes_later(20))
    await desk.receive(desktop(3, companies=()), desktop(4, name="books", formerly=(company.ERP,)))
    await receive_waiting(desk, SECOND)
    assert await places(desk, "sc-1", "sc-2") == [1, 2]


async def view(desk: DeskUnderTest, *connections: EventData, name: str = "exporting") -> str:
    await desk.receive(*connections)
    async with desk.browser(DANA) as browser:
        return text_of(await browser.get(f"/commitments?view={name}"))


async def detail(desk: DeskUnderTest, commitment_id: str) -> str:
    async with desk.browser(DANA) as browser:
        return text_of(await browser.get(f"/commitments/{commitment_id}"))


async def test_the_list_and_the_page_say_the_place_and_when_the_client_last_asked(desk: DeskUnderTest) -> None:
    await receive_waiting(desk, FIRST, SECOND)
    words = r"2nd in line. The Web Connector last asked 11 minutes ago \(\w{3} \d+, \d{4}, \d\d:\d\d C[SD]T\); it asks "
    listed = await view(desk, desktop(poller=asked_ago(11)))

    assert re.search(words + "every 5 minutes.", listed)
    assert re.search(words + "every 5 minutes.", await detail(desk, "sc-2"))
    assert "1st in line." in listed
    assert "Queued or sent." not in listed


async def test_of_a_client_that_never_asked_the_page_says_how_to_set_it_up(desk: DeskUnderTest) -> None:
    await receive_waiting(desk, FIRST)
    words = "1st in line. The Web Connector has not asked yet. Set it up: on the machine with QuickBooks, add the file"
    assert words in await view(desk, desktop(poller=desktop().poller.model_copy(update={"last_asked": None})))
    assert words in await detail(desk, "sc-1")


@pytest.mark.parametrize("name", ["exporting", "failed"])
async def test_above_the_lists_stands_that_the_client_stays_away(desk: DeskUnderTest, name: str) -> None:
    away = desktop(poller=desktop().poller.model_copy(update={"is_away": True}), queue_length=3)
    page = await view(desk, away, name=name)
    assert f"QuickBooks: {AWAY} See that the Windows machine is on and the Web Connector runs." in page
    assert "3 commitments wait and will go when it is back." in page


async def test_above_the_lists_stands_what_its_trouble_is(desk: DeskUnderTest) -> None:
    page = await view(desk, desktop(poller=asked_ago(1, trouble=CLOSED), queue_length=1))
    assert f"QuickBooks: {CLOSED} The Web Connector last asked 1 minute ago" in page
    assert "1 commitment waits and will go when it is back." in page


@pytest.mark.parametrize("connection", [desktop(), company.QUICKBOOKS], ids=["well", "can be called"])
async def test_above_the_lists_stands_nothing_while_all_is_well(desk: DeskUnderTest, connection: ErpConnection) -> None:
    assert "Web Connector" not in await view(desk, connection)


async def test_the_page_of_another_status_says_nothing_of_the_line(desk: DeskUnderTest) -> None:
    await desk.receive(desktop(), sent(FIRST))
    assert "in line" not in await detail(desk, "sc-1")


async def test_the_api_tells_the_place_and_the_client(desk: DeskUnderTest) -> None:
    await desk.receive(desktop(poller=asked_ago(11, trouble=CLOSED)))
    await receive_waiting(desk, FIRST, SECOND)
    await desk.receive(sent(THIRD))
    async with desk.browser(DANA) as browser:
        page = (await browser.get("/api/v1/commitments?view=all")).json()["items"]
        one = (await browser.get("/api/v1/commitments/sc-2")).json()

    waiting = {each["id"]: each["waiting"] for each in page}
    assert waiting["sc-3"] is None
    assert [waiting["sc-1"]["place"], waiting["sc-2"]["place"]] == [1, 2]
    told = {"connection": company.ERP, "erp": "QuickBooks", "every_seconds": 300, "is_away": False, "trouble": CLOSED}
    assert told.items() <= one["waiting"].items()
    assert one["waiting"]["message"].startswith(f"2nd in line. {CLOSED} The Web Connector last asked 11 minutes ago")
