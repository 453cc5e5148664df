"""Nothing that others write can turn around, hide or forge what stands beside it, on a page or in the API."""

import html
import re
from http import HTTPStatus
from typing import Any

import pytest
from httpx2 import AsyncClient, Response

from schemas.events import Change, DirectoryPerson, ExportFailed
from schemas.fields import FailureClass
from schemas.links import sign_unsubscribe
from schemas.snapshot import Snapshot
from services.approval.web.desk.pages import ASSETS
from services.pipeline.legible import HIDDEN_CHARACTERS
from tests.integration.approval import company
from tests.integration.approval.company import DANA, QUICKBOOKS, SAM, sent
from tests.integration.approval.desk import DeskUnderTest
from tests.integration.approval.page_reader import choice, follow, hidden_fields, text_of

HIDE = "\u202e\u2066\u200f\u061c\u200b\ufeff\u2060\xad\x1b[31m\x9b\x07\u2028\U000e0041\u3164\u202c"
TEMPLATES = ASSETS.parent / "templates"


def hostile(text: str) -> str:
    return f"{text}{HIDE}00.052,084{HIDE}"


def hostile_content(commitment_id: str, number: str, **members: Any) -> dict[str, Any]:
    line = company.line(1, hostile("03-100"), hostile("Formwork"), "480250.00")
    return company.content(
        commitment_id,
        hostile(number),
        title=hostile("Concrete works"),
        description=hostile("All of it"),
        project={"id": company.PROJECT, "name": hostile("Riverside Tower"), "number": hostile("310")},
        vendor={"id": "vendor-88", "name": hostile("Acme Concrete")},
        lines=[line | {"unit": hostile("ls"), "tax_code": hostile("T"), "cost_type": hostile("L")}],
        **members,
    )


def renamed(person: DirectoryPerson) -> DirectoryPerson:
    return person.model_copy(update={"version": 2, "name": hostile(person.name)})


READY, OTHER = hostile_content("c-\u202e1", "SC-1"), hostile_content("c-2", "SC-2")
FAILED, DOUBTED, DRIFTED = (hostile_content(f"c-{n}", f"SC-{n}") for n in (3, 4, 5))
REJECTED, CHANGED = (hostile_content(f"c-{n}", f"SC-{n}") for n in (6, 7))
ALSO_FAILED = hostile_content("c-8", "SC-8")
NOTE = hostile("Nothing of it is urgent.")


def failed(content: dict[str, Any]) -> ExportFailed:
    said, step = hostile("It says no."), hostile("Correct it.")
    return company.failed(content, FailureClass.FIX_DATA, said, next_step=step, code=NOTE)


@pytest.fixture
async def attacked(desk: DeskUnderTest) -> DeskUnderTest:
    """A desk in every text of which somebody has put characters that are not seen."""
    await desk.receive(
        renamed(DANA),
        renamed(SAM),
        QUICKBOOKS.model_copy(update={"version": 2, "title": hostile("QuickBooks"), "limits": None}),
        *(sent(each, note=NOTE) for each in (READY, OTHER, FAILED, ALSO_FAILED, DOUBTED, DRIFTED, REJECTED, CHANGED)),
        *(company.accepted(each) for each in (FAILED, ALSO_FAILED, DOUBTED, DRIFTED)),
        *(failed(each) for each in (FAILED, ALSO_FAILED)),
        company.in_doubt(DOUBTED).model_copy(update={"asked": hostile("It did not answer.")}),
        company.succeeded(DRIFTED),
        company.drifted(DRIFTED, differences=(Change(field=NOTE, before=NOTE, after=hostile("USD 1.00")),)),
        company.resent(CHANGED | {"title": hostile("Steel works")}, note=NOTE),
    )
    return desk


