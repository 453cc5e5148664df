"""Evidence that the ERP cannot confirm counts once a second approver has confirmed it, on the desk and in the API."""

import json

import pytest
from httpx2 import AsyncClient, Response

from schemas.commitment import ErpDocument
from schemas.events import DecisionResolved, DirectoryPerson, ExportInDoubt
from tests.integration.approval import company
from tests.integration.approval.company import DANA, KIM, LEE, content
from tests.integration.approval.desk import DeskUnderTest
from tests.integration.approval.page_reader import hidden_fields, text_of

SC = content("8841", "SC-014")
PAGE = "/commitments/8841"
STATE = "/api/v1/commitments/8841"
WORD = {"revision": 1, "round": 1, "evidence": 1, "agrees": True, "note": "I opened PO-9999 as well."}
CANNOT_ASK = "QuickBooks does not show its documents, so it cannot be asked for PO-9999."


def found() -> DecisionResolved:
    document = ErpDocument(connection=company.ERP, id="PO-9999", number="PO-9999")
    return DecisionResolved(**company.about(SC), round=1, document=document, decided_by=DANA.as_person, note="Seen.")


def asked() -> ExportInDoubt:
    return company.in_doubt(SC).model_copy(update={"asked": CANNOT_ASK, "probes": 5, "checks_evidence": 1})


@pytest.fixture
async def waiting(desk: DeskUnderTest) -> DeskUnderTest:
    """A desk on which Dana has named PO-9999 for SC-014, which the ERP cannot confirm."""
    await desk.receive(company.sent(SC), company.accepted(SC), company.in_doubt(SC), found(), asked())
    return desk


async def confirm(browser: AsyncClient, **typed: str) -> Response:
    fields = hidden_fields(await browser.get(PAGE), "/confirm")
    return await browser.post(f"{PAGE}/confirm", data=fields | typed)


async def resolved(desk: DeskUnderTest) -> list[dict[str, dict[str, str]]]:
    return [json.loads(each)["data"] for each in await desk.published("decision.resolved")]


async def test_the_page_says_who_waits_for_whom(waiting: DeskUnderTest) -> None:
    async with waiting.browser(DANA) as browser:
        own = await browser.get(PAGE)
    async with waiting.browser(LEE) as browser:
        others = await browser.get(PAGE)
    async with waiting.browser(KIM) as browser:
        viewers = await browser.get(PAGE)

    assert "PO-9999 waits for another accounting approver" in text_of(own)
    assert "It is: SC-014 becomes synced" not in text_of(own)
    assert "Is PO-9999 the document of SC-014 in QuickBooks?" in text_of(others)
    words = f"Dana Ruiz found SC-014 in QuickBooks as PO-9999. {CANNOT_ASK}"
    for page in (own, others, viewers):
        assert f"{words} It counts once another accounting approver has confirmed it." in text_of(page)
    assert "/confirm" not in viewers.text


async def test_a_second_approver_confirms_it(waiting: DeskUnderTest) -> None:
    async with waiting.browser(LEE) as browser:
        done = await confirm(browser, agrees="yes", evidence="I opened PO-9999.")
        shown = text_of(await browser.get(done.headers["location"]))
        again = text_of(await browser.get(PAGE))

    assert "Recorded. PO-9999 is SC-014 in QuickBooks, as Dana Ruiz had found." in shown
    assert "Lee Park confirmed it. It is being recorded." in again
    assert "Lee Park confirmed that revision 1 is PO-9999, as Dana Ruiz had found. Note: I opened PO-9999." in again
    (decision,) = await resolved(waiting)
    assert (decision["decided_by"]["id"], decision["confirmed_by"]["id"]) == (DANA.person_id, LEE.person_id)


@pytest.mark.parametrize("who", [DANA, LEE])
async def test_it_is_withdrawn_and_can_be_settled_in_another_way(waiting: DeskUnderTest, who: DirectoryPerson) -> None:
    async with waiting.browser(who) as browser:
        await confirm(browser, agrees="no", evidence="PO-9999 is a quotation.")
        page = await browser.get(PAGE)
        fields = hidden_fields(page, "/settle")
        typed = {"found": "yes", "document_number": "PO-77", "evidence": "I opened it."}
        await browser.post(f"{PAGE}/settle", data=fields | typed)

    assert f"{who.name} says that PO-9999 is not its document." in text_of(page)
    withdrawn, other = await resolved(waiting)
    assert withdrawn["withdrawn_by"]["id"] == who.person_id
    assert (other["evidence"], other["document"]["number"]) == (2, "PO-77")


async def test_a_form_without_an_answer_or_evidence_says_what_is_missing(waiting: DeskUnderTest) -> None:
    async with waiting.browser(LEE) as browser:
        refused = await confirm(browser)

    assert refused.status_code == 422
    assert "Choose whether it is the document" in text_of(refused)
    assert "Enter what you looked at, and what you saw" in text_of(refused)


async def test_nobody_confirms_their_own_and_everybody_reads_why(waiting: DeskUnderTest) -> None:
    async with waiting.browser(DANA) as browser:
        refused = await browser.post(f"{STATE}/confirm", json=WORD)

    words = (
        "You named PO-9999 yourself, so another accounting approver has to confirm it. Your answer was not recorded."
    )
    assert (refused.status_code, refused.json()["detail"]) == (409, words)
    assert not await resolved(waiting)


async def test_the_same_word_twice_is_recorded_once_and_another_comes_too_late(waiting: DeskUnderTest) -> None:
    async with waiting.browser(LEE) as browser:
        state = (await browser.get(STATE)).json()["evidence"]
        answers = [await browser.post(f"{STATE}/confirm", json=WORD) for _ in range(2)]
        late = await browser.post(f"{STATE}/confirm", json=WORD | {"agrees": False})

    assert (state["number"], state["found_by"]["name"], state["needs_confirmation"]) == (1, "Dana Ruiz", True)
    assert [each.status_code for each in answers] == [200, 200]
    assert answers[0].json()["evidence"]["confirmed_by"]["name"] == "Lee Park"
    assert late.status_code == 409
    assert late.json()["detail"].startswith("Lee Park confirmed SC-014 as PO-9999 at ")
    assert len(await resolved(waiting)) == 1


async def test_nothing_is_confirmed_while_the_erp_is_being_asked(desk: DeskUnderTest) -> None:
    await desk.receive(company.sent(SC), company.accepted(SC), company.in_doubt(SC), found())
    async with desk.browser(LEE) as browser:
        refused = await browser.post(f"{STATE}/confirm", json=WORD)
        page = await browser.get(PAGE)

    assert refused.status_code == 409
    assert refused.json()["detail"].startswith("The ERP is being asked for PO-9999, the document of SC-014.")
    assert "/confirm" not in page.text
