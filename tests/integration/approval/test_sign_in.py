"""Sign-in with a real OpenID provider over HTTP, by browsers, programs and attackers."""

import asyncio
import base64
import hmac
import json
import re
import time
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient, Response
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey
from prometheus_client import REGISTRY
from pydantic import SecretStr
from sqlalchemy import func, select, update
from starlette.responses import Response as StarletteResponse
from structlog.testing import capture_logs

from sandbox.serving import served
from sandbox.sign_in import Client, Flaw, running_sign_in
from sandbox.sign_in import Provider as SandboxProvider
from schemas.events import DirectoryPersonRemoved
from schemas.examples.cast import DIRECTORY
from services.approval.identity.identity import MAX_PENDING, SESSION
from services.approval.identity.removed_people import end_sessions_of_removed
from services.approval.identity.sign_in.errors import NotSignedInError, ProviderUnavailableError
from services.approval.identity.sign_in.flow import own_path
from services.approval.identity.sign_in.kept import FIRST_RETRY_SECONDS
from services.approval.identity.sign_in.provider import REFETCH_SECONDS, Provider, person_id_of
from services.approval.storage import desk_tables
from services.approval.storage.sessions import MAX_PENDING_SIGN_INS, MAX_SESSIONS
from tests.integration.approval.company import DANA, KIM
from tests.integration.approval.desk import URL, DeskUnderTest, running_desk, settings
from tests.integration.approval.page_reader import follow, text_of
from tests.integration.exporter.scripted_server import response_bytes, scripted_server

AUDIENCE = "countersign-api"
CLIENT = Client("countersign", SecretStr("of the tests"), (f"{URL}/sign-in/callback",), AUDIENCE)
HOURS = timedelta(hours=1)


@pytest.fixture
async def sandbox() -> AsyncIterator[SandboxProvider]:
    async with running_sign_in(CLIENT) as running:
        yield running


@pytest.fixture
async def desk(database_url: str, sandbox: SandboxProvider) -> AsyncIterator[DeskUnderTest]:
    async with running_desk(settings(database_url, issuer=sandbox.issuer)) as running:
        await running.receive(*DIRECTORY.values())
        yield running


async def choose_person(address: str, person_id: str = DANA.person_id) -> str:
    """Choose a person at the provider; return the address that it redirects to."""
    async with AsyncClient() as elsewhere:
        assert (await elsewhere.get(address)).status_code == 200
        return str((await elsewhere.post(address, data={"person_id": person_id})).headers["location"])


async def sign_in(browser: AsyncClient, wanted: str = "/commitments?view=all") -> Response:
    """Open `wanted`, sign in, and return the response of our callback."""
    began = await browser.get((await browser.get(wanted)).headers["location"])
    return await browser.get(await choose_person(began.headers["location"]))


def with_query(address: str, **members: str) -> str:
    parts = urlsplit(address)
    query = {name: texts[0] for name, texts in parse_qs(parts.query).items()} | members
    return parts._replace(query=urlencode({name: text for name, text in query.items() if text})).geturl()


async def test_a_person_is_sent_to_the_provider_and_back_to_the_page_they_wanted(desk: DeskUnderTest) -> None:
    async with desk.browser() as browser:
        answer = await sign_in(browser)
        assert answer.headers["location"] == "/commitments?view=all"
        cookies = answer.headers.get_list("set-cookie")
        assert any(
            each.startswith("countersign-session=") and "HttpOnly" in each and "SameSite=lax" in each
            for each in cookies
        )
        page = await follow(browser, answer)
        assert "Dana Ruiz Accounting approver" in text_of(page)
        again = await browser.get("/sign-in?return_to=/directory")
        assert again.headers["location"] == "/directory"


async def test_whoever_was_signed_out_comes_back_to_their_page_also_in_two_tabs(
    desk: DeskUnderTest,
) -> None:
    async with desk.browser() as browser:
        expired = [
            await browser.post("/commitments/8841/reject", data={"reason": "Not again."}),
            await browser.post("/marks", headers={"referer": f"{URL}/commitments?view=ready&q=Riverside"}),
        ]
        links = [re.findall(r'href="(/sign-in[^"]*)">Sign in, and answer anew', page.text)[0] for page in expired]
        began = [await browser.get(link) for link in links]
        backs = [await choose_person(each.headers["location"]) for each in began]
        ends = [(await browser.get(back)).headers["location"] for back in backs]
        assert ends == ["/commitments/8841", "/commitments?view=ready&q=Riverside"]
        assert (await browser.get(links[0])).headers["location"] == ends[0]


async def test_somebody_else_is_asked_for_at_the_provider(desk: DeskUnderTest) -> None:
    async with desk.browser(DANA) as browser:
        address = (await browser.post("/sign-out", data={"then": "sign-in"})).headers["location"]
        asked = parse_qs(urlsplit((await browser.get(address)).headers["location"]).query)
        assert asked["prompt"] == ["select_account"]
        plain = parse_qs(urlsplit((await browser.get("/sign-in")).headers["location"]).query)
        assert "prompt" not in plain


async def test_the_request_has_pkce_and_a_nonce_and_the_token_is_not_stored(desk: DeskUnderTest) -> None:
    async with desk.browser() as browser:
        first, second = [await browser.get("/sign-in") for _ in range(2)]
        asked = [parse_qs(urlsplit(each.headers["location"]).query) for each in (first, second)]
        tokens = list(browser.cookies.values())
    for each in asked:
        assert each["code_challenge_method"] == ["S256"]
        assert each["scope"] == ["openid"]
    for name in ("state", "nonce", "code_challenge"):
        assert asked[0][name] != asked[1][name]
    async with desk.database.begin() as db:
        hashes = (await db.execute(select(desk_tables.SESSION.c.token_hash))).scalars().all()
    assert len(hashes) == len(tokens) == 2
    assert not {token.encode() for token in tokens} & set(hashes)


