"""Approvers keep reasons for rejecting, and choose one instead of typing it; no script is needed."""

import asyncio
import re
from http import HTTPStatus

import pytest
from httpx2 import AsyncClient, Response

from schemas.events import DirectoryPerson
from schemas.snapshot import Snapshot
from services.approval.rules.reason_templates import MAX_TEMPLATES, ReasonText
from services.approval.storage import desk_tables, reason_templates
from services.pipeline.clock import utc_now
from tests.integration.approval import company
from tests.integration.approval.company import ANA, DANA, EVE, KIM, LEE, PAT, sent
from tests.integration.approval.desk import DeskUnderTest
from tests.integration.approval.page_reader import follow, text_of

CONCRETE = company.content("8841", "SC-014")
CLOSED = {"title": "Closed cost code", "text": "The cost code is closed.\nUse an open one."}
READ = {"revision": "1", "content_hash": Snapshot.of(CONCRETE).content_hash, "round": "0"}


async def keep(browser: AsyncClient, **changed: str) -> Response:
    """Keep a reason; return the list of all."""
    return await follow(browser, await browser.post("/reasons", data=CLOSED | changed))


def ids(page: Response) -> list[str]:
    return re.findall(r'href="/reasons/([0-9a-f]+)"', page.text)


async def test_a_reason_is_kept_changed_and_deleted_for_the_whole_company(desk: DeskUnderTest) -> None:
    async with desk.browser(DANA) as dana, desk.browser(LEE) as lee, desk.browser(EVE) as other:
        (kept,) = ids(await keep(dana))
        assert "Closed cost code The cost code is closed. Use an open one. Dana Ruiz" in text_of(
            await lee.get("/reasons")
        )
        assert "No reason is kept yet." in text_of(await other.get("/reasons"))
        for refused in (await other.get(f"/reasons/{kept}"), await other.post(f"/reasons/{kept}/change", data=CLOSED)):
            assert refused.status_code == HTTPStatus.NOT_FOUND
        assert (await other.post(f"/reasons/{kept}/delete")).status_code == HTTPStatus.SEE_OTHER

        page = await lee.get(f"/reasons/{kept}")
        assert CLOSED["text"] in page.text
        changed = await follow(
            lee, await lee.post(f"/reasons/{kept}/change", data={"title": "Closed", "text": "Use 03-310."})
        )
        assert "Closed Use 03-310. Lee Park" in text_of(changed)
        gone = await follow(dana, await dana.post(f"/reasons/{kept}/delete"))
        assert "No reason is kept yet." in text_of(gone)


@pytest.mark.parametrize(
    ("entered", "field", "problem"),
    [
        ({"title": " "}, "title", "Enter a title"),
        ({"text": ""}, "text", "Enter a reason"),
        ({"title": "x" * 81}, "title", "The title has 81 characters; shorten it to 80 or fewer"),
        ({"text": "x" * 4001}, "text", "The reason has 4,001 characters; shorten it to 4,000 or fewer"),
        ({"title": "a\x00b"}, "title", "The title contains a character that cannot be stored (U+0000)"),
    ],
)
async def test_what_is_wrong_stands_beside_the_field_and_the_input_is_kept(
    desk: DeskUnderTest, entered: dict[str, str], field: str, problem: str
) -> None:
    async with desk.browser(DANA) as browser:
        (kept,) = ids(await keep(browser))
        for path in ("/reasons", f"/reasons/{kept}/change"):
            refused = await browser.post(path, data=CLOSED | entered)
            assert refused.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
            assert f'<a href="#{field}">{problem}</a>' in refused.text
            assert "<title>Error: " in refused.text
            assert (CLOSED | {name: text.replace("\x00", "").strip() for name, text in entered.items()})[
                "text"
            ] in refused.text
    assert len(await desk.consumer.rows(desk_tables.REASON_TEMPLATE)) == 1


@pytest.mark.parametrize("who", [KIM, PAT, ANA])
async def test_only_approvers_read_and_change_them(desk: DeskUnderTest, who: DirectoryPerson) -> None:
    async with desk.browser(who) as browser:
        for refused in (
            await browser.get("/reasons"),
            await browser.post("/reasons", data=CLOSED),
            await browser.get("/api/v1/reasons"),
            await browser.post("/api/v1/reasons", json=CLOSED),
            await browser.put("/api/v1/reasons/x", json=CLOSED),
            await browser.delete("/api/v1/reasons/x"),
        ):
            assert refused.status_code == HTTPStatus.FORBIDDEN
    assert not await desk.consumer.rows(desk_tables.REASON_TEMPLATE)


