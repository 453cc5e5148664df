"""A document in an ERP belongs to one commitment, whoever names it and whatever it is known by."""

import asyncio
from typing import Any

import pytest

from schemas.commitment import ErpDocument
from schemas.events import DecisionResolved, ErpConnection, ExportFailed
from schemas.fields import FailureClass
from services.approval.decisions import Decisions
from services.approval.judging import Answered
from services.approval.rules.answers import AnswerResult, Conflict, Granted, Settle
from services.approval.storage.tables import DOCUMENT
from tests.integration.approval import company
from tests.integration.approval.company import DANA, EVE, LEE, OTHER_COMPANY, content
from tests.integration.approval.desk import DeskUnderTest
from tests.integration.approval.page_reader import text_of

FIRST, SECOND = content("sc-1", "SC-001"), content("sc-2", "SC-002")
THEIRS = ErpConnection(name="their-erp", version=1, kind="http", title="Their ERP", companies=(OTHER_COMPANY,))
SHARED = ErpConnection(
    name=company.ERP, version=2, kind="http", title="QuickBooks", companies=(company.COMPANY, OTHER_COMPANY)
)


def document(erp_id: str = "4F2", number: str | None = "PO-1", connection: str = company.ERP) -> ErpDocument:
    return ErpDocument(connection=connection, id=erp_id, number=number)


def evidence(named: ErpDocument) -> Settle:
    return Settle(revision=1, round=1, document=named, note="Seen in the list of orders.")


async def settle(desk: DeskUnderTest, received: dict[str, Any], named: ErpDocument) -> AnswerResult:
    answered = await Decisions(desk.database, desk.consumer.outbox, lambda: None).answer(
        received["id"], DANA, evidence(named)
    )
    assert answered is not None
    return answered.result


def refusal(result: AnswerResult) -> str:
    assert isinstance(result, Conflict)
    return result.explanation


def failed(received: dict[str, Any]) -> ExportFailed:
    return company.failed(received, FailureClass.FIX_SETUP, "No such order.")


def written(received: dict[str, Any], named: ErpDocument) -> Any:
    return company.succeeded(received).model_copy(update={"erp_document": named})


async def doubtful(desk: DeskUnderTest, *commitments: dict[str, Any]) -> None:
    for each in commitments:
        await desk.receive(company.sent(each), company.accepted(each), company.in_doubt(each))


async def held_by(desk: DeskUnderTest) -> list[tuple[str, str, str]]:
    rows = await desk.consumer.rows(DOCUMENT)
    return [(row["kind"], row["name"], row["commitment_id"]) for row in rows]


@pytest.mark.parametrize(
    "named",
    [
        document(),
        document("another-id"),
        document(number=None),
        document("PO-1"),
        document("PO-1", number=None),
        document(number="PO-2"),
    ],
)
async def test_a_document_of_another_commitment_is_refused_as_evidence(desk: DeskUnderTest, named: ErpDocument) -> None:
    await doubtful(desk, FIRST, SECOND)
    await desk.receive(written(FIRST, document()))

    told = refusal(await settle(desk, SECOND, named))

    assert "is already the document of SC-001 (sc-1). Your answer was not recorded." in told
    assert await desk.published("decision.resolved") == []


@pytest.mark.parametrize("typed", [{"id": "1"}, {"number": "1"}, {"number": "ID 1"}, {"number": "id  1"}])
async def test_a_document_without_a_number_is_refused_however_it_is_typed(
    desk: DeskUnderTest, typed: dict[str, str]
) -> None:
    await doubtful(desk, FIRST, SECOND)
    await desk.receive(written(FIRST, document("1", number=None)))
    named = Settle.model_validate(evidence(document()).model_dump() | {"document": {"connection": company.ERP} | typed})

    answered = await Decisions(desk.database, desk.consumer.outbox, lambda: None).answer(SECOND["id"], DANA, named)

    assert answered
    assert "is already the document of SC-001 (sc-1)." in refusal(answered.result)


async def test_a_document_that_only_was_evidence_is_refused_as_well(desk: DeskUnderTest) -> None:
    await doubtful(desk, FIRST, SECOND)
    assert isinstance(await settle(desk, FIRST, document()), Granted)
    assert "SC-001 (sc-1)" in refusal(await settle(desk, SECOND, document()))