async def test_a_callback_with_another_state_is_refused(desk: DeskUnderTest) -> None:
    async with desk.browser() as browser:
        back = await choose_person((await browser.get("/sign-in")).headers["location"])
        for changed in (with_query(back, state="another"), with_query(back, state="")):
            refused = await browser.get(changed)
            assert refused.status_code == 400
            assert "not begun in this browser" in text_of(refused)
        assert SESSION not in str(browser.cookies)


async def test_a_callback_with_another_state_does_not_end_the_sign_in(desk: DeskUnderTest) -> None:
    async with desk.browser() as browser:
        back = await choose_person((await browser.get("/sign-in")).headers["location"])
        for state in ("x", "", "é", "\x00"):
            assert (await browser.get("/sign-in/callback", params={"state": state})).status_code == 400
        assert (await browser.get(back)).status_code == 303


async def test_a_callback_in_another_browser_is_refused(desk: DeskUnderTest) -> None:
    async with desk.browser() as attacker, desk.browser() as victim:
        back = await choose_person((await attacker.get("/sign-in")).headers["location"])
        assert (await victim.get(back)).status_code == 400
        await victim.get("/sign-in")
        assert (await victim.get(back)).status_code == 400
        assert (await victim.get("/directory")).headers["location"].startswith("/sign-in")


async def test_a_callback_works_once(desk: DeskUnderTest) -> None:
    async with desk.browser() as browser:
        back = await choose_person((await browser.get("/sign-in")).headers["location"])
        assert (await browser.get(back)).status_code == 303
        session = browser.cookies[desk.identity.cookies.name(SESSION)]
        again = await browser.get(back)
        assert again.headers["location"] == "/"
        assert browser.cookies[desk.identity.cookies.name(SESSION)] == session
        browser.cookies.clear()
        assert (await browser.get(back)).status_code == 400
    async with desk.database.begin() as db:
        assert (await db.execute(select(func.count()).select_from(desk_tables.SESSION))).scalar_one() == 1


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1)])
async def test_tabs_that_sign_in_at_once_all_end_on_their_pages_in_one_session(
    desk: DeskUnderTest, order: tuple[int, ...]
) -> None:
    wanted = ["/commitments?view=all", "/directory", "/sessions"]
    async with desk.browser() as browser:
        began = await asyncio.gather(*(browser.get("/sign-in", params={"return_to": page}) for page in wanted))
        backs = [await choose_person(each.headers["location"]) for each in began]
        for tab in order:
            assert (await browser.get(backs[tab])).headers["location"] == wanted[tab]
            assert (await browser.get(wanted[tab])).status_code == 200
        assert list(browser.cookies) == [desk.identity.cookies.name(SESSION)]
    async with desk.database.begin() as db:
        assert (await db.execute(select(desk_tables.SESSION.c.person_id))).scalars().all() == [DANA.person_id]


async def test_callbacks_that_arrive_at_once_all_sign_in(desk: DeskUnderTest) -> None:
    async with desk.browser() as browser:
        began = [await browser.get("/sign-in") for _ in range(4)]
        backs = [await choose_person(each.headers["location"]) for each in began]
        answers = await asyncio.gather(*map(browser.get, backs))
        assert [each.status_code for each in answers] == [303] * 4
        assert (await browser.get("/directory")).status_code == 200


async def test_another_person_who_signs_in_in_another_tab_replaces_the_first(desk: DeskUnderTest) -> None:
    async with desk.browser() as browser:
        began = [await browser.get("/sign-in") for _ in range(2)]
        danas, kims = [
            await choose_person(each.headers["location"], person.person_id)
            for each, person in zip(began, (DANA, KIM), strict=True)
        ]
        await browser.get(danas)
        assert "Dana Ruiz" in text_of(await browser.get("/directory"))
        await browser.get(kims)
        assert (await browser.get("/sessions")).status_code == 200
    async with desk.database.begin() as db:
        assert (await db.execute(select(desk_tables.SESSION.c.person_id))).scalars().all() == [KIM.person_id]


async def test_a_tab_does_not_sign_in_with_the_state_of_another_browser(desk: DeskUnderTest) -> None:
    async with desk.browser() as attacker, desk.browser() as victim:
        planted = await choose_person((await attacker.get("/sign-in")).headers["location"], KIM.person_id)
        own = await choose_person((await victim.get("/sign-in")).headers["location"])
        assert (await victim.get(planted)).status_code == 400
        assert (await victim.get(own)).status_code == 303
        assert (await victim.get(planted)).headers["location"] == "/"
        assert "Dana Ruiz" in text_of(await victim.get("/directory"))


async def test_a_browser_keeps_a_limited_number_of_sign_ins_and_forgets_the_oldest(desk: DeskUnderTest) -> None:
    async with desk.browser() as browser:
        browser.cookies.set(desk.identity.cookies.name("sign-in-another;"), "x")
        began = [await browser.get("/sign-in") for _ in range(MAX_PENDING + 2)]
        assert len(browser.cookies) == MAX_PENDING + 1
        oldest, newest = [await choose_person(began[place].headers["location"]) for place in (1, -1)]
        assert (await browser.get(oldest)).status_code == 400
        assert (await browser.get(newest)).status_code == 303


async def test_an_answer_with_another_nonce_is_refused(desk: DeskUnderTest) -> None:
    async with desk.browser() as browser:
        address = (await browser.get("/sign-in")).headers["location"]
        refused = await browser.get(await choose_person(with_query(address, nonce="another")))
    assert refused.status_code == 400
    assert "does not prove who you are" in text_of(refused)


async def test_a_code_that_the_provider_does_not_confirm_is_refused(desk: DeskUnderTest) -> None:
    async with desk.browser() as browser:
        back = await choose_person((await browser.get("/sign-in")).headers["location"])
        refused = await browser.get(with_query(back, code="another"))
    assert refused.status_code == 400
    assert "did not confirm this sign-in" in text_of(refused)


