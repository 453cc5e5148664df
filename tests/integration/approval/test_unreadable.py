"""Whoever opens a commitment that cannot be read is told so, and by whom it is mended; nobody else notices."""

import pytest
from httpx2 import Response

from schemas.snapshot import Snapshot
from services.approval.explaining import explain
from services.approval.rules.story.part import ApprovalAnswer
from services.approval.web.api.problems import MEDIA_TYPE, UNREADABLE
from services.pipeline.explaining import no_tails
from tests.damaging import damage
from tests.integration.approval.company import DANA, EVE, LEE, accepted, content, event, sent
from tests.integration.approval.desk import DeskUnderTest
from tests.integration.approval.page_reader import text_of
from tests.integration.approval.test_odd_ids import entries_about
from tests.integration.approval.test_permissions import Entry

FIRST, SECOND = content("8841", "SC-014"), content("8842", "SC-015")
ONE, API = "/commitments/8841", "/api/v1/commitments/8841"
TITLE = "This commitment cannot be read"
STATE = "update approval.commitment set state = '{}' where id = '8841'"
NAMED = ("approval.commitment has a row for 8841 that cannot be read",)
PARTS = {
    "the content": ("submission", "8841 1", "update approval.submission set snapshot = '{'"),
    "who sent it": ("submission", "8841 1", "update approval.submission set sent_by = '{}'"),
    "a person": ("person", "person-17", "update approval.person set record = '{' where id = 'person-17'"),
    "an ERP": (
        "erp_connection",
        "quickbooks-main",
        """update approval.erp_connection set record = '{"companies": ["company-204"]}'""",
    ),
}


@pytest.fixture
async def desk(desk: DeskUnderTest) -> DeskUnderTest:
    """One that has received both commitments."""
    await desk.receive(sent(FIRST), sent(SECOND))
    return desk


async def told(desk: DeskUnderTest, asked: str = "8841") -> ApprovalAnswer:
    answer = await explain(desk.database, asked, no_tails)
    assert ApprovalAnswer.model_validate_json(answer.model_dump_json()) == answer
    return answer


@pytest.mark.parametrize("asked", ["8841", "SC-014", "sc-014"])
@pytest.mark.parametrize("state", ["{", "{}", "[1]", "null", "5", "", "[" * 2000 + "]" * 2000])
async def test_what_is_stored_of_it_is_said_to_be_unreadable_by_id_and_by_number(
    desk: DeskUnderTest, asked: str, state: str
) -> None:
    await damage(desk.database, "approval", STATE.replace("{}", state))
    answer = await told(desk, asked)
    assert (answer.part, answer.candidates, answer.unreadable, answer.commitment_id) == (None, (), NAMED, "8841")
    assert (await told(desk, "SC-015")).part is not None


async def test_its_events_are_told_as_dead_letters_meanwhile(desk: DeskUnderTest) -> None:
    await damage(desk.database, "approval", STATE)
    await desk.consumer.process(event(accepted(FIRST)))
    letters = (await told(desk, "SC-014")).traffic.dead_letters
    assert [each.place.topic for each in letters] == ["decision.accepted"]


async def test_one_that_can_be_read_and_one_that_cannot_with_the_same_number_are_both_named(
    desk: DeskUnderTest,
) -> None:
    await desk.receive(sent(content("twin", "SC-014")))
    await damage(desk.database, "approval", STATE)
    answer = await told(desk, "SC-014")
    assert (answer.part, [each.id for each in answer.candidates], answer.unreadable) == (None, ["twin"], NAMED)


@pytest.mark.parametrize("part", PARTS)
async def test_a_part_of_it_that_cannot_be_read_is_named_and_the_rest_is_told(desk: DeskUnderTest, part: str) -> None:
    table, key, statement = PARTS[part]
    await damage(desk.database, "approval", statement)
    found = (await told(desk)).part
    assert found is not None
    assert found.unreadable == (f"approval.{table} has a row for {key} that cannot be read",)
    assert found.explanation.number == "SC-014"
    assert [each.text for each in found.lines] == ["Sam Lee sent revision 1."]


TIMES = [
    f"update approval.{column} = {time}"
    for column in ("submission set sent_at", "history set at")
    for time in ("ANTIQUITY", "'infinity'", "'-infinity'")
]


@pytest.mark.parametrize("statement", TIMES)
async def test_a_time_that_no_calendar_has_hides_nothing(desk: DeskUnderTest, statement: str) -> None:
    await damage(desk.database, "approval", statement)
    found = (await told(desk, "SC-014")).part
    assert found is not None
    assert (len(found.lines), found.unreadable) == (1, ())
    async with desk.browser(DANA) as browser:
        pages = [await browser.get(each) for each in (ONE, f"{ONE}/history", f"{API}/audit", "/commitments?view=all")]
    assert [each.status_code for each in pages] == [200] * 4
    assert not any("cannot be read" in text_of(each) for each in pages)


async def ask(desk: DeskUnderTest, method: str, path: str, entry: Entry) -> Response:
    async with desk.browser(DANA) as browser:
        return await browser.request(method, path, json=entry.json, data=entry.form, params=entry.query)


async def test_every_route_about_it_says_so_and_none_that_there_is_none(desk: DeskUnderTest) -> None:
    await damage(desk.database, "approval", STATE)
    asked = {
        (method, path): await ask(desk, method, path.replace("{commitment_id}", "8841"), entry)
        for (method, path), entry in entries_about("8841", "SC-014").items()
        if method != "DELETE" and ("{commitment_id}" in path or path.endswith("/marks"))
    }
    assert len(asked) > 15
    for (method, path), answer in asked.items():
        assert answer.status_code == 500, (method, path, answer.status_code)
        assert (UNREADABLE if "/api/" in path else TITLE) in text_of(answer), (method, path)


