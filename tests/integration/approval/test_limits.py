"""The desk under requests that are too large, too heavy or wrong."""

from typing import Any

from httpx2 import ASGITransport, AsyncClient

from schemas.limits import MAX_LINES
from services.approval.storage import submissions
from services.approval.storage.submissions import of_revision
from services.pipeline.body_limit import MAX_BODY_BYTES
from tests.integration.approval import company
from tests.integration.approval.company import DANA
from tests.integration.approval.desk import DeskUnderTest
from tests.integration.approval.page_reader import text_of

SAFE = ("content-security-policy", "x-content-type-options", "referrer-policy", "cache-control")


async def test_a_form_that_is_too_large_is_refused_with_a_sentence_and_safe_headers(desk: DeskUnderTest) -> None:
    async def chunks() -> Any:
        yield b"reason="
        yield b"x" * MAX_BODY_BYTES

    form = {"content-type": "application/x-www-form-urlencoded"}
    async with desk.browser(DANA) as browser:
        stated = await browser.post("/marks", content=b"x" * (MAX_BODY_BYTES + 1), headers=form)
        unstated = await browser.post("/marks", content=chunks(), headers=form)
    for answer in (stated, unstated):
        assert answer.status_code == 413
        assert "larger than 1,048,576 bytes" in answer.text
        assert all(name in answer.headers for name in SAFE)


async def test_a_defect_is_a_page_with_safe_headers_and_a_problem_of_the_api(desk: DeskUnderTest) -> None:
    async def defect() -> None:
        raise KeyError("a secret")

    for path in ("/defect", "/api/v1/defect"):
        desk.app.add_api_route(path, defect)
    transport = ASGITransport(desk.app, raise_app_exceptions=False)
    async with AsyncClient(transport=transport, base_url=desk.settings.public_url) as browser:
        page, problem = [await browser.get(path) for path in ("/defect", "/api/v1/defect")]
    assert "This is a defect of Countersign." in text_of(page)
    assert problem.json()["status"] == 500
    for answer in (page, problem):
        assert answer.status_code == 500
        assert all(name in answer.headers for name in SAFE)
        assert "secret" not in answer.text


async def test_no_redirect_repeats_a_foreign_host(desk: DeskUnderTest) -> None:
    async with desk.browser(DANA) as browser:
        for path in ("/commitments/", "/directory/", "/sign-in/", "/assets", "/api/v1/commitments/"):
            answer = await browser.get(path, headers={"host": "evil.example"})
            assert "evil.example" not in answer.headers.get("location", "")


async def test_findings_are_the_same_however_the_contents_are_grouped(desk: DeskUnderTest) -> None:
    """A small commitment, then some of which each fills a group, all with a total that is not that of their lines."""
    description = "x" * 400
    lines = [company.line(place, "03-100", description, "1.00") for place in range(1, MAX_LINES)]
    large = [company.content(f"l-{n}", f"L-{n}", lines=lines) for n in range(3)]
    small = [company.content(f"s-{n}", f"S-{n}", total="1.00") for n in range(2)]
    await desk.receive(*(company.sent(each) for each in (small[0], *large, small[1])))
    assert sum(len(each["lines"]) * len(description) for each in large) > 2 * submissions.GROUP_BYTES
    async with desk.browser(DANA) as browser:
        page = await browser.get("/commitments?view=ready")
    assert page.text.count("cannot be accepted: its total is") >= 5


async def test_of_a_dispute_only_some_contents_are_read(desk: DeskUnderTest) -> None:
    contents = [company.content("c-1", "SC-1", title=f"Title {n}") for n in range(9)]
    await desk.receive(*(company.sent(each) for each in contents))
    async with desk.database.begin() as db:
        assert len(await of_revision(db, "c-1", 1, limit=5)) == 5
    async with desk.browser(DANA) as browser:
        page = await browser.get("/commitments/c-1")
    assert page.status_code == 200
    assert "Revision 1 arrived twice with different content" in text_of(page)