async def test_a_provider_that_does_not_know_our_client_is_logged_once_and_no_fault_of_the_person(
    database_url: str, sandbox: SandboxProvider
) -> None:
    wrong = settings(database_url, issuer=sandbox.issuer).model_copy(update={"oidc_client_secret": SecretStr("wrong")})
    async with running_desk(wrong) as desk, desk.browser() as browser:
        failed = REGISTRY.get_sample_value("approval_sign_ins_total", {"outcome": "failed"}) or 0.0
        with capture_logs() as lines:
            answers = [await sign_in(browser) for _ in range(2)]
        assert REGISTRY.get_sample_value("approval_sign_ins_total", {"outcome": "failed"}) == failed + 2
        assert {each.status_code for each in answers} == {503}
        assert "does not know this desk. Tell whoever runs it." in text_of(answers[0])
    [said] = [line for line in lines if line["event"] == "sign_in.failed"]
    assert said["cause"].endswith("(invalid_client): OIDC_CLIENT_ID or OIDC_CLIENT_SECRET is wrong")


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        (response_bytes(404), "answers 404"),
        (response_bytes(302, b"", "Location: /"), "answers 302"),
        (response_bytes(200, b"<html>"), "answers with something else than JSON"),
        (response_bytes(200, b"[]"), "has no usable object"),
        (response_bytes(200, b'{"issuer": "x"}'), "has no usable authorization_endpoint, jwks_uri, token_endpoint"),
    ],
)
async def test_what_is_wrong_with_the_provider_is_logged_with_its_address(
    database_url: str, answer: bytes, cause: str
) -> None:
    async with (
        scripted_server(answer) as script,
        running_desk(settings(database_url, issuer=script.url)) as desk,
        desk.browser() as browser,
    ):
        with capture_logs() as lines:
            assert (await browser.get("/sign-in")).status_code == 503
    [said] = [line for line in lines if line["event"] == "sign_in.failed"]
    assert said["cause"] == f"{script.url}/.well-known/openid-configuration {cause}"


async def test_a_bearer_token_for_another_audience_is_logged_and_none_at_all_is_not(
    desk: DeskUnderTest, sandbox: SandboxProvider
) -> None:
    async with desk.browser() as program:
        with capture_logs() as lines:
            for token in (sandbox.bearer_token(DANA.person_id, Flaw.WRONG_AUDIENCE), "a.b.c"):
                answer = await program.get("/api/v1/me", headers={"authorization": f"Bearer {token}"})
                assert answer.status_code == 401
            assert (await program.get("/api/v1/me")).status_code == 401
    [said] = [line for line in lines if line["event"] == "sign_in.failed"]
    assert said["cause"] == f"a token that should be for {AUDIENCE} has another aud than that demands"


async def test_an_opaque_token_is_refused_in_words_that_say_what_to_ask_for(desk: DeskUnderTest) -> None:
    async with desk.browser() as program:
        answer = await program.get("/api/v1/me", headers={"authorization": "Bearer mF28tDJ-XOOlwwNXUoKR"})
    assert (answer.status_code, answer.json()["detail"][:35]) == (401, "The token is not a JSON Web Token. ")


@pytest.mark.parametrize(("code", "lines"), [("invalid_scope", 1), ("access_denied", 0), ("any+text", 0)])
async def test_only_what_the_provider_says_of_our_request_is_logged(desk: DeskUnderTest, code: str, lines: int) -> None:
    failed = REGISTRY.get_sample_value("approval_sign_ins_total", {"outcome": "failed"})
    async with desk.browser() as browser:
        with capture_logs() as logged:
            assert (await browser.get(f"/sign-in/callback?error={code}")).status_code == 400
    assert (
        REGISTRY.get_sample_value("approval_sign_ins_total", {"outcome": "failed"}) == failed
    )  # anybody can ask for this page
    assert [line["event"] for line in logged].count("sign_in.failed") == lines


async def test_a_refusal_by_the_provider_is_shown(desk: DeskUnderTest) -> None:
    async with desk.browser() as browser:
        refused = await browser.get("/sign-in/callback?error=access_denied&error_description=Send+money+to")
    assert refused.status_code == 400
    assert "Send money" not in refused.text


@pytest.mark.parametrize(
    "wanted",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "javascript:alert(1)",
        "evil",
        "/\n/evil",
        "",
        "/\t/evil.example",
        "/" + "x" * 2_000,
    ],
)
def test_no_address_leads_away_from_the_desk_after_sign_in(wanted: str) -> None:
    assert own_path(wanted) == "/"


async def test_the_redirect_after_sign_in_stays_on_the_desk(desk: DeskUnderTest) -> None:
    async with desk.browser() as browser:
        began = await browser.get("/sign-in?return_to=//evil.example/x")
        assert (await browser.get(await choose_person(began.headers["location"]))).headers["location"] == "/"
        assert (await browser.get("/sign-in?return_to=https://evil.example")).headers["location"] == "/"


async def test_signing_out_ends_the_session_on_the_server(desk: DeskUnderTest) -> None:
    async with desk.browser() as browser:
        await sign_in(browser)
        token = browser.cookies[desk.identity.cookies.name(SESSION)]
        assert len(base64.urlsafe_b64decode(token + "=")) == 32  # random bytes
        signed_out = await browser.post("/sign-out")
        assert signed_out.headers["clear-site-data"] == '"cache", "storage"'
        assert "You are signed out" in text_of(await follow(browser, signed_out))
        browser.cookies.set(desk.identity.cookies.name(SESSION), token)
        assert (await browser.get("/directory")).headers["location"].startswith("/sign-in?return_to=")
        assert (await browser.get("/sign-out")).status_code in (404, 405)


