"""Nothing that somebody typed is lost, whatever happened meanwhile: a page that refuses it shows it."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import insert

from schemas.events import DirectoryPerson
from schemas.fields import ToolLevel
from schemas.snapshot import Snapshot
from services.approval.storage import desk_tables
from services.approval.storage.marks import MAX_MARKS
from services.pipeline.clock import utc_now
from tests.integration.approval.answering import READY
from tests.integration.approval.company import (
    COMPANY,
    DANA,
    LEE,
    accepted,
    content,
    drifted,
    in_doubt,
    resent,
    retrieved,
    sent,
    succeeded,
)
from tests.integration.approval.desk import DeskUnderTest, running_desk, settings
from tests.integration.approval.page_reader import choice, hidden_fields, text_of

CONCRETE = content("8841", "SC-014")
HASH = Snapshot.of(CONCRETE).content_hash
READ = {"revision": "1", "content_hash": HASH}
HELD = "You accepted SC-014. Undo that before you answer it again."
TYPED = "Line 2 was billed twice, see the mail of Monday."


@pytest.fixture
async def holding(database_url: str) -> AsyncIterator[DeskUnderTest]:
    """A desk on which what is accepted can be undone for a while."""
    async with running_desk(settings(database_url, undo_seconds=10)) as desk:
        await desk.receive(sent(CONCRETE))
        yield desk


async def mark_up(desk: DeskUnderTest, who: DirectoryPerson, count: int) -> None:
    """Let somebody have marked many."""
    mark = {"person_id": who.person_id, "company_id": COMPANY, "verb": "accept", "revision": 1, "content_hash": HASH}
    read = {"currency": "USD", "total": 1, "at": utc_now()}
    rows = [mark | read | {"commitment_id": f"m-{n}", "number": f"SC-{n}"} for n in range(count)]
    async with desk.database.begin() as db:
        await db.execute(insert(desk_tables.MARK), rows)


@pytest.mark.parametrize("is_retrieved", [True, False])
@pytest.mark.parametrize(
    ("field", "address", "button"), [("reason", "/marks", "mark"), ("question", "/questions", "ask")]
)
async def test_what_was_typed_beside_the_list_stays_when_somebody_was_faster(
    desk: DeskUnderTest, field: str, address: str, button: str, *, is_retrieved: bool
) -> None:
    await desk.receive(sent(CONCRETE))
    async with desk.browser(LEE) as browser, desk.browser(DANA) as colleague:
        listed = await browser.get(READY)
        fields = hidden_fields(listed, "/marks") | {button: choice(listed, "reject", "8841"), field: TYPED}
        if is_retrieved:
            await desk.receive(retrieved(CONCRETE))
        else:
            await colleague.post("/commitments/8841/accept", data=READ)
        page = await browser.post(address, data=fields)
    assert page.status_code == 409
    assert TYPED in page.text


@pytest.mark.parametrize(
    ("action", "typed"),
    [
        ("export-again", {"reopened": "0", "document": "erp-8841", "why": TYPED}),
        ("accept-drift", {"version": "1", "why": TYPED}),
        ("unlink", {"document": "erp-8841", "unlinked": "yes", "reason": TYPED}),
    ],
)
async def test_why_a_synced_one_is_written_again_stays(desk: DeskUnderTest, action: str, typed: dict[str, str]) -> None:
    await desk.receive(sent(CONCRETE), accepted(CONCRETE), succeeded(CONCRETE), drifted(CONCRETE))
    async with desk.browser(LEE) as browser, desk.browser(DANA) as colleague:
        again = {"reopened": "0", "document": "erp-8841", "why": "First."}
        await colleague.post("/commitments/8841/export-again", data=READ | again)
        page = await browser.post(f"/commitments/8841/{action}", data=READ | typed)
    assert page.status_code == 409
    assert TYPED in page.text


async def test_all_fields_of_an_answer_that_comes_too_late_stay(desk: DeskUnderTest) -> None:
    await desk.receive(sent(CONCRETE))
    async with desk.browser(DANA) as browser:
        await desk.receive(retrieved(CONCRETE), resent(CONCRETE | {"total": "1.00"}))
        page = await browser.post("/commitments/8841/accept", data=READ | {"note": TYPED, "erp_code": "PO-77"})
    assert page.status_code == 409
    assert f"Note: {TYPED}" in page.text
    assert "Document number: PO-77" in page.text


async def test_evidence_that_comes_too_late_stays(desk: DeskUnderTest) -> None:
    await desk.receive(sent(CONCRETE), accepted(CONCRETE), in_doubt(CONCRETE), succeeded(CONCRETE))
    typed = {"round": "1", "found": "yes", "document_number": "PO-991", "evidence": TYPED}
    async with desk.browser(LEE) as browser:
        page = await browser.post("/commitments/8841/settle", data=READ | typed)
    assert page.status_code == 409
    assert TYPED in page.text
    assert "PO-991" in page.text


async def test_what_is_typed_while_ones_own_acceptance_is_held_is_refused_and_stays(holding: DeskUnderTest) -> None:
    async with holding.browser(DANA) as browser:
        listed = await browser.get(READY)
        fields = hidden_fields(listed, "/marks") | {"mark": choice(listed, "reject", "8841"), "reason": TYPED}
        await browser.post("/commitments/8841/accept", data=READ)
        rejected = await browser.post("/marks", data=fields)
        other = await browser.post("/commitments/8841/accept", data=READ | {"note": TYPED})
        same = await browser.post("/commitments/8841/accept", data=READ)
        api = await browser.post(
            "/api/v1/marks",
            json={"verb": "reject", "commitment_id": "8841", "answer": READ | {"revision": 1, "reason": "Stop."}},
        )
    for page in (rejected, other):
        assert page.status_code == 409
        assert HELD in text_of(page)
        assert TYPED in page.text
    assert same.status_code == 303
    assert (api.status_code, api.json()["detail"]) == (
        409,
        "You accepted SC-014. Undo that before you answer it again.",
    )


async def test_a_mark_too_many_keeps_its_reason_and_prevents_no_answer(holding: DeskUnderTest) -> None:
    await mark_up(holding, DANA, MAX_MARKS)
    async with holding.browser(DANA) as browser:
        listed = await browser.get(READY)
        fields = hidden_fields(listed, "/marks") | {"mark": choice(listed, "reject", "8841"), "reason": TYPED}
        page = await browser.post("/marks", data=fields)
        done = await browser.post("/commitments/8841/accept", data=READ)
    assert page.status_code == 409
    assert f"You have marked {MAX_MARKS} commitments." in text_of(page)
    assert TYPED in page.text
    assert done.status_code == 303


async def test_a_reason_stays_when_the_right_to_answer_was_taken_away(desk: DeskUnderTest) -> None:
    await desk.receive(sent(CONCRETE))
    async with desk.browser(DANA) as browser:
        await desk.receive(DANA.model_copy(update={"version": 2, "erp_tool": ToolLevel.READ_ONLY}))
        page = await browser.post("/commitments/8841/reject", data=READ | {"reason": TYPED})
    assert page.status_code == 403
    assert TYPED in page.text