async def test_a_company_keeps_at_most_fifty_also_when_several_are_added_at_once(desk: DeskUnderTest) -> None:
    entered = ReasonText(**CLOSED)
    async with desk.database.begin() as db:
        for _ in range(MAX_TEMPLATES - 1):
            await reason_templates.add(db, company.COMPANY, entered, DANA.as_person, utc_now())
    async with desk.browser(DANA) as browser:
        answers = await asyncio.gather(*(browser.post("/reasons", data=CLOSED) for _ in range(3)))
        assert sorted(each.status_code for each in answers) == [303, 422, 422]
        assert "Your company has 50 reasons already." in answers[[a.status_code for a in answers].index(422)].text
        assert (await browser.post("/api/v1/reasons", json=CLOSED)).status_code == HTTPStatus.CONFLICT
        assert 'action="/reasons"' not in (await browser.get("/reasons")).text


async def test_a_kept_reason_rejects_a_commitment_with_or_without_more_words(desk: DeskUnderTest) -> None:
    other = company.content("8842", "SC-015")
    await desk.receive(sent(CONCRETE), sent(other))
    async with desk.browser(DANA) as browser:
        (kept,) = ids(await keep(browser))
        page = await browser.get("/commitments/8841")
        assert f'name="reason_template" value="{kept}"' in page.text
        chosen = READ | {"reason_template": kept, "reason": ""}
        assert "Rejected. SC-014" in text_of(
            await follow(browser, await browser.post("/commitments/8841/reject", data=chosen))
        )
        more = chosen | {"reason": "See line 2.", "content_hash": Snapshot.of(other).content_hash}
        await browser.post("/commitments/8842/reject", data=more)
    first, second = await desk.published("decision.rejected")
    assert '"reason":"The cost code is closed.\\nUse an open one."' in first
    assert '"reason":"The cost code is closed.\\nUse an open one.\\nSee line 2."' in second


async def test_a_reason_that_was_deleted_meanwhile_is_told_and_the_words_are_kept(desk: DeskUnderTest) -> None:
    await desk.receive(sent(CONCRETE))
    async with desk.browser(DANA) as browser:
        (kept,) = ids(await keep(browser))
        await browser.post(f"/reasons/{kept}/delete")
        refused = await browser.post(
            "/commitments/8841/reject", data=READ | {"reason_template": kept, "reason": "See line 2."}
        )
    assert refused.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "was deleted meanwhile" in text_of(refused)
    assert ">See line 2.</textarea>" in refused.text
    assert not await desk.published("decision.rejected")


async def test_a_refused_answer_keeps_the_words_of_the_kept_reason(desk: DeskUnderTest) -> None:
    await desk.receive(sent(CONCRETE), company.retrieved(CONCRETE))
    async with desk.browser(DANA) as browser:
        (kept,) = ids(await keep(browser))
        conflict = await browser.post("/commitments/8841/reject", data=READ | {"reason_template": kept})
    assert conflict.status_code == HTTPStatus.CONFLICT
    assert CLOSED["text"] in conflict.text


async def test_the_api_does_the_same(desk: DeskUnderTest) -> None:
    async with desk.browser(DANA) as program:
        added = await program.post("/api/v1/reasons", json=CLOSED)
        assert added.status_code == HTTPStatus.CREATED
        kept = added.json()
        assert kept["created_by"]["name"] == "Dana Ruiz"
        path = f"/api/v1/reasons/{kept['id']}"
        changed = await program.put(path, json=CLOSED | {"title": "Other"})
        assert changed.json()["title"] == "Other"
        assert (await program.get("/api/v1/reasons")).json() == [changed.json()]
        assert (await program.put(path, json={"title": "", "text": " "})).status_code == HTTPStatus.UNPROCESSABLE_ENTITY
        assert (await program.delete(path)).status_code == HTTPStatus.NO_CONTENT
        for gone in (await program.delete(path), await program.put(path, json=CLOSED)):
            assert gone.status_code == HTTPStatus.NOT_FOUND