async def test_an_expired_session_does_not_count_and_is_deleted(desk: DeskUnderTest) -> None:
    table = desk_tables.SESSION
    async with desk.browser(DANA) as browser:
        assert (await browser.get("/directory")).status_code == 200
        async with desk.database.begin() as db:
            await db.execute(update(table).values(expires_at=datetime.now(UTC)))
        assert (await browser.get("/directory")).status_code == 303
        await desk.identity.sessions.begin("somebody", HOURS)
    async with desk.database.begin() as db:
        assert (await db.execute(select(func.count()).select_from(table))).scalar_one() == 1


async def test_a_session_that_is_not_used_for_long_does_not_count(desk: DeskUnderTest) -> None:
    table, idle = desk_tables.SESSION, timedelta(minutes=desk.settings.session_idle_minutes)
    async with desk.browser(DANA) as browser:
        for used_ago, status in ((idle - timedelta(minutes=1), 200), (timedelta(), 200), (idle, 303)):
            async with desk.database.begin() as db:
                await db.execute(update(table).values(used_at=datetime.now(UTC) - used_ago))
            assert (await browser.get("/directory")).status_code == status


async def test_what_an_open_list_asks_by_itself_is_no_use_of_a_session(desk: DeskUnderTest) -> None:
    table, news = desk_tables.SESSION, "/news?count=0&since=2026-11-16T15:02:00Z"
    used_at = datetime.now(UTC) - timedelta(minutes=desk.settings.session_idle_minutes - 1)
    async with desk.browser(DANA) as browser:
        async with desk.database.begin() as db:
            await db.execute(update(table).values(used_at=used_at))
        assert (await browser.get(news)).status_code == 200
        async with desk.database.begin() as db:
            assert (await db.execute(select(table.c.used_at))).scalar_one() == used_at
        assert (await browser.get("/directory")).status_code == 200
        async with desk.database.begin() as db:
            assert (await db.execute(select(table.c.used_at))).scalar_one() > used_at


async def test_a_browser_with_very_many_sign_ins_gets_a_short_answer(desk: DeskUnderTest) -> None:
    name = desk.identity.cookies.name("sign-in-")
    async with desk.browser(cookie="; ".join(f"{name}{n:x}=" for n in range(1_000))) as browser:
        answer = await browser.get("/sign-in")
    assert answer.status_code == 303
    assert len(answer.headers.get_list("set-cookie")) == MAX_PENDING + 1


async def test_a_session_from_before_its_use_was_noted_counts(desk: DeskUnderTest) -> None:
    async with desk.browser(DANA) as browser:
        async with desk.database.begin() as db:
            await db.execute(update(desk_tables.SESSION).values(used_at=None))
        assert (await browser.get("/directory")).status_code == 200
        async with desk.database.begin() as db:
            assert (await db.execute(select(desk_tables.SESSION.c.used_at))).scalar_one() is not None


async def test_a_person_has_a_limited_number_of_sessions_and_the_oldest_ends(desk: DeskUnderTest) -> None:
    sessions = desk.identity.sessions
    other = await sessions.begin(KIM.person_id, HOURS)
    tokens = [await sessions.begin(DANA.person_id, HOURS + timedelta(seconds=n)) for n in range(MAX_SESSIONS + 2)]
    found = [await sessions.find(token) is not None for token in tokens]
    assert found == [False, False] + [True] * MAX_SESSIONS
    assert await sessions.find(other)


async def test_people_see_where_they_are_signed_in_and_end_what_they_do_not_know(desk: DeskUnderTest) -> None:
    async with (
        desk.browser(user_agent="Firefox") as here,
        desk.browser(user_agent="<b>Chrome</b>") as there,
        desk.browser(KIM) as kim,
    ):
        await sign_in(here)
        await sign_in(there)
        page = await here.get("/sessions")
        assert text_of(page).count("Another browser <b>Chrome</b>") == 1
        assert text_of(page).count("This browser Firefox") == 1
        session = await desk.identity.sessions.find(here.cookies[desk.identity.cookies.name(SESSION)])
        assert session is not None
        lines = await desk.identity.sessions.of_person(str(session.person_id))
        assert [line.expires_at - line.used_at for line in lines if line.used_at] == [timedelta(minutes=120)] * 2
        (other,) = set(re.findall(r'name="name" value="([0-9a-f]+)"', page.text)) - {session.name}
        assert (await kim.post("/sessions/end", data={"name": other})).status_code == 303
        assert (await there.get("/directory")).status_code == 200
        assert (await here.post("/sessions/end", data={"name": other})).headers["location"] == "/sessions"
        assert (await there.get("/directory")).status_code == 303
        assert (await here.get("/directory")).status_code == 200


async def test_sign_ins_that_nobody_finishes_are_limited_and_the_oldest_end(desk: DeskUnderTest) -> None:
    soon, table = datetime.now(UTC) + timedelta(minutes=5), desk_tables.SESSION
    flood = [
        {"token_hash": n.to_bytes(32), "state": "{}", "expires_at": soon + timedelta(microseconds=n)}
        for n in range(MAX_PENDING_SIGN_INS)
    ]
    dana = await desk.identity.sessions.begin(DANA.person_id, timedelta(minutes=1))
    async with desk.database.begin() as db:
        await db.execute(table.insert(), flood)
    async with desk.browser() as browser:
        assert (await sign_in(browser)).status_code == 303
        async with desk.database.begin() as db:
            oldest = await db.scalar(select(func.min(table.c.expires_at)).where(table.c.person_id.is_(None)))
            count = await db.scalar(select(func.count()).where(table.c.person_id.is_(None)))
    assert (oldest, count) == (flood[1]["expires_at"], MAX_PENDING_SIGN_INS - 1)
    assert await desk.identity.sessions.find(dana)


