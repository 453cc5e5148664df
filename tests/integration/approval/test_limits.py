"""The desk under requests that are too large, too heavy or wrong."""

import time
from typing import Any

import pytest
from httpx2 import ASGITransport, AsyncClient

from schemas.limits import MAX_LINES
from services.approval.storage import submissions
from services.approval.storage.submissions import of_revision
from services.approval.web.api.item_limit import MAX_ITEMS
from services.pipeline.body_limit import MAX_BODY_BYTES
from tests.integration.approval import company
from tests.integration.approval.company import DANA
from tests.integration.approval.desk import DeskUnderTest
from tests.integration.approval.page_reader import text_of


def _members(count: int) -> str:
    return "{" + ",".join(f'"{number}" : 1' for number in range(count)) + "}"


SAFE = ("content-security-policy", "x-content-type-options", "referrer-policy", "cache-control")


FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.mark.parametrize(
    ("path", "max_bytes"),
    [
        ("/marks", 262_144),
        ("/commitments/8841/reject", 262_144),
        *((path, 65_536) for path in ("/sign-in", "/sign-out", "/u/token", "/q/token", "/sessions/end")),
        ("/api/v1/commitments/8841/reject", 131_072),
        ("/api/v1/answers", MAX_BODY_BYTES),
    ],
)
async def test_a_body_that_is_too_large_is_refused_with_a_sentence_and_safe_headers(
    desk: DeskUnderTest, path: str, max_bytes: int
) -> None:
    async def chunks() -> Any:
        yield b"reason="
        yield b"x" * max_bytes

    async with desk.browser(DANA) as browser:
        stated = await browser.post(path, content=b"x" * (max_bytes + 1), headers=FORM)
        unstated = await browser.post(path, content=chunks(), headers=FORM)
        allowed = await browser.post(path, content=b"x" * max_bytes, headers=FORM)
    is_read = path not in ("/sign-in", "/u/token", "/q/token")
    for answer in (stated, unstated) if is_read else (stated,):
        assert answer.status_code == 413
        assert f"larger than {max_bytes:,} bytes" in answer.text
        assert all(name in answer.headers for name in SAFE)
    assert allowed.status_code != 413


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/v1/commitments/8841/reject", _members(10_000)),
        ("/api/v1/commitments/8841/reject", _members(MAX_ITEMS)),
        ("/api/v1/answers", _members(70_000)),
        ("/api/v1/answers", '{"answers":[' + "[]," * 300_000 + "[]]}"),
        ("/api/v1/answers", '{"answers":[' + "{}," * 300_000 + "{}]}"),
        ("/api/v1/answers", '{"answers":[' + "1," * 500_000 + "1]}"),
        ("/api/v1/answers", "[" * 1_000_000),
        ("/api/v1/answers", '{"answers":' + "9" * 1_000_000 + "}"),
    ],
    ids=range(8),
)
async def test_a_body_of_many_wrong_parts_is_refused_in_short_and_soon(
    desk: DeskUnderTest, path: str, body: str
) -> None:
    async with desk.browser(DANA) as browser:
        began = time.process_time()
        answer = await browser.post(path, content=body, headers={"content-type": "application/json"})
        took_seconds = time.process_time() - began
    assert answer.status_code in (400, 422)
    assert answer.json()["detail"]
    assert len(answer.content) < 20_000
    assert took_seconds < 2  # without the tuned garbage collector that a service has


async def test_what_a_signed_out_person_sent_is_kept_unless_it_is_longer_than_any_of_our_forms(
    desk: DeskUnderTest,
) -> None:
    async with desk.browser() as browser:
        kept, too_long = [
            await browser.post("/marks", data={"reason": "é" * 4_000, "other": "x" * count}) for count in (1, 200_000)
        ]
    assert kept.status_code == too_long.status_code == 401
    assert "is kept on this page" in text_of(kept)
    assert "is too long to be kept" in text_of(too_long)
    assert "x" * 100 not in too_long.text
    assert all("é" * 4_000 in each.text for each in (kept, too_long))


@pytest.mark.parametrize(
    ("content", "status"), [(b"a=1&" * 1_001, 401), (b"reason=" + b"x" * 250_000, 401), (b"&" * 200_000, 401)]
)
async def test_a_strangers_form_is_answered_with_a_small_page(desk: DeskUnderTest, content: bytes, status: int) -> None:
    async with desk.browser() as browser:
        answer = await browser.post("/commitments/8841/reject", content=content, headers=FORM)
    assert answer.status_code == status
    assert len(answer.content) < 100_000
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
