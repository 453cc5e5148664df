"""`countersign sessions` on a real PostgreSQL, beside the desk whose sessions it ends."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime

import pytest

from services.approval.identity.identity import SESSION
from services.approval.storage.migrations import MIGRATIONS
from services.pipeline.migrations import migrate
from tests.integration.approval.company import DANA, KIM
from tests.integration.approval.desk import DeskUnderTest, running_desk, settings
from tests.integration.test_command import Ended, countersign


@pytest.fixture
async def desk(database_url: str) -> AsyncIterator[DeskUnderTest]:
    wanted = settings(database_url)
    await migrate(wanted.database_url, MIGRATIONS)
    async with running_desk(wanted) as running:
        yield running


async def sessions(desk: DeskUnderTest, *arguments: str) -> Ended:
    environment = {"DATABASE_URL": desk.settings.database_url.get_secret_value()}
    return await asyncio.to_thread(countersign, environment, "sessions", *arguments)


async def test_an_operator_sees_who_is_signed_in_and_nothing_to_sign_in_with(desk: DeskUnderTest) -> None:
    async with desk.browser(DANA) as browser, desk.browser(KIM):
        everybody = (await sessions(desk, "list", "--json")).result
        danas = await sessions(desk, "list", DANA.person_id, "--json")
        assert {each["person_id"] for each in everybody} == {DANA.person_id, KIM.person_id}
        [listed] = danas.result
        assert listed["person_id"] == DANA.person_id
        assert browser.cookies[desk.identity.cookies.name(SESSION)] not in danas.stdout
        assert len(listed["session"]) < 64


async def test_one_session_or_all_of_a_person_are_ended_with_a_reason_that_is_kept(desk: DeskUnderTest) -> None:
    async with desk.browser(DANA) as first, desk.browser(DANA) as second, desk.browser(KIM) as other:
        names = [each["session"] for each in (await sessions(desk, "list", DANA.person_id, "--json")).result]
        no_reason = await sessions(desk, "end", DANA.person_id)
        one = await sessions(desk, "end", DANA.person_id, "--session", names[0], "--because", "lost phone", "--json")
        again = await sessions(desk, "end", DANA.person_id, "--session", names[0], "--because", "lost phone")
        statuses = sorted([(await each.get("/directory")).status_code for each in (first, second)])
        rest = await sessions(desk, "end", DANA.person_id, "--because", "left us", "--json")
        assert [(await each.get("/directory")).status_code for each in (first, second, other)] == [303, 303, 200]
        history = (await sessions(desk, "history", DANA.person_id, "--json")).result
        nobody = await sessions(desk, "end", DANA.person_id, "--because", "left us")

    assert (no_reason.status, one.result, again.status, statuses) == (2, {"sessions": 1}, 1, [200, 303])
    assert rest.result == {"sessions": 1}
    assert (nobody.status, nobody.stdout[:29]) == (0, "Ended: 0. Was it another id? ")
    assert all(datetime.fromisoformat(each["ended_at"]).microsecond == 0 for each in history)
    assert [(each["session"], each["because"]) for each in history] == [(names[1], "left us"), (names[0], "lost phone")]
    assert all(each["ended_by"] and each["person_id"] == DANA.person_id for each in history)


async def test_everybodys_sessions_end_only_where_that_is_said(desk: DeskUnderTest) -> None:
    async with desk.browser(DANA) as first, desk.browser(KIM) as second:
        unclear = await sessions(desk, "end", "--because", "leak")
        both = await sessions(desk, "end", DANA.person_id, "--everybody", "--because", "leak")
        unsure = await sessions(desk, "end", "--everybody", "--because", "leak")
        assert (await first.get("/directory")).status_code == 200
        ended = await sessions(desk, "end", "--everybody", "--because", "leak", "--yes", "--json")
        assert [(await each.get("/directory")).status_code for each in (first, second)] == [303, 303]

    assert (unclear.status, both.status, unsure.status, ended.result) == (2, 2, 1, {"sessions": 2})