async def test_sessions_are_shown_to_browsers_and_ended_from_our_pages_only(desk: DeskUnderTest) -> None:
    async with desk.browser() as nobody, desk.browser(DANA, sec_fetch_site="cross-site") as elsewhere:
        assert (await nobody.get("/sessions")).headers["location"].startswith("/sign-in?return_to=")
        assert (await nobody.post("/sessions/end", data={"name": "x"})).status_code == 401
        assert (await elsewhere.post("/sessions/end", data={"name": "x"})).status_code == 403


async def test_an_address_may_begin_a_limited_number_of_sign_ins_and_end_as_many(
    database_url: str, sandbox: SandboxProvider
) -> None:
    few = settings(database_url, issuer=sandbox.issuer).model_copy(update={"sign_ins_per_minute": 3})
    async with running_desk(few) as desk, desk.browser() as browser:
        answers = [await browser.get("/sign-in") for _ in range(4)]
        ends = [await browser.get("/sign-in/callback?state=x") for _ in range(4)]
    assert [each.status_code for each in answers] == [303] * 3 + [429]
    assert [each.status_code for each in ends] == [400] * 3 + [429]
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 60
    assert "There were too many requests. Try again in" in text_of(answers[-1])


async def test_somebody_who_is_signed_in_needs_no_new_sign_in(desk: DeskUnderTest) -> None:
    async with desk.browser(DANA) as browser:
        for _ in range(desk.settings.sign_ins_per_minute + 1):
            assert (await browser.get("/sign-in")).headers["location"] == "/"


async def test_a_person_may_give_a_limited_number_of_answers(database_url: str, sandbox: SandboxProvider) -> None:
    wanted = settings(database_url, issuer=sandbox.issuer).model_copy(update={"commands_per_minute": 2})
    async with running_desk(wanted) as desk, desk.browser() as program:
        await desk.receive(*DIRECTORY.values())
        headers = {"authorization": f"Bearer {sandbox.bearer_token(DANA.person_id)}"}
        path = "/api/v1/commitments/none/accept"
        answer = {"revision": 1, "content_hash": "0" * 64}
        answers = [await program.post(path, json=answer, headers=headers) for _ in range(3)]
        assert [each.status_code for each in answers] == [404, 404, 429]
        assert answers[-1].headers["retry-after"]
        assert answers[-1].json()["title"] == "Too many requests"
        assert (await program.get("/api/v1/me", headers=headers)).status_code == 200


async def test_sign_ins_are_counted(desk: DeskUnderTest) -> None:
    before = REGISTRY.get_sample_value("approval_sign_ins_total", {"outcome": "succeeded"}) or 0.0
    async with desk.browser() as browser:
        await sign_in(browser)
    assert REGISTRY.get_sample_value("approval_sign_ins_total", {"outcome": "succeeded"}) == before + 1


async def test_all_sign_ins_share_one_client_for_the_provider(desk: DeskUnderTest) -> None:
    sign_in = desk.identity.sign_in
    await sign_in.begin("/")
    session = sign_in._client._session
    await sign_in.begin("/")
    assert session is not None
    assert sign_in._client._session is session


async def test_a_person_removed_from_the_directory_sees_nothing(desk: DeskUnderTest) -> None:
    async with desk.browser(DANA) as browser:
        await desk.receive(DirectoryPersonRemoved(person_id=DANA.person_id))
        assert (await browser.get("/directory")).status_code == 403


async def test_sessions_of_a_removed_person_end_and_those_of_others_stay(desk: DeskUnderTest) -> None:
    async with desk.browser(DANA) as browser, desk.browser(KIM) as other:
        await desk.receive(DirectoryPersonRemoved(person_id=DANA.person_id))
        with capture_logs() as lines:
            await end_sessions_of_removed(desk.database)
            await end_sessions_of_removed(desk.database)
        assert (await browser.get("/directory")).headers["location"].startswith("/sign-in?")
        assert (await other.get("/directory")).status_code == 200
    [said] = [line for line in lines if line["event"] == "session.ended"]
    assert (said["person_id"], said["how"]) == (DANA.person_id, "person_removed")


async def test_over_tls_the_cookie_is_bound_to_this_host(database_url: str) -> None:
    async with running_desk(settings(database_url, public_url="https://desk.example")) as desk:
        await desk.receive(*DIRECTORY.values())
        async with desk.browser(DANA) as browser:
            assert (await browser.get("/directory")).headers["strict-transport-security"]
            cleared = (await browser.post("/sign-out")).headers["set-cookie"]
    assert cleared.startswith("__Host-countersign-session=")
    assert "Secure" in cleared
    assert "Path=/" in cleared
    assert "Domain" not in cleared


async def test_a_bearer_token_identifies_a_person(desk: DeskUnderTest, sandbox: SandboxProvider) -> None:
    async with desk.browser() as program:
        for person, is_approver in ((DANA, True), (KIM, False)):
            headers = {"authorization": f"Bearer {sandbox.bearer_token(person.person_id)}"}
            answer = await program.get("/api/v1/me", headers=headers)
            assert answer.json()["id"] == person.person_id
            assert answer.json()["is_accounting_approver"] is is_approver


@pytest.mark.parametrize("flaw", list(Flaw))
async def test_a_bearer_token_with_a_flaw_is_refused(desk: DeskUnderTest, sandbox: SandboxProvider, flaw: Flaw) -> None:
    async with desk.browser() as program:
        headers = {"authorization": f"Bearer {sandbox.bearer_token(DANA.person_id, flaw)}"}
        refused = await program.get("/api/v1/me", headers=headers)
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"] == "Bearer"
    assert "token" in refused.json()["detail"]


_ODD_HEADER = base64.urlsafe_b64encode(b'{"alg": "RS256", "crit": 7}').rstrip(b"=").decode()