async def test_evidence_that_turned_out_to_be_wrong_frees_the_document(desk: DeskUnderTest) -> None:
    await doubtful(desk, FIRST, SECOND)
    await settle(desk, FIRST, document())
    await desk.receive(failed(FIRST))
    assert await held_by(desk) == []
    assert isinstance(await settle(desk, SECOND, document()), Granted)


async def test_a_document_on_another_connection_is_another_document(desk: DeskUnderTest) -> None:
    await doubtful(desk, FIRST, SECOND)
    await desk.receive(written(FIRST, document(connection="another-erp")))
    assert isinstance(await settle(desk, SECOND, document()), Granted)


async def test_a_document_stays_the_same_document_when_its_connection_is_renamed(desk: DeskUnderTest) -> None:
    await desk.receive(company.QUICKBOOKS)
    await doubtful(desk, FIRST)
    assert isinstance(await settle(desk, FIRST, document()), Granted)
    renamed = company.QUICKBOOKS.model_copy(update={"name": "books", "formerly": (company.ERP,), "version": 2})
    await desk.receive(renamed, company.QUICKBOOKS.model_copy(update={"companies": (), "version": 2}))
    await desk.receive(
        company.sent(SECOND),
        company.accepted(SECOND),
        company.in_doubt(SECOND).model_copy(update={"connection": "books"}),
    )

    told = refusal(await settle(desk, SECOND, document(connection="books")))
    assert told == "PO-1 is already the document of SC-001 (sc-1). Your answer was not recorded."


async def test_a_document_of_another_companys_erp_is_refused_as_evidence(desk: DeskUnderTest) -> None:
    await desk.receive(THEIRS)
    await doubtful(desk, FIRST)
    told = refusal(await settle(desk, FIRST, document(connection=THEIRS.name)))
    assert told == "their-erp is no ERP connection of your company. Your answer was not recorded."


async def test_another_companys_commitment_is_not_named(desk: DeskUnderTest) -> None:
    theirs = {"company_id": OTHER_COMPANY}
    await desk.receive(SHARED, company.sent(SECOND).model_copy(update=theirs))
    await desk.receive(written(SECOND, document()).model_copy(update=theirs))
    await doubtful(desk, FIRST)
    told = refusal(await settle(desk, FIRST, document()))
    assert told == "PO-1 is already the document of another company's commitment. Your answer was not recorded."
    assert (
        await Decisions(desk.database, desk.consumer.outbox, lambda: None).answer("sc-1", EVE, evidence(document()))
        is None
    )


async def test_of_two_approvers_who_name_the_same_document_at_once_one_is_refused(desk: DeskUnderTest) -> None:
    commitments = [content(f"sc-{number}", f"SC-{number}") for number in range(4)]
    await doubtful(desk, *commitments)
    decisions = Decisions(desk.database, desk.consumer.outbox, lambda: None)
    by_id, by_number = evidence(document(number=None)), evidence(document("4F2", number="4F2"))
    answers = zip(commitments, (DANA, LEE) * 2, (by_id, by_number) * 2, strict=True)

    answered = await asyncio.gather(*(decisions.answer(each["id"], who, answer) for each, who, answer in answers))

    results = [type(each.result) for each in answered if isinstance(each, Answered)]
    assert sorted(results, key=str) == [Conflict, Conflict, Conflict, Granted]
    assert len(await desk.published("decision.resolved")) == 1


async def test_events_join_whatever_they_say_and_both_pages_show_the_conflict(desk: DeskUnderTest) -> None:
    await doubtful(desk, FIRST, SECOND)
    replayed = DecisionResolved(**company.about(SECOND), round=1, document=document("PO-1"), decided_by=DANA.as_person)
    await desk.receive(written(FIRST, document()), replayed)
    async with desk.browser(DANA) as browser:
        first, second = [text_of(await browser.get(f"/commitments/{each['id']}")) for each in (FIRST, SECOND)]
    assert "Its document in the ERP is recorded for SC-002 (sc-2) as well." in first
    assert "Its document in the ERP is recorded for SC-001 (sc-1) as well." in second


async def test_only_commitments_with_a_document_have_rows(desk: DeskUnderTest) -> None:
    await desk.receive(company.sent(FIRST))
    await doubtful(desk, SECOND)
    assert await held_by(desk) == []
    await desk.receive(written(SECOND, document()))
    assert await held_by(desk) == [("id", "4F2", "sc-2"), ("number", "PO-1", "sc-2")]
