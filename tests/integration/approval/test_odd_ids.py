"""Every id that the contract allows works in every route that has one, on the desk and in the API."""

import html
import re
from dataclasses import replace
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urljoin

import pytest
from httpx2 import AsyncClient
from pydantic import TypeAdapter

from schemas.fields import Id
from schemas.snapshot import Snapshot
from tests.integration.approval.company import DANA, content, sent
from tests.integration.approval.desk import DeskUnderTest, running_desk, settings
from tests.integration.approval.page_reader import choice
from tests.integration.approval.test_permissions import API, MATRIX, ONE_API, Entry, status_of

PLAIN = "8841"
WITHOUT_NUMBER = (f"{ONE_API}/history", f"{ONE_API}/story")
ODD = (
    *("a/b", "/", "//", "a/", "/a", "../x", "./x", "a/../b", "a/..", "...", ".a", "..a", "a."),
    *("a%2Fb", "%", "%25", "%2e%2e", "%zz", "a%00b", "100%"),
    *("a?b", "a#b", "a;b=c", "a&b", "a=b", "a+b", "a:b", "accept:1:x:y", "a,b", "a|b", "@", "[a]", "{id}"),
    *("\\", "a\\b", "\\\\host", '"', "'", "`", "<b>", "</script>", "{{7*7}}", "javascript:alert(1)"),
    *("é", "e\u0301", "日本", "🏗️", "\u202egnp", "\ufeffa", "\u0085", "\u2028", "x" * 128, "🏗" * 128),
    *("all", "null", "0", "-1", "a/story", "a/history", "a/history.json", "a/accept", "a/audit"),
)


def about(id_: str, number: str) -> dict[str, Any]:
    return content(id_, number, title=f"Footings of {number}", url="https://pm.example/c")


def renamed(value: Any, names: dict[str, str]) -> Any:
    """`value`, in which every text of `names` is replaced: where it is the whole text, or stands at its end."""
    if isinstance(value, dict):
        return {name: renamed(inner, names) for name, inner in value.items()}
    if isinstance(value, list):
        return [renamed(inner, names) for inner in value]
    if not isinstance(value, str):
        return value
    for one, other in names.items():
        value = re.sub(rf"(^|:){one}(?=$|:)", lambda found, other=other: found[1] + other, value)
    return value


def entries_about(id_: str, number: str) -> dict[tuple[str, str], Entry]:
    """The entries of the matrix that name a commitment, for the one with `id_`."""
    of_matrix = next(each.json["content_hash"] for each in MATRIX.values() if each.json and "content_hash" in each.json)
    names = {PLAIN: id_, of_matrix: Snapshot.of(about(id_, number)).content_hash}
    found = {}
    for (method, path), entry in MATRIX.items():
        sent_along = {name: renamed(getattr(entry, name), names) for name in ("json", "form", "query")}
        if "{commitment_id}" in path or PLAIN in f"{entry.json}{entry.form}{entry.query}":
            found[method, path] = replace(entry, **sent_along)
    return found


async def statuses(browser: AsyncClient, id_: str, number: str) -> dict[tuple[str, str], int]:
    """What every route that names a commitment answers about this one; 0 for a page that is about another."""
    found = {}
    for (method, path), entry in entries_about(id_, number).items():
        address = path.replace("{commitment_id}", quote(id_, safe=""))
        answer = await browser.request(method, address, json=entry.json, data=entry.form, params=entry.query)
        is_right = number in answer.text or method != "GET" or path in WITHOUT_NUMBER
        found[method, path] = status_of(answer) if is_right else 0
    return found


@pytest.mark.parametrize("id_", ODD)
def test_the_contract_allows_what_is_tried_here(id_: str) -> None:
    assert TypeAdapter(Id).validate_python(id_) == id_


async def test_every_route_answers_about_an_odd_id_as_about_a_plain_one(database_url: str) -> None:
    numbered = {id_: f"SC-{place:03}" for place, id_ in enumerate((PLAIN, *ODD))}
    without_limit = settings(database_url).model_copy(update={"desk_requests_per_minute": 1_000_000})
    async with running_desk(without_limit) as desk, desk.browser(DANA) as browser:
        await desk.receive(*(sent(about(*each)) for each in numbered.items()))
        found = {id_: await statuses(browser, id_, number) for id_, number in numbered.items()}
    usual = found.pop(PLAIN)
    assert {(id_, each) for id_, given in found.items() for each in given.items() - usual.items()} == set()
    assert len(usual) > 25
    unanswered = (0, HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED)
    assert {route for route, status in usual.items() if status in unanswered} == set()


async def test_every_link_of_a_list_leads_to_its_commitment_whatever_its_id(desk: DeskUnderTest) -> None:
    numbered = {id_: f"SC-{place:03}" for place, id_ in enumerate(ODD[:45])}
    await desk.receive(*(sent(about(*each)) for each in numbered.items()))
    async with desk.browser(DANA) as browser:
        for view, expected in (("all", "<title>{}"), ("ready", 'aria-label="Your answer to {}"')):
            shown = await browser.get(f"/commitments?view={view}")
            links = re.findall(r'<a class="number" href="([^"]*)"[^>]*>(SC-[0-9]+)</a>', shown.text)
            assert {number for _, number in links} == set(numbered.values())
            for address, number in links:
                page = await browser.get(urljoin(str(shown.url), html.unescape(address)))
                assert re.search(expected.format(number), page.text), (view, address, number)


async def test_an_odd_id_is_marked_reviewed_and_taken_back(desk: DeskUnderTest) -> None:
    numbered = {id_: f"SC-{place:03}" for place, id_ in enumerate(ODD[:40])}
    await desk.receive(*(sent(about(*each)) for each in numbered.items()))
    async with desk.browser(DANA) as browser:
        shown = await browser.get("/commitments?view=ready")
        for id_ in numbered:
            await browser.post("/marks", data={"mark": choice(shown, "accept", id_)})
        marked = {each["commitment_id"] for each in (await browser.get(f"{API}/marks")).json()}
        for id_ in numbered:
            await browser.delete(f"{API}/marks/{quote(id_, safe='')}")
        left = (await browser.get(f"{API}/marks")).json()
    assert marked == set(numbered)
    assert left == []