@pytest.mark.parametrize(
    "token",
    ["", "x", "a.b.c", "....", "é.é.é", "e30.e30.e30", "bnVsbA.bnVsbA.", "W10.W10.W10", f"{_ODD_HEADER}.e30.e30"],
)
async def test_a_malformed_bearer_token_is_refused(desk: DeskUnderTest, token: str) -> None:
    async with desk.browser() as program:
        refused = await program.get("/api/v1/me", headers={"authorization": f"Bearer {token}".encode()})
    assert refused.status_code == 401


async def test_an_id_token_is_not_an_access_token(desk: DeskUnderTest, sandbox: SandboxProvider) -> None:
    token = sandbox.signer.id_token(DANA, client_id=CLIENT.id, nonce=None, now=datetime.now(UTC))
    async with desk.browser() as program:
        assert (await program.get("/api/v1/me", headers={"authorization": f"Bearer {token}"})).status_code == 401


async def test_a_cookie_does_not_replace_a_bad_bearer_token(desk: DeskUnderTest) -> None:
    async with desk.browser(DANA) as browser:
        assert (await browser.get("/api/v1/me", headers={"authorization": "Bearer nonsense"})).status_code == 401


class Issuer:
    """A provider with the keys of a test, or any other `answer` in their place; counts how often it is asked."""

    def __init__(self) -> None:
        self.url = ""
        self.keys: list[Any] = []
        self.answer: bytes | None = None
        self.token_answer = b""
        self.keys_path = "/jwks"
        self.key_requests = 0
        self.configurations = 0
        self.app = FastAPI(openapi_url=None)
        self.app.add_api_route("/.well-known/openid-configuration", self._configuration)
        self.app.add_api_route("/token", self._tokens, methods=["POST"])
        self.app.add_api_route("/{path}", self._jwks)

    async def _configuration(self) -> dict[str, Any]:
        self.configurations += 1
        paths = {"authorization_endpoint": "/authorize", "token_endpoint": "/token", "jwks_uri": self.keys_path}
        return {"issuer": self.url} | {name: self.url + path for name, path in paths.items()}

    async def _tokens(self) -> StarletteResponse:
        return StarletteResponse(self.answer or self.token_answer)

    async def _jwks(self, path: str) -> StarletteResponse:
        self.key_requests += 1
        if f"/{path}" != self.keys_path:
            return StarletteResponse("<html>Not here any more", status_code=404)
        published = json.dumps({"keys": [key.as_dict(private=False) for key in self.keys]}).encode()
        return StarletteResponse(published if self.answer is None else self.answer)

    def token(self, key: Any, algorithm: str, header: Mapping[str, Any] = MappingProxyType({}), **claims: Any) -> str:
        merged = {"iss": self.url, "aud": AUDIENCE, "sub": "person-5", "exp": int(time.time()) + 60} | claims
        return jwt.encode(
            {"alg": algorithm, "kid": key.kid, **header},
            {name: claim for name, claim in merged.items() if claim is not None},
            key,
            algorithms=[algorithm],
        )


@pytest.fixture
async def issuer() -> AsyncIterator[Issuer]:
    made = Issuer()
    async with served(made.app) as url:
        made.url = url
        yield made


def rsa(kid: str) -> RSAKey:
    return RSAKey.generate_key(2048, parameters={"kid": kid})


async def test_a_new_key_of_the_provider_is_fetched_at_most_once_a_minute(issuer: Issuer) -> None:
    now = 1000.0
    provider = Provider(issuer.url, leeway_seconds=30, clock=lambda: now)
    old, new, unknown = rsa("old"), rsa("new"), rsa("unknown")
    issuer.keys = [old]
    assert (await provider.verified(issuer.token(old, "RS256"), AUDIENCE)).claims["sub"] == "person-5"
    issuer.keys = [old, new]
    for _ in range(3):
        with pytest.raises(NotSignedInError):
            await provider.verified(issuer.token(new, "RS256"), AUDIENCE)
    assert issuer.key_requests == 1
    now += REFETCH_SECONDS
    assert await provider.verified(issuer.token(new, "RS256"), AUDIENCE)
    for _ in range(3):
        with pytest.raises(NotSignedInError):
            await provider.verified(issuer.token(unknown, "RS256"), AUDIENCE)
    assert issuer.key_requests == 2


ODD_ANSWERS = (
    b"",
    b"{}",
    b"null",
    b'{"keys": []}',
    b'{"keys": {}}',
    b'{"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}',
    b"<html>Maintenance</html>",
    b"[" * 100_000,
    b"\xff",
)


@pytest.mark.parametrize("answer", ODD_ANSWERS)
async def test_an_answer_without_keys_locks_nobody_out_and_is_asked_about_again_after_a_minute(
    issuer: Issuer, answer: bytes
) -> None:
    now = 1000.0
    provider = Provider(issuer.url, leeway_seconds=30, clock=lambda: now)
    old, new = rsa("old"), rsa("new")
    issuer.keys = [old]
    assert await provider.verified(issuer.token(old, "RS256"), AUDIENCE)
    issuer.keys, issuer.answer, now = [old, new], answer, now + 3600
    for _ in range(3):
        assert await provider.verified(issuer.token(old, "RS256"), AUDIENCE)
        with pytest.raises(NotSignedInError):
            await provider.verified(issuer.token(new, "RS256"), AUDIENCE)
    assert issuer.key_requests == 2
    issuer.answer, now = None, now + REFETCH_SECONDS
    assert await provider.verified(issuer.token(new, "RS256"), AUDIENCE)


