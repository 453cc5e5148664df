"""The history of a commitment: a page to print, an export that can be checked, and a chain that survives a restore."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import text, update

from schemas.events import MailSettled
from schemas.fields import MailOutcome
from services.approval.storage import tables
from services.approval.storage.retention import sweep_history
from services.audit_check import check
from tests.integration.approval.company import COMPANY, DANA, EVE, KIM, LEE, SAM, content, resent, sent, succeeded
from tests.integration.approval.desk import DeskUnderTest
from tests.integration.approval.page_reader import text_of
from tests.integration.sweeping import sweep_all

SC = content("8841", "SC-001")
BETTER = content("8841", "SC-001", title="Concrete works, phase 1")
HASH, BETTER_HASH = sent(SC).commitment.content_hash, resent(BETTER).commitment.content_hash
REJECT = {"revision": 1, "content_hash": HASH, "reason": "Line 2: cost code 03-300 is closed."}
ACCEPT = {"revision": 2, "content_hash": BETTER_HASH}
DECIDED = ("decision.accepted", "decision.rejected", "decision.resolved", "decision.drift_accepted")


async def decide(desk: DeskUnderTest, verb: str, answer: dict[str, Any], who: Any = DANA) -> None:
    async with desk.browser(who) as browser:
        response = await browser.post(f"/api/v1/commitments/8841/{verb}", json=answer)
    assert response.status_code == 200, response.text


async def play(desk: DeskUnderTest) -> None:
    """Reject revision 1, accept revision 2, and tell that it is in the ERP and who was mailed."""
    await desk.receive(sent(SC))
    await decide(desk, "reject", REJECT)
    await desk.receive(resent(BETTER, note="Moved to 03-310."))
    await decide(desk, "accept", ACCEPT, LEE)
    await desk.receive(succeeded(BETTER, 2), mail())


def mail() -> MailSettled:
    return MailSettled(
        company_id=COMPANY,
        event_id=str(uuid4()),
        kind="rejected",
        recipient=SAM.as_person,
        recipient_id=SAM.person_id,
        commitment_id="8841",
        outcome=MailOutcome.SENT,
        settled_at=datetime.now(UTC),
    )


async def exported(desk: DeskUnderTest) -> Any:
    async with desk.browser(KIM) as browser:
        response = await browser.get("/api/v1/commitments/8841/audit")
    assert response.status_code == 200, response.text
    return response.json()


async def test_the_page_tells_everything_and_prints_without_controls(desk: DeskUnderTest) -> None:
    await play(desk)
    async with desk.browser(KIM) as browser:
        page = await browser.get("/commitments/8841/history")
        link = await browser.get("/commitments/8841")

    shown = text_of(page)
    assert page.status_code == 200
    assert 'href="/commitments/8841/history"' in link.text
    for words in (
        "Dana Ruiz rejected revision 1: Line 2: cost code 03-300 is closed.",
        "Lee Park accepted revision 2.",
        "Sam Lee re-sent it as revision 2. Note: Moved to 03-310.",
        "Mail to Sam Lee about the rejection: sent.",
        "Revision 2 is in the ERP as SC-001.",
        "SC-001 in quickbooks-main (ID erp-8841)",
        "America/Chicago",
        "2 decisions in the chain.",
        HASH,
        BETTER_HASH,
    ):
        assert words in shown
    assert '<table class="cards printed"' in page.text
    assert "<form" not in page.text.split("<main", 1)[1]


async def test_the_export_can_be_checked_and_names_both_contents(desk: DeskUnderTest) -> None:
    await play(desk)
    trail = await exported(desk)

    checked = check(trail)
    assert (checked.problems, checked.decisions, checked.unprotected) == ([], 2, 0)
    assert checked.head == trail["chain"]["head"]
    assert [each["content_hash"] for each in trail["revisions"]] == [HASH, BETTER_HASH]
    assert trail["erp_document"]["id"] == "erp-8841"
    async with desk.browser(KIM) as browser:
        file = await browser.get("/commitments/8841/history.json")
        listed = await browser.get("/api/v1/commitments/8841/history")
    assert file.headers["content-disposition"] == 'attachment; filename="history-SC-001.json"'
    assert check(file.json()).problems == []
    assert check(listed.json()).problems == []
    assert [line["chain"]["position"] for line in listed.json() if line["chain"]] == [2, 1]


async def test_a_decision_that_was_changed_in_the_database_is_found(desk: DeskUnderTest) -> None:
    await play(desk)
    change = text("update approval.history set decision = replace(decision, 'Lee Park', 'Dana Ruiz')")
    async with desk.database.begin() as db:
        await db.execute(change)

    assert "Changed: decision 2 is not what was recorded." in check(await exported(desk)).problems


async def test_others_see_nothing(desk: DeskUnderTest) -> None:
    await play(desk)
    async with desk.browser(EVE) as browser:
        found = [await browser.get(f"/commitments/8841/{name}") for name in ("history", "history.json")]
        found.append(await browser.get("/api/v1/commitments/8841/audit"))
    assert [each.status_code for each in found] == [404, 404, 404]


async def test_a_restored_database_reads_its_decisions_back_and_goes_on_with_the_same_chain(
    desk: DeskUnderTest,
) -> None:
    await play(desk)
    before = (await exported(desk))["chain"]
    decisions = [each for topic in DECIDED for each in await desk.consumer.published(topic)]

    await desk.consumer.clear()
    await desk.receive_company()
    # accepted before rejected: the topics are read in any order, and each of them perhaps twice
    await desk.consumer.process(*decisions, *reversed(decisions))
    await desk.receive(sent(SC), resent(BETTER))
    assert (await exported(desk))["chain"] == before
    assert check(await exported(desk)).problems == []

    await desk.receive(succeeded(BETTER, 2))
    again = {"revision": 2, "reopened": 0, "document": "erp-8841", "note": "The ERP lost line 2."}
    await decide(desk, "export-again", again)
    trail = await exported(desk)
    assert check(trail).problems == []
    assert (trail["chain"]["decisions"], trail["chain"]["head"] != before["head"]) == (3, True)


async def test_the_last_decision_outlives_the_history_so_that_the_next_one_follows_it(desk: DeskUnderTest) -> None:
    await play(desk)
    later, history = datetime.now(UTC) + timedelta(days=1), tables.HISTORY
    async with desk.database.begin() as db:
        await db.execute(update(history).values(at=later - timedelta(days=4_000)))
    await sweep_all(desk.database, sweep_history, later)

    assert [row["position"] for row in await desk.consumer.rows(history)] == [2]
    again = {"revision": 2, "reopened": 0, "document": "erp-8841", "note": "The ERP lost line 2."}
    await decide(desk, "export-again", again)
    trail = await exported(desk)
    assert trail["chain"]["decisions"] == 3
    assert [problem for problem in check(trail).problems if "time" not in problem] == ["Missing: decision 1."]
