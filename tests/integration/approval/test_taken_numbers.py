"""A number that is taken in the ERP is not accepted for another commitment: as its own, as asked for, or at once."""

import asyncio
from typing import Any

import pytest
from httpx2 import AsyncClient, Response

from schemas.events import ExportSucceeded
from schemas.fields import FailureClass
from schemas.snapshot import Snapshot
from services.approval.decisions import Decisions, record
from services.approval.rules.answers import Accept, Answer, Granted, Retry, Unacceptable
from services.approval.storage.store import CommitmentStore
from services.pipeline.clock import utc_now
from tests.integration.approval.answering import mark
from tests.integration.approval.company import DANA, LEE, accepted, content, failed, line, sent, succeeded
from tests.integration.approval.desk import DeskUnderTest
from tests.integration.approval.page_reader import text_of

ONE, TWO = content("8841", "SC-00000001-A"), content("8842", "SC-00000001-B")
CUT = "SC-00000001"
"""What the ERP makes of both numbers."""

LATER = FailureClass.RETRY_LATER


def read(received: dict[str, Any]) -> dict[str, Any]:
    return {"revision": 1, "content_hash": Snapshot.of(received).content_hash}


async def accept(browser: AsyncClient, received: dict[str, Any], **members: Any) -> Response:
    return await browser.post(f"/api/v1/commitments/{received['id']}/accept", json=read(received) | members)


async def findings(browser: AsyncClient, received: dict[str, Any]) -> list[tuple[str, str]]:
    found = (await browser.get(f"/api/v1/commitments/{received['id']}")).json()["submissions"][0]["findings"]
    return [(each["rule"], each["text"]) for each in found]


def created_as(number: str, received: dict[str, Any]) -> ExportSucceeded:
    export = succeeded(received)
    document = export.erp_document.model_copy(update={"number": number})
    return export.model_copy(update={"erp_document": document})


async def test_a_document_number_that_is_taken_does_not_mend_a_number_that_is_taken(desk: DeskUnderTest) -> None:
    await desk.receive(sent(ONE), accepted(ONE), created_as(CUT, ONE), sent(TWO))
    async with desk.browser(DANA) as browser:
        plain, typed = await accept(browser, TWO), await accept(browser, TWO, erp_code=CUT)
        other = await accept(browser, TWO, erp_code="PO-2")
    assert (plain.status_code, typed.status_code, other.status_code) == (422, 422, 200)
    assert "already used by SC-00000001-A" in plain.json()["detail"]
    assert [each["member"] for each in typed.json()["errors"]] == ["erp_code"]
    assert f"The document number {CUT} is already used: it is the number of" in typed.json()["detail"]


async def test_the_number_of_another_commitment_cannot_be_asked_for(desk: DeskUnderTest) -> None:
    other, received = content("8841", "SC-001"), content("8842", "SC-002")
    await desk.receive(sent(other), accepted(other), succeeded(other), sent(received))
    async with desk.browser(DANA) as browser:
        answer = await accept(browser, received, erp_code="SC-001")
        marked = await mark(browser, f"accept:1:{read(received)['content_hash']}:8842", erp_code="SC-001")
        own = await accept(browser, received, erp_code="SC-002")
    assert (answer.status_code, own.status_code) == (422, 200)
    assert "The document number SC-001 is already used: it is the number of" in answer.json()["detail"]
    assert (marked.status_code, "The document number SC-001 is already used" in text_of(marked)) == (422, True)


@pytest.mark.parametrize("is_exported", [False, True])
async def test_what_another_one_was_accepted_with_cannot_be_asked_for_again(
    desk: DeskUnderTest,
    *,
    is_exported: bool,
) -> None:
    first, second, third = content("8841", "SC-001"), content("8842", "SC-002"), content("8843", "PO-7")
    await desk.receive(sent(first), sent(second), sent(third))
    async with desk.browser(DANA) as browser:
        assert (await accept(browser, first, erp_code="PO-7")).status_code == 200
        if is_exported:
            await desk.receive(created_as("PO-7", first), at=utc_now())
        again = await accept(browser, second, erp_code="PO-7")
        told = await findings(browser, third)
    assert again.status_code == 422
    assert "it is the document number of SC-001," in again.json()["detail"]
    whose = f"SC-001, {first['title']} of {first['project']['name']}"
    words = f"PO-7 is also the document number of {whose}. Accounting would have two documents with one number."
    assert [text for rule, text in told if rule == "number"] == [words]


async def test_a_number_is_free_again_once_its_export_has_failed(desk: DeskUnderTest) -> None:
    first, second = content("8841", "SC-001"), content("8842", "SC-002")
    await desk.receive(sent(first), sent(second))
    async with desk.browser(DANA) as browser:
        await accept(browser, first, erp_code="PO-7")
        await desk.receive(failed(first, LATER, "QuickBooks is busy."), at=utc_now())
        answer = await accept(browser, second, erp_code="PO-7")
        retried = await browser.post("/api/v1/commitments/8841/retry", json={"revision": 1, "round": 1})
    assert (answer.status_code, retried.status_code) == (200, 422)
    assert "it is the document number of SC-002," in retried.json()["detail"]