@pytest.mark.parametrize("answer", ODD_ANSWERS)
async def test_a_first_answer_without_keys_makes_the_provider_unavailable_for_seconds_only(
    issuer: Issuer, answer: bytes
) -> None:
    now, key = 1000.0, rsa("key")
    provider = Provider(issuer.url, leeway_seconds=30, clock=lambda: now)
    issuer.keys, issuer.answer = [key], answer
    for _ in range(3):
        with pytest.raises(ProviderUnavailableError):
            await provider.verified(issuer.token(key, "RS256"), AUDIENCE)
    assert issuer.key_requests == 1
    issuer.answer, now = None, now + FIRST_RETRY_SECONDS
    assert await provider.verified(issuer.token(key, "RS256"), AUDIENCE)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"null",
        b"[]",
        b'"x"',
        b"<html>",
        b"\xff",
        b'{"error": 5}',
        b'{"expires_in": 1e400}',
        b'{"expires_in": "x"}',
        b"7",
        b"true",
        b'[["id_token", 7]]',
    ],
)
async def test_an_odd_answer_to_a_code_is_a_failed_sign_in(database_url: str, issuer: Issuer, answer: bytes) -> None:
    async with running_desk(settings(database_url, issuer=issuer.url)) as desk, desk.browser() as browser:
        began = parse_qs(urlsplit((await browser.get("/sign-in")).headers["location"]).query)
        issuer.answer = answer
        page = await browser.get("/sign-in/callback", params={"state": began["state"][0], "code": "a-code"})
    assert page.status_code == 400
    assert "did not confirm this sign-in" in text_of(page)


async def test_an_id_token_with_an_odd_claim_is_a_failed_sign_in(database_url: str, issuer: Issuer) -> None:
    key = rsa("key")
    issuer.keys = [key]
    async with running_desk(settings(database_url, issuer=issuer.url)) as desk, desk.browser() as browser:
        began = parse_qs(urlsplit((await browser.get("/sign-in")).headers["location"]).query)
        claims = {"aud": CLIENT.id, "nonce": began["nonce"][0], "iat": int(time.time()), "at_hash": ["x"]}
        tokens = {"token_type": "bearer", "access_token": "x", "id_token": issuer.token(key, "RS256", **claims)}
        issuer.token_answer = json.dumps(tokens).encode()
        page = await browser.get("/sign-in/callback", params={"state": began["state"][0], "code": "a-code"})
    assert page.status_code == 400
    assert "does not prove who you are" in text_of(page)


async def test_keys_that_cannot_be_used_are_left_out_and_logged_once(issuer: Issuer) -> None:
    now, key = 1000.0, rsa("key")
    provider = Provider(issuer.url, leeway_seconds=30, clock=lambda: now)
    odd = [{"kty": "EC", "crv": "P-999", "x": "AA", "y": "AA", "kid": "key"}, {"kty": "oct", "k": "AA", "kid": "key"}]
    issuer.answer = json.dumps({"keys": [*odd, key.as_dict(private=False)]}).encode()
    with capture_logs() as lines:
        for _ in range(3):
            assert await provider.verified(issuer.token(key, "RS256"), AUDIENCE)
            now += 3600
    assert issuer.key_requests == 3
    assert [line for line in lines if line["event"] == "sign_in.keys_left_out"] == [
        {"event": "sign_in.keys_left_out", "log_level": "warning", "reasons": {"other type": 1, "secret": 1}}
    ]


async def test_a_key_that_was_replaced_under_its_id_is_fetched(issuer: Issuer) -> None:
    now, old, new = 1000.0, rsa("key"), rsa("key")
    provider = Provider(issuer.url, leeway_seconds=30, clock=lambda: now)
    issuer.keys = [old]
    assert await provider.verified(issuer.token(old, "RS256"), AUDIENCE)
    issuer.keys, now = [new], now + REFETCH_SECONDS
    assert await provider.verified(issuer.token(new, "RS256"), AUDIENCE)
    for _ in range(3):
        with pytest.raises(NotSignedInError):
            await provider.verified(issuer.token(old, "RS256"), AUDIENCE)
    assert issuer.key_requests == 2


async def test_keys_that_have_moved_are_found(issuer: Issuer) -> None:
    now, old, new = 1000.0, rsa("old"), rsa("new")
    provider = Provider(issuer.url, leeway_seconds=30, clock=lambda: now)
    issuer.keys = [old]
    assert await provider.verified(issuer.token(old, "RS256"), AUDIENCE)
    issuer.keys, issuer.keys_path, now = [new], "/keys", now + REFETCH_SECONDS
    assert await provider.verified(issuer.token(new, "RS256"), AUDIENCE)
    assert (await provider.endpoints()).jwks_uri == f"{issuer.url}/keys"
    assert issuer.configurations == 2


async def test_endpoints_are_read_again_after_an_hour_and_stay_known_while_that_fails(issuer: Issuer) -> None:
    now, address = 1000.0, issuer.url
    provider = Provider(address, leeway_seconds=30, clock=lambda: now)
    await provider.endpoints()
    issuer.url, now = "https://elsewhere.example", now + 3600
    assert (await provider.endpoints()).issuer == address
    issuer.url, issuer.keys_path, now = address, "/keys", now + REFETCH_SECONDS
    assert (await provider.endpoints()).jwks_uri == f"{address}/keys"


async def test_es256_is_accepted_and_other_signatures_are_refused(issuer: Issuer) -> None:
    provider = Provider(issuer.url, leeway_seconds=30)
    curve, rsa_key = ECKey.generate_key("P-256", parameters={"kid": "ec"}), rsa("rsa")
    issuer.keys = [curve, rsa_key]
    assert await provider.verified(issuer.token(curve, "ES256"), AUDIENCE)
    public = rsa_key.as_pem(private=False)
    for token in (issuer.token(rsa_key, "RS512"), issuer.token(rsa_key, "PS256"), shared_secret_token(issuer, public)):
        with pytest.raises(NotSignedInError):
            await provider.verified(token, AUDIENCE)


def shared_secret_token(issuer: Issuer, secret: bytes) -> str:
    """A token "signed" with the public key as a shared secret, which a careless verifier would accept."""
    claims = {"iss": issuer.url, "aud": AUDIENCE, "sub": "person-5", "exp": int(time.time()) + 60}
    signed = b".".join(base64url(json.dumps(part).encode()) for part in ({"alg": "HS256", "kid": "rsa"}, claims))
    return b".".join((signed, base64url(hmac.digest(secret, signed, "sha256")))).decode()