async def test_the_page_says_who_mends_it_and_keeps_what_was_typed(desk: DeskUnderTest) -> None:
    await damage(desk.database, "approval", STATE)
    async with desk.browser(DANA) as browser:
        shown = text_of(await browser.get(ONE))
        refused = text_of(await browser.post(f"{ONE}/reject", data={"reason": "Line 2 is closed."}))
    assert "Tell your administrator, who has to restore it: the log names it under rows.unreadable" in shown
    assert "countersign explain says what to do." in shown
    assert "Line 2 is closed." in refused
    assert "approval.commitment" not in shown


async def test_a_program_gets_a_problem_document_and_the_rows_name_stays_inside(desk: DeskUnderTest) -> None:
    await damage(desk.database, "approval", STATE)
    async with desk.browser(DANA) as browser:
        answer = await browser.get(API)
    assert (answer.status_code, answer.headers["content-type"]) == (500, MEDIA_TYPE)
    assert answer.json()["detail"] == UNREADABLE


async def test_another_company_is_told_that_there_is_none(desk: DeskUnderTest) -> None:
    await damage(desk.database, "approval", STATE)
    async with desk.browser(EVE) as browser:
        assert [(await browser.get(each)).status_code for each in (ONE, f"{ONE}/story", API)] == [404, 404, 404]


async def test_of_several_answers_only_the_one_about_it_is_refused(desk: DeskUnderTest) -> None:
    await damage(desk.database, "approval", STATE)
    answers = [
        {
            "verb": "accept",
            "commitment_id": each["id"],
            "answer": {"revision": 1, "content_hash": Snapshot.of(each).content_hash},
        }
        for each in (FIRST, SECOND)
    ]
    async with desk.browser(DANA) as browser:
        results = (await browser.post("/api/v1/answers", json={"answers": answers})).json()["results"]
    assert [each["status"] for each in results] == [500, 200]
    assert results[0]["problem"]["detail"] == UNREADABLE
    assert len(await desk.published("decision.accepted")) == 1


async def test_the_same_answer_can_be_given_again_with_its_key_once_the_row_is_mended(desk: DeskUnderTest) -> None:
    async with desk.database.begin() as db:
        state = (await db.exec_driver_sql("select state from approval.commitment where id = '8841'")).scalar_one()
    await damage(desk.database, "approval", STATE)
    body, key = {"revision": 1, "content_hash": Snapshot.of(FIRST).content_hash}, {"idempotency-key": "once"}
    async with desk.browser(DANA) as browser:
        first = await browser.post(f"{API}/accept", json=body, headers=key)
        async with desk.database.begin() as db:
            await db.exec_driver_sql("update approval.commitment set state = $1 where id = '8841'", (state,))
        again = await browser.post(f"{API}/accept", json=body, headers=key)
    assert (first.status_code, again.status_code) == (500, 200)


async def test_lists_show_the_others(desk: DeskUnderTest) -> None:
    await damage(desk.database, "approval", STATE)
    async with desk.browser(LEE) as browser:
        shown = await browser.get("/commitments?view=ready")
        listed = await browser.get("/api/v1/commitments?view=ready")
    assert [f"{each} Concrete works" in text_of(shown) for each in ("SC-014", "SC-015")] == [False, True]
    assert [each["id"] for each in listed.json()["items"]] == ["8842"]


@pytest.mark.parametrize("part", PARTS)
async def test_a_page_of_which_a_part_cannot_be_read_says_so(desk: DeskUnderTest, part: str) -> None:
    await damage(desk.database, "approval", PARTS[part][2])
    async with desk.browser(DANA) as browser:
        page = await browser.get(ONE)
        beside_the_list = await browser.get("/commitments?view=ready&item=8841")
    for shown in (page, beside_the_list):
        assert shown.status_code == 200
        assert "cannot be read, and is missing here. Tell your administrator" in text_of(shown)


async def test_a_page_that_can_be_read_says_nothing_of_that(desk: DeskUnderTest) -> None:
    async with desk.browser(DANA) as browser:
        assert "cannot be read" not in text_of(await browser.get(ONE))


async def test_a_program_is_not_told_that_a_content_which_cannot_be_read_is_none(desk: DeskUnderTest) -> None:
    await damage(desk.database, "approval", PARTS["the content"][2])
    async with desk.browser(DANA) as browser:
        assert (await browser.get(API)).json()["detail"] == UNREADABLE


async def test_a_program_reads_the_content_although_somebody_cannot_be_read(desk: DeskUnderTest) -> None:
    await damage(desk.database, "approval", PARTS["a person"][2])
    async with desk.browser(DANA) as browser:
        assert len((await browser.get(API)).json()["submissions"]) == 1


async def test_a_history_of_which_a_part_cannot_be_read_is_not_told_as_if_it_were_whole(desk: DeskUnderTest) -> None:
    await damage(desk.database, "approval", PARTS["who sent it"][2])
    async with desk.browser(DANA) as browser:
        page, exported = await browser.get(f"{ONE}/history"), await browser.get(f"{API}/audit")
    assert TITLE in text_of(page)
    assert exported.json()["detail"] == UNREADABLE


async def test_a_decision_of_the_chain_that_cannot_be_read_is_said(desk: DeskUnderTest) -> None:
    await desk.receive(accepted(FIRST))
    await damage(
        desk.database,
        "approval",
        "update approval.history set position = 1, hash = 'x', decision = '{' where kind = 'decision.accepted'",
    )
    async with desk.browser(DANA) as browser:
        answers = [await browser.get(f"{API}/{each}") for each in ("audit", "history")]
    assert [each.json()["detail"] for each in answers] == [UNREADABLE, UNREADABLE]