async def test_a_retry_does_not_take_a_number_that_is_taken_meanwhile(desk: DeskUnderTest) -> None:
    await desk.receive(sent(ONE), accepted(ONE), failed(ONE, LATER, "QuickBooks is busy."), sent(TWO))
    again = {"revision": 1, "round": 1}
    async with desk.browser(DANA) as browser:
        second = await accept(browser, TWO)
        await desk.receive(created_as(CUT, TWO), at=utc_now())
        plain = await browser.post("/api/v1/commitments/8841/retry", json=again)
        taken = await browser.post("/api/v1/commitments/8841/retry", json=again | {"erp_code": CUT})
        other = await browser.post("/api/v1/commitments/8841/retry", json=again | {"erp_code": "PO-1"})
    assert [each.status_code for each in (second, plain, taken, other)] == [200, 422, 422, 200]
    assert "SC-00000001-A would become SC-00000001, already used by SC-00000001-B" in plain.json()["detail"]


async def test_the_same_order_as_one_that_failed_is_told(desk: DeskUnderTest) -> None:
    first, second = content("8841", "SC-001"), content("8842", "SC-001")
    await desk.receive(sent(first), accepted(first), failed(first, LATER, "QuickBooks is busy."), sent(second))
    async with desk.browser(DANA) as browser:
        told = await findings(browser, second)
    same = "the same number, vendor, project and amount as another one, whose export failed"
    assert told == [("similar", f"SC-001 has {same}. See that it is not the same order twice.")]


@pytest.mark.parametrize(
    ("received", "first", "second"),
    [
        pytest.param(
            [sent(ONE), sent(TWO)], Accept(**read(ONE)), Accept(**read(TWO)), id="two numbers that are cut to one"
        ),
        pytest.param(
            [sent(ONE), sent(TWO)],
            Accept(**read(ONE), erp_code="PO-7"),
            Accept(**read(TWO), erp_code="PO-7"),
            id="one document number",
        ),
        pytest.param(
            [sent(ONE), accepted(ONE), failed(ONE, LATER, "QuickBooks is busy."), sent(TWO)],
            Retry(revision=1, round=1),
            Accept(**read(TWO)),
            id="a retry",
        ),
    ],
)
async def test_of_two_answers_at_once_the_second_one_waits_for_the_first(
    desk: DeskUnderTest, received: list[Any], first: Answer, second: Answer
) -> None:
    """Whoever comes second is judged when the first is recorded; another number does not wait."""
    await desk.receive(*received, sent(content("8843", "SC-003")))
    decisions, store = Decisions(desk.database, desk.consumer.outbox, lambda: None), CommitmentStore()
    async with desk.database.begin() as db:
        facts = (await store.load(db, ["8841"]))["8841"]
        judged = await decisions.judge(db, facts, DANA, first, None)
        assert isinstance(judged.result, Granted)
        await record(db, store, desk.consumer.outbox, facts, judged.result)
        waiting = asyncio.create_task(decisions.answer("8842", LEE, second))
        other = await decisions.answer("8843", LEE, Accept(**read(content("8843", "SC-003"))))
        assert other
        assert isinstance(other.result, Granted)
        assert not (await asyncio.wait({waiting}, timeout=0.3))[0]
    answered = await waiting
    assert answered
    assert isinstance(answered.result, Unacceptable)


async def test_many_answers_at_once_take_each_number_once(desk: DeskUnderTest) -> None:
    numbers = [f"SC-{n:08}-{end}" for n in range(8) for end in "AB"]
    received = [content(f"c-{number}", number) for number in numbers]
    await desk.receive(*map(sent, received))
    async with desk.browser(DANA) as dana, desk.browser(LEE) as lee:
        given = await asyncio.gather(
            *(accept(who, each) for each, who in zip(received, [dana, lee, lee, dana] * 4, strict=True))
        )
    assert sorted(each.status_code for each in given) == [200] * 8 + [422] * 8
    assert len(await desk.published("decision.accepted")) == 8


async def test_a_credit_far_above_the_usual_amount_is_told(desk: DeskUnderTest) -> None:
    for key, total in enumerate(("100.00", "-110.00", "90.00", "105.00", "-900000.00")):
        await desk.receive(
            sent(content(f"c-{key}", f"SC-{key}", total=total, lines=[line(1, "03-100", "Concrete", total)]))
        )
    async with desk.browser(DANA) as browser:
        told = await findings(browser, content("c-4", "SC-4"))
    assert [rule for rule, _ in told] == ["usual amount"]