async def every_page(desk: DeskUnderTest, browser: AsyncClient) -> dict[str, list[Response]]:
    """Pages by the template that they are made of."""
    token = sign_unsubscribe(desk.settings.link_secret, company.COMPANY, DANA.person_id)
    views = ("ready", "failed", "exporting", "synced", "differing", "rejected", "all")
    lists = [await browser.get(f"/commitments?view={view}") for view in views]
    ready, differing = lists[0], lists[4]
    several = await browser.get("/reject-several?list=view%3Dready")
    accepted = await browser.post("/marks", data={"mark": choice(ready, "accept", OTHER["id"])})
    rejections = [html.unescape(each) for each in re.findall(r'href="(/failed/reject[^"]*)"', lists[1].text)]
    assert rejections
    opened = await browser.get("/commitments", params={"view": "ready", "item": READY["id"]})
    rejection = {"mark": choice(opened, "reject", READY["id"]), "reason": NOTE}
    marked = [accepted, await browser.post("/marks", data=rejection)]
    drifts = dict(re.findall(r'name="(d(?:rift|ocument)-[^"]*)" value="([^"]*)"', differing.text))
    reasons = await follow(browser, await browser.post("/reasons", data={"title": NOTE, "text": NOTE}))
    (kept,) = re.findall(r'href="/reasons/([0-9a-f]+)"', reasons.text)
    ids = [each["id"] for each in (READY, OTHER, FAILED, DOUBTED, DRIFTED, REJECTED, CHANGED)]
    typed = {"reason": NOTE, "revision": "1", "content_hash": "0" * 64}
    asking = {"ask": choice(opened, "reject", READY["id"]), "question": NOTE}
    asked = await follow(browser, await browser.post("/questions", data=asking))
    (question,) = await desk.consumer.published("question.asked")
    link = vars(question.data)["answer_url"].removeprefix(desk.settings.public_url)
    async with desk.browser() as nobody:
        expired = await nobody.post("/commitments/c-2/reject", data=typed)
    return {
        "triage.html": [ready, opened, asked, *[await follow(browser, each) for each in marked]],
        "reject_several.html": [several],
        "reject_failed.html": [await browser.get(rejecting) for rejecting in rejections],
        "review.html": [await browser.get("/review?list=view%3Dready")],
        "print.html": [await browser.get(f"/print?view={view}") for view in views],
        "list.html": [*lists[1:], await browser.get("/commitments", params={"view": "all", "q": NOTE})],
        "history_print.html": [await browser.get(f"/commitments/{commitment_id}/history") for commitment_id in ids],
        "story.html": [await browser.get(f"/commitments/{commitment_id}/story") for commitment_id in ids],
        "reply.html": [await browser.get(link), await browser.post(link, data={"answer": ""})],
        "commitment.html": [
            *[await browser.get(f"/commitments/{commitment_id}") for commitment_id in ids],
            await browser.post("/commitments/c-2/reject", data=typed | {"reason": NOTE * 100}),
            await browser.post("/commitments/c-6/reject", data=typed | {"reason": hostile("Another one.")}),
        ],
        "check_differences.html": [await browser.post("/differences", data=drifts | {"action": "write", "why": NOTE})],
        "message.html": [expired, await browser.get("/nowhere")],
        "sessions.html": [await browser.get("/sessions")],
        "directory.html": [await browser.get("/directory")],
        "unsubscribe.html": [await browser.get(f"/u/{token}")],
        "access.html": [await browser.get("/access")],
        "help.html": [await browser.get("/help")],
        "reasons.html": [reasons, await browser.post("/reasons", data={"title": "", "text": NOTE})],
        "reason.html": [await browser.get(f"/reasons/{kept}")],
        "delegations.html": [await browser.get("/delegations")],
    }


async def test_no_page_has_a_hidden_character_whoever_wrote_it(attacked: DeskUnderTest) -> None:
    async with attacked.browser(DANA, user_agent="Firefox") as browser:
        page = hidden_fields(await browser.get("/commitments/c-6"), "/reject")
        await browser.post("/commitments/c-6/reject", data=page | {"reason": NOTE})
        pages = await every_page(attacked, browser)
    assert set(pages) == {each.name for each in TEMPLATES.glob("*.html") if "{% extends" in each.read_text()}
    for name, shown in pages.items():
        for each in shown:
            assert not re.search("[\u202a-\u202e\u2066-\u2069\x1b]", each.text), (name, each.url)
            seen = re.sub(r'<input type="hidden"[^>]*>', "", each.text)
            found = HIDDEN_CHARACTERS.search(seen)
            assert found is None, (name, each.url, seen[found.start() - 200 : found.end() + 50])
    for name in ("triage.html", "review.html", "print.html", "list.html", "commitment.html", "check_differences.html"):
        assert "00.052,084" in text_of(pages[name][-1]), name


async def test_a_commitment_whose_id_has_hidden_characters_can_be_answered(attacked: DeskUnderTest) -> None:
    async with attacked.browser(DANA) as browser:
        page = await browser.get("/commitments", params={"view": "ready", "item": READY["id"]})
        fields = hidden_fields(page, "/marks") | {"mark": choice(page, "reject", READY["id"]), "reason": "No."}
        assert (await browser.post("/marks", data=fields)).status_code == HTTPStatus.SEE_OTHER
        review = await browser.get("/review?list=view%3Dready")
        assert "Rejected." in text_of(
            await follow(browser, await browser.post("/review", data=hidden_fields(review, "/review")))
        )
    (rejected,) = await attacked.published("decision.rejected")
    assert Snapshot.of(READY).content_hash in page.text
    assert "c-\u202e1" in rejected


async def test_a_copy_for_spreadsheets_has_none(attacked: DeskUnderTest) -> None:
    async with attacked.browser(DANA) as browser:
        copied = await browser.get("/commitments.csv?view=all")
    cells = copied.content.decode("utf-8-sig")
    assert "00.052,084" in cells
    assert HIDDEN_CHARACTERS.search(cells) is None


async def test_the_api_shows_words_without_them_and_contents_as_they_came(attacked: DeskUnderTest) -> None:
    async with attacked.browser(DANA) as program:
        listed = (await program.get("/api/v1/commitments?view=all")).json()["items"]
        detail = (await program.get("/api/v1/commitments/c-7")).json()
        history = (await program.get("/api/v1/commitments/c-7/history")).json()
        refused = await program.post("/api/v1/commitments/c-3/reject", json={"revision": 1, "content_hash": "0" * 64})
    words = [each["message"] for each in listed] + [each["text"] for each in history] + [refused.json()["detail"]]
    words += [finding["text"] for each in detail["submissions"] for finding in each["findings"]]
    assert len(words) > len(listed)
    assert not list(filter(HIDDEN_CHARACTERS.search, words))
    assert detail["submissions"][0]["commitment"]["title"] == hostile("Steel works")
