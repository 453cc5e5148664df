"""What the log says of sign-ins, sessions and refusals: who and which route, and nothing that is secret or personal."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import pytest
from httpx2 import AsyncClient
from pydantic import SecretStr
from structlog.testing import capture_logs

from sandbox.sign_in import Client, Flaw, running_sign_in
from sandbox.sign_in import Provider as SandboxProvider
from schemas.examples.cast import DIRECTORY
from services.approval.identity.identity import SESSION
from tests.integration.approval.company import DANA, KIM
from tests.integration.approval.desk import URL, DeskUnderTest, running_desk, settings
from tests.integration.approval.test_sign_in import sign_in

CLIENT = Client("countersign", SecretStr("of the tests"), (f"{URL}/sign-in/callback",), "countersign-api")
Lines = Sequence[Mapping[str, Any]]


@pytest.fixture
async def provider() -> AsyncIterator[SandboxProvider]:
    async with running_sign_in(CLIENT) as running:
        yield running


@pytest.fixture
async def desk(database_url: str, provider: SandboxProvider) -> AsyncIterator[DeskUnderTest]:
    async with running_desk(settings(database_url, issuer=provider.issuer)) as running:
        await running.receive(*DIRECTORY.values())
        yield running


def of(lines: Lines, event: str) -> list[Mapping[str, Any]]:
    return [line for line in lines if line["event"] == event]


async def test_a_sign_in_and_the_end_of_its_session_are_told_with_ids_only(desk: DeskUnderTest) -> None:
    with capture_logs() as lines:
        async with desk.browser() as browser:
            await sign_in(browser)
            token = browser.cookies[desk.identity.cookies.name(SESSION)]
            await browser.post("/sign-out")

    [signed_in], [ended] = of(lines, "sign_in.succeeded"), of(lines, "session.ended")
    assert signed_in["person_id"] == ended["person_id"] == DANA.person_id
    assert signed_in["session"] == ended["session"]
    assert ended["how"] == "signed_out"
    assert not any(each in str(lines) for each in (token, DANA.name, DANA.email))


async def test_a_session_that_its_owner_ends_is_told(desk: DeskUnderTest) -> None:
    async with desk.browser(DANA) as browser, desk.browser(DANA):
        other = next(each for each in (await browser.get("/api/v1/sessions")).json() if not each["is_current"])
        with capture_logs() as lines:
            await browser.post("/sessions/end", data={"name": other["name"]})
            await browser.post(f"/api/v1/sessions/{other['name']}/end")
    [ended] = of(lines, "session.ended")
    assert (ended["how"], ended["session"]) == ("by_owner", other["name"][:16])


async def refusals(browser: AsyncClient, provider: SandboxProvider) -> None:
    for _ in range(3):
        await browser.post("/commitments/8841/reject", data={"revision": "1", "reason": "No."})
        await browser.post("/sign-out", headers={"sec-fetch-site": "cross-site"})
        token = provider.bearer_token(KIM.person_id, Flaw.EXPIRED)
        await browser.get("/api/v1/me", headers={"authorization": f"Bearer {token}"})


async def test_what_is_refused_is_told_once_a_minute_for_each_person_and_route(
    desk: DeskUnderTest, provider: SandboxProvider
) -> None:
    async with desk.browser(KIM) as viewer:
        with capture_logs() as lines:
            await refusals(viewer, provider)
            await viewer.get("/directory")

    told = {(line["why"], line["route"]): line["person_id"] for line in of(lines, "request.refused")}
    assert told == {
        ("right_missing", "POST /commitments/{commitment_id}/{action}"): KIM.person_id,
        ("from_another_site", "POST /sign-out"): None,
        ("token_not_valid", "GET /api/v1/me"): None,
    }
    assert len(of(lines, "request.refused")) == len(told)


async def test_who_asks_too_often_or_comes_with_a_foreign_sign_in_is_told(
    database_url: str, provider: SandboxProvider
) -> None:
    few = settings(database_url, issuer=provider.issuer).model_copy(update={"sign_ins_per_minute": 1})
    async with running_desk(few) as desk, desk.browser() as browser:
        with capture_logs() as lines:
            await browser.get("/sign-in/callback?state=secret-state&code=secret-code")
            for _ in range(2):
                await browser.get("/sign-in")
            await browser.get("/commitments")
    told = [(line["why"], line["route"]) for line in of(lines, "request.refused")]
    assert told == [("sign_in_not_confirmed", "GET /sign-in/callback"), ("too_many_requests", "GET /sign-in")]
    assert "secret-" not in str(lines)