def base64url(raw: bytes) -> bytes:
    return base64.urlsafe_b64encode(raw).rstrip(b"=")


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": None},
        {"exp": 1},
        {"exp": "soon"},
        {"aud": None},
        {"aud": ["other"]},
        {"iss": None},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
        {"nbf": 9_999_999_999},
    ],
)
async def test_a_token_without_the_right_claims_is_refused(issuer: Issuer, claims: dict[str, Any]) -> None:
    key = rsa("key")
    issuer.keys = [key]
    with pytest.raises(NotSignedInError):
        await Provider(issuer.url, leeway_seconds=30).verified(issuer.token(key, "RS256", **claims), AUDIENCE)


@pytest.mark.parametrize(
    ("header", "claims", "status"),
    [
        ({}, {}, 200),
        ({"typ": "JWT"}, {}, 200),
        ({"typ": "application/at+jwt"}, {"aud": ["another-api", AUDIENCE]}, 200),
        ({"typ": "JWT"}, {"aud": [CLIENT.id, AUDIENCE]}, 401),
        ({"typ": "JWT"}, {"at_hash": "x"}, 401),
        ({"typ": "logout+jwt"}, {}, 401),
        ({"typ": "dpop+jwt"}, {}, 401),
    ],
)
async def test_only_an_access_token_that_is_for_the_api_alone_lets_a_program_in(
    database_url: str, issuer: Issuer, header: dict[str, Any], claims: dict[str, Any], status: int
) -> None:
    key = rsa("key")
    issuer.keys = [key]
    token = issuer.token(key, "RS256", header, **claims, sub=DANA.person_id)
    async with running_desk(settings(database_url, issuer=issuer.url)) as desk:
        await desk.receive(*DIRECTORY.values())
        async with desk.browser() as program:
            answer = await program.get("/api/v1/me", headers={"authorization": f"Bearer {token}"})
    assert answer.status_code == status


@pytest.mark.parametrize("subject", ["person\x005", "a person", "x" * 129])
async def test_a_token_about_something_that_is_no_id_is_refused(issuer: Issuer, subject: str) -> None:
    key = rsa("key")
    issuer.keys = [key]
    token = await Provider(issuer.url, leeway_seconds=30).verified(issuer.token(key, "RS256", sub=subject), AUDIENCE)
    with pytest.raises(NotSignedInError):
        person_id_of(token)


@pytest.mark.parametrize("headers", [(), ("Content-Encoding: gzip",)])
async def test_a_huge_answer_of_the_provider_is_read_no_further(headers: tuple[str, ...]) -> None:
    async with scripted_server(response_bytes(200, b" " * 4_000_000, *headers)) as script:
        with pytest.raises(ProviderUnavailableError):
            await Provider(script.url, leeway_seconds=30).endpoints()


async def test_whoever_asks_at_the_same_time_shares_one_request_to_the_provider() -> None:
    async with scripted_server(response_bytes(503)) as script:
        provider = Provider(script.url, leeway_seconds=30)
        answers = await asyncio.gather(*(provider.endpoints() for _ in range(20)), return_exceptions=True)
        assert {type(answer) for answer in answers} == {ProviderUnavailableError}
        assert len(script.received) == 1


async def test_a_small_clock_difference_is_tolerated(issuer: Issuer) -> None:
    key = rsa("key")
    issuer.keys = [key]
    now = int(time.time())
    for times in ({"exp": now - 100}, {"iat": now + 100}, {"nbf": now + 100}):
        token = issuer.token(key, "RS256", aud=["other", AUDIENCE], **times)
        assert await Provider(issuer.url, leeway_seconds=120).verified(token, AUDIENCE)
        with pytest.raises(NotSignedInError):
            await Provider(issuer.url, leeway_seconds=80).verified(token, AUDIENCE)


@pytest.mark.parametrize(("ahead", "status"), [(110, 303), (150, 400)])
async def test_people_sign_in_at_a_provider_whose_clock_is_ahead(
    desk: DeskUnderTest, sandbox: SandboxProvider, ahead: int, status: int
) -> None:
    sandbox.ahead = timedelta(seconds=ahead)
    async with desk.browser() as browser:
        assert (await sign_in(browser)).status_code == status


async def test_without_the_provider_sessions_continue_and_sign_in_is_unavailable(database_url: str) -> None:
    async with running_desk(settings(database_url)) as desk:
        await desk.receive(*DIRECTORY.values())
        async with desk.browser(DANA) as browser:
            assert (await browser.get("/directory")).status_code == 200
        async with desk.browser() as browser:
            page = await browser.get("/sign-in")
            assert page.status_code == 503
            assert "The sign-in provider does not answer." in text_of(page)
            problem = await browser.get("/api/v1/me", headers={"authorization": "Bearer a.b.c"})
            assert problem.status_code == 503
            assert problem.headers["content-type"] == "application/problem+json"


async def test_known_keys_stay_valid_without_the_provider() -> None:
    now, issuer, key = 0.0, Issuer(), rsa("key")
    issuer.keys = [key]
    async with served(issuer.app) as url:
        issuer.url = url
        provider = Provider(url, leeway_seconds=30, clock=lambda: now)
        assert await provider.verified(issuer.token(key, "RS256"), AUDIENCE)
    now += 7200
    assert await provider.verified(issuer.token(key, "RS256"), AUDIENCE)
    with pytest.raises(NotSignedInError):
        await provider.verified(issuer.token(rsa("new"), "RS256"), AUDIENCE)


async def test_a_provider_with_another_issuer_is_refused(issuer: Issuer) -> None:
    address, issuer.url = issuer.url, "https://elsewhere.example"
    with pytest.raises(ProviderUnavailableError, match="another name"):
        await Provider(address, leeway_seconds=30).endpoints()
