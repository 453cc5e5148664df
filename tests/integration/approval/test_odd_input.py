"""What no page of ours sends, and ids that look like something else, are no defect and do no harm."""

import html
import re
from urllib.parse import quote, urlencode

import pytest

from schemas.snapshot import Snapshot
from tests.integration.approval.answering import READY, mark
from tests.integration.approval.company import DANA, content, sent
from tests.integration.approval.desk import DeskUnderTest
from tests.integration.approval.page_reader import text_of

SC = content("8841", "SC-001")
HASH = Snapshot.of(SC).content_hash
API = "/api/v1"
FORMS: tuple[tuple[str, dict[str, str]], ...] = (
    ("/questions", {"ask": f"reject:1:{'z' * 64}:8841", "question": "Why?"}),
    ("/questions", {"ask": f"reject:9999999:{HASH}:8841", "question": "Why?"}),
    ("/failed/retry", {"retry-1": "9999999:1:8841"}),
    ("/failed/retry", {"retry-1": "1:9999999:8841"}),
    ("/marks", {"mark": f"reject:9999999:{HASH}:8841", "reason": "x"}),
    ("/review", {"choice-1": f"accept:1:{'z' * 64}:8841"}),
    ("/undo", {"undo": "\x00"}),
    ("/undo", {}),
    ("/marks", {"clear": "\x00"}),
    ("/review", {"quick": "yes"}),
)
SINCE = ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.999999-14:00", "0001-01-01T00:00:00Z", "1e300")


async def test_forged_forms_and_addresses_are_no_defect(desk: DeskUnderTest) -> None:
    await desk.receive(sent(SC))
    many = quote("&".join(f"a{place}=1" for place in range(70)))
    cursor = urlencode({"after": "smallest|1E+999999|2026-11-16T15:02:00+00:00|8841"})
    lists = ("/review?list=", "/news?count=0&since=2026-11-16T15:02:00Z&list=", "/reject-several?list=")
    async with desk.browser(DANA) as browser:
        statuses = {(path, *data.values()): (await browser.post(path, data=data)).status_code for path, data in FORMS}
        statuses |= {(path,): (await browser.get(path + many)).status_code for path in lists}
        for path in ("/commitments", f"{API}/commitments"):
            answer = await browser.get(f"{path}?view=ready&sort=smallest&{cursor}")
            statuses[(path,)] = answer.status_code
        for since in SINCE:
            answer = await browser.get(f"/news?{urlencode({'count': '0', 'since': since})}")
            statuses[(since,)] = answer.status_code
        statuses[("delete",)] = (await browser.delete(f"{API}/marks/%00")).status_code
    assert {each: status for each, status in statuses.items() if status >= 500} == {}


@pytest.mark.parametrize("referrer", ["http://[", "http://[::1", "//[x]y/"])
async def test_a_page_that_has_no_address_is_none_of_ours(desk: DeskUnderTest, referrer: str) -> None:
    async with desk.browser(referer=referrer) as nobody:
        answer = await nobody.post("/commitments/8841/reject", data={"reason": "Stop."})
    assert answer.status_code == 401
    assert "You were signed out" in text_of(answer)


async def test_an_address_that_is_too_long_to_come_back_to_still_leads_to_a_sign_in(desk: DeskUnderTest) -> None:
    vendors = urlencode([("vendor", "\u00df" * 60 + str(n)) for n in range(20)])
    async with desk.browser() as nobody:
        answer = await nobody.get(f"/commitments?view=all&{vendors}")
    assert answer.headers["location"] == "/sign-in?return_to=%2F"


@pytest.mark.parametrize("text", ["\u200b", " \u2060\u200d "])
async def test_what_nobody_can_see_is_no_reason_and_no_question(desk: DeskUnderTest, text: str) -> None:
    await desk.receive(sent(SC))
    bound = {"revision": 1, "content_hash": HASH}
    form = {"revision": "1", "content_hash": HASH, "reason": text}
    async with desk.browser(DANA) as browser:
        answers = [
            await browser.post("/commitments/8841/reject", data=form),
            await browser.post("/questions", data={"ask": f"reject:1:{HASH}:8841", "question": text}),
            await browser.post("/reasons", data={"title": text, "text": text}),
            await browser.post(f"{API}/commitments/8841/reject", json=bound | {"reason": text}),
            await browser.post(f"{API}/commitments/8841/ask", json=bound | {"question": text}),
            await browser.post(f"{API}/reasons", json={"title": "Seen", "text": text}),
            await browser.post(f"{API}/reasons", json={"title": text, "text": "Seen"}),
        ]
        state = (await browser.get(f"{API}/commitments/8841")).json()
        accepted = await browser.post(f"{API}/commitments/8841/accept", json=bound | {"note": text})
    assert [each.status_code for each in answers if each.status_code not in (400, 422)] == []
    assert "Enter your question to the sender" in text_of(answers[1])
    assert state["status"] == "ready"
    assert accepted.status_code == 200


async def test_taking_back_the_mark_of_a_commitment_with_the_id_all_leaves_the_others(desk: DeskUnderTest) -> None:
    one, two = content("all", "SC-001"), content("8842", "SC-002")
    await desk.receive(sent(one), sent(two))
    async with desk.browser(DANA) as browser:
        for each in (one, two):
            await mark(browser, f"reject:1:{Snapshot.of(each).content_hash}:{each['id']}", reason="No.")
        await browser.post("/marks", data={"clear": "all"})
        left = (await browser.get(f"{API}/marks")).json()
    assert [each["commitment_id"] for each in left] == ["8842"]


async def test_a_form_with_an_odd_id_can_be_sent_again_after_the_session_ended(desk: DeskUnderTest) -> None:
    ids = ("50%25", "%2e%2e", "a?b", "a#b")
    await desk.receive(*(sent(content(each, "SC-001")) for each in ids))
    for each in ids:
        path = f"/commitments/{quote(each, safe='')}"
        form = {"revision": "1", "content_hash": Snapshot.of(content(each, "SC-001")).content_hash, "reason": "Stop."}
        async with desk.browser() as nobody:
            expired = await nobody.post(f"{path}/reject", data=form)
        address = html.unescape(re.search(r'<form method="post" action="([^"]*)"', expired.text)[1])
        async with desk.browser(DANA) as browser:
            assert (await browser.post(address, data=form)).status_code == 303, (each, address)


async def test_a_typed_reason_comes_back_with_its_direction_marks(desk: DeskUnderTest) -> None:
    typed = "\u05e9\u05dc\u05d5\u05dd\u200f 03-300\u200f."
    await desk.receive(sent(SC))
    async with desk.browser(DANA) as browser:
        await mark(browser, f"reject:1:{HASH}:8841", reason=typed)
        page = await browser.get(READY)
    found = re.search(r'<textarea id="reason"[^>]*>(.*?)</textarea>', page.text, re.DOTALL)
    assert found
    assert html.unescape(found[1]) == typed
