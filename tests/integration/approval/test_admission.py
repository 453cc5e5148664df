"""How much one network, its strangers and one person may ask of the desk and the API."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from httpx2 import ASGITransport, AsyncClient
from sqlalchemy import text
from starlette.requests import Request
from structlog.testing import capture_logs

from schemas.events import DirectoryPerson
from services.approval.identity.identity import SESSION
from services.approval.web.admission import AT_ONCE_OF_NETWORK, STRANGERS_AT_ONCE_OF_NETWORK
from services.approval.web.readers import OF_ONE_SENDER, WAITING_OF_ONE_SENDER
from services.pipeline.database import Database
from tests.integration.approval.company import DANA, KIM
from tests.integration.approval.desk import DeskUnderTest, running_desk, settings
from tests.integration.approval.page_reader import text_of
from tests.waiting import eventually

HERE, ELSEWHERE = "203.0.113.7", "203.0.113.8"
WAITS_SECONDS = 3
"""Longer than anybody else waits for a place."""
SAFE = ("content-security-policy", "x-content-type-options", "referrer-policy", "cache-control")


@asynccontextmanager
async def desk_that_allows(database_url: str, **per_minute: int) -> AsyncIterator[DeskUnderTest]:
    async with running_desk(settings(database_url).model_copy(update=per_minute)) as running:
        yield running


@asynccontextmanager
async def browser_at(
    desk: DeskUnderTest, address: str, who: DirectoryPerson | None = None, **headers: str
) -> AsyncIterator[AsyncClient]:
    """A browser at `address`, in which `who` is signed in and has opened a page."""
    transport = ASGITransport(desk.app, client=(address, 50_000))
    sent = {"sec-fetch-site": "same-origin"} | headers
    async with AsyncClient(transport=transport, base_url=desk.settings.public_url, headers=sent) as opened:
        if who:
            token = await desk.identity.sessions.begin(who.person_id, timedelta(hours=1))
            opened.cookies.set(desk.identity.cookies.name(SESSION), token)
            assert (await opened.get("/access")).status_code == 200
        yield opened


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"cookie": "countersign-session=made-up"},
        {"authorization": "Bearer made.up.token"},
        {"authorization": "Basic eDp5"},
    ],
)
async def test_strangers_are_refused_while_people_of_their_network_are_answered(
    database_url: str, sent: dict[str, str]
) -> None:
    async with desk_that_allows(database_url, stranger_requests_per_minute=20) as desk:
        async with browser_at(desk, HERE, DANA) as dana, browser_at(desk, HERE, **sent) as stranger:
            statuses = Counter([(await stranger.get("/directory")).status_code for _ in range(20)])
            refused = await stranger.get("/directory")
            problem = await stranger.get("/api/v1/me")
            assert (await dana.get("/directory")).status_code == 200
            assert (await dana.get("/api/v1/me")).status_code == 200
        async with browser_at(desk, ELSEWHERE, **sent) as stranger:
            assert (await stranger.get("/signed-out")).status_code == 200
    assert statuses[429] == 1  # Dana's first request was that of a stranger as well
    assert refused.status_code == problem.status_code == 429
    assert "There were too many requests" in text_of(refused)
    assert problem.headers["content-type"] == "application/problem+json"
    for answer in (refused, problem):
        assert 1 <= int(answer.headers["retry-after"]) <= 60
        assert all(name in answer.headers for name in SAFE)


async def test_whoever_signs_out_is_a_stranger_again(database_url: str) -> None:
    async with (
        desk_that_allows(database_url, stranger_requests_per_minute=3) as desk,
        browser_at(desk, HERE, DANA) as dana,
    ):
        name = desk.identity.cookies.name(SESSION)
        token = dana.cookies[name]
        await dana.post("/sign-out")
        dana.cookies.set(name, token)
        statuses = [(await dana.get("/access")).status_code for _ in range(4)]
    assert statuses == [303, 303, 303, 429]


async def test_a_network_is_counted_whoever_asks_and_what_pages_load_is_counted_apart(database_url: str) -> None:
    async with desk_that_allows(database_url, desk_requests_per_address_per_minute=10) as desk:
        async with browser_at(desk, HERE, DANA) as dana:
            assets = [(await dana.get("/assets/desk.css")).status_code for _ in range(11)]
            pages = [(await dana.get("/access")).status_code for _ in range(10)]
            assert (await dana.get("/api/v1/me")).status_code == 200
            assert (await dana.get("/health/live")).status_code == 404  # counted nowhere: each service adds it
        async with browser_at(desk, ELSEWHERE, DANA) as dana:
            assert (await dana.get("/access")).status_code == 200
    assert assets == [200] * 10 + [429]
    assert pages == [200] * 9 + [429]


async def test_one_person_is_counted_on_the_desk_in_all_their_browsers(database_url: str) -> None:
    async with desk_that_allows(database_url, desk_requests_per_minute=4) as desk:
        async with browser_at(desk, HERE, DANA) as one, browser_at(desk, ELSEWHERE, DANA) as other:
            statuses = [(await each.get("/access")).status_code for each in (one, other) * 3]
            assert (await one.get("/api/v1/me")).status_code == 200
        async with browser_at(desk, HERE, KIM) as kim:
            assert (await kim.get("/access")).status_code == 200
    assert statuses == [200] * 4 + [429] * 2


async def test_the_log_says_which_limit_was_met_once_a_minute(database_url: str) -> None:
    async with (
        desk_that_allows(database_url, stranger_requests_per_minute=1) as desk,
        browser_at(desk, HERE) as stranger,
    ):
        with capture_logs() as lines:
            for _ in range(5):
                await stranger.get("/signed-out")
    assert [each for each in lines if each["event"] == "request.refused"] == [
        {
            "event": "request.refused",
            "log_level": "warning",
            "why": "too_many_requests",
            "limit": "strangers",
            "repeats": 0,
        }
    ]


async def test_what_one_network_has_under_way_is_bounded_and_takes_nothing_from_others(desk: DeskUnderTest) -> None:
    go_on, under_way = asyncio.Event(), Counter[str]()

    async def slow(request: Request) -> None:
        address = request.client.host if request.client else ""
        under_way[address] += 1
        await go_on.wait()

    desk.app.add_api_route("/slow", slow)
    async with browser_at(desk, HERE) as stranger, browser_at(desk, HERE, DANA) as dana:
        strangers = [asyncio.create_task(stranger.get("/slow")) for _ in range(STRANGERS_AT_ONCE_OF_NETWORK)]
        await eventually(lambda: under_way[HERE] == STRANGERS_AT_ONCE_OF_NETWORK)
        refused = await stranger.get("/signed-out")
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
        people = [
            asyncio.create_task(dana.get("/slow")) for _ in range(AT_ONCE_OF_NETWORK - STRANGERS_AT_ONCE_OF_NETWORK)
        ]
        await eventually(lambda: under_way[HERE] == AT_ONCE_OF_NETWORK)
        assert (await dana.get("/access")).status_code == 429
        async with browser_at(desk, ELSEWHERE) as other:
            assert (await other.get("/signed-out")).status_code == 200
        waiting = asyncio.create_task(dana.get("/access"))
        await asyncio.sleep(0.1)
        go_on.set()
        assert (await waiting).status_code == 200
        assert {each.status_code for each in await asyncio.gather(*strangers, *people)} == {200}


async def test_one_person_has_some_of_the_places_for_reading_and_others_the_rest(desk: DeskUnderTest) -> None:
    async with browser_at(desk, HERE, DANA) as dana, browser_at(desk, HERE, KIM) as kim:
        async with commitments_locked(desk):
            asked = OF_ONE_SENDER + WAITING_OF_ONE_SENDER
            held = [asyncio.create_task(dana.get("/commitments?view=all")) for _ in range(asked)]
            await asyncio.sleep(WAITS_SECONDS)
            refused, answered = await asyncio.gather(dana.get("/api/v1/people"), kim.get("/api/v1/people"))
            assert answered.status_code == 200
            assert (refused.status_code, refused.headers["retry-after"]) == (429, "2")
        assert {each.status_code for each in await asyncio.gather(*held)} == {200}
        assert (await dana.get("/api/v1/people")).status_code == 200


async def test_one_person_copies_one_list_at_a_time(desk: DeskUnderTest) -> None:
    async with browser_at(desk, HERE, DANA) as dana, browser_at(desk, HERE, KIM) as kim:
        async with commitments_locked(desk):
            held = asyncio.create_task(dana.get("/commitments.csv"))
            await asyncio.sleep(0.2)
            others = asyncio.create_task(kim.get("/commitments.csv"))
            assert (await dana.get("/print")).status_code == 429
        assert (await held).status_code == (await others).status_code == 200
        assert (await dana.get("/print")).status_code == 200


@asynccontextmanager
async def commitments_locked(desk: DeskUnderTest) -> AsyncIterator[None]:
    """Nobody can read commitments meanwhile."""
    elsewhere = Database(desk.settings.database_url, application_name="tests", pool_size=1)
    async with elsewhere.begin() as db:
        await db.execute(text("lock table approval.commitment"))
        yield
    await elsewhere.close()
