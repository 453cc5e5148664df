"""A person stops their daily summary and gets it back, however often they say so: by link, on the desk, by the API."""

import asyncio
from datetime import UTC, datetime

import orjson
import pytest

from schemas.events import DigestPreference, DirectoryPerson
from schemas.links import sign_unsubscribe
from services.approval.storage import tables
from tests.integration.approval.company import COMPANY, DANA, KIM, LEE
from tests.integration.approval.desk import LINK_SECRET, DeskUnderTest
from tests.integration.approval.page_reader import follow, hidden_fields, text_of

API = "/api/v1/daily-summary"
LINK = f"/u/{sign_unsubscribe(LINK_SECRET, COMPANY, DANA.person_id)}"
ONE_CLICK = {"List-Unsubscribe": "One-Click"}
BACK = "Send me the summary again"


async def told(desk: DeskUnderTest) -> list[bool]:
    """What was published of Dana, in order; the versions must rise."""
    data = [orjson.loads(each)["data"] for each in await desk.published("digest.preference")]
    versions = [each["version"] for each in data]
    assert versions == sorted(set(versions))
    assert {each["person_id"] for each in data} <= {DANA.person_id}
    return [each["subscribed"] for each in data]


def preference(version: int, *, subscribed: bool) -> DigestPreference:
    return DigestPreference(company_id=COMPANY, person_id=DANA.person_id, version=version, subscribed=subscribed)


async def test_a_link_that_is_used_fifty_times_tells_it_once(desk: DeskUnderTest) -> None:
    async with desk.browser(sec_fetch_site="cross-site") as mail_client:
        answers = [await mail_client.post(LINK, data=ONE_CLICK) for _ in range(50)]
    assert {each.status_code for each in answers} == {200}
    assert await told(desk) == [False]


async def test_a_link_that_is_used_fifty_times_at_once_tells_it_once(desk: DeskUnderTest) -> None:
    async with desk.browser(sec_fetch_site="cross-site") as mail_client:
        answers = await asyncio.gather(*(mail_client.post(LINK, data=ONE_CLICK) for _ in range(50)))
    assert {each.status_code for each in answers} == {200}
    assert await told(desk) == [False]


async def test_opening_the_link_changes_nothing_and_says_how_it_is(desk: DeskUnderTest) -> None:
    async with desk.browser() as scanner:
        for method in ("GET", "HEAD", "OPTIONS", "PUT", "DELETE"):
            await scanner.request(method, LINK)
        before = text_of(await scanner.get(LINK))
        await scanner.post(LINK)
        after = await scanner.get(LINK)
    assert await told(desk) == [False]
    assert "Stop the daily summary?" in before
    assert "The daily summary is stopped" in text_of(after)
    assert f'href="/access#daily-summary">{BACK}' in after.text


async def test_the_link_alone_brings_nothing_back(desk: DeskUnderTest) -> None:
    async with desk.browser(sec_fetch_site="cross-site") as holder:
        await holder.post(LINK)
        for fields in ({"wanted": "yes"}, {"subscribed": "true"}, ONE_CLICK):
            await holder.post(LINK, data=fields)
        refused = await holder.post("/access/daily-summary", data={"wanted": "yes"})
    assert refused.status_code in (401, 403)
    assert await told(desk) == [False]


async def test_who_is_signed_in_gets_it_back_from_the_page_of_the_link(desk: DeskUnderTest) -> None:
    async with desk.browser(DANA) as browser, desk.browser(LEE) as of_another:
        stopped = await browser.post(LINK)
        done = await follow(
            browser, await browser.post("/access/daily-summary", data=hidden_fields(stopped, "/access/daily-summary"))
        )
        again = await browser.get(LINK)
        seen_by_another = await of_another.get(LINK)
    assert BACK in text_of(stopped)
    assert "You get the mail 'ERP Integrations Daily Summary' every morning" in text_of(done)
    assert "Stop the daily summary?" in text_of(again)
    assert "/access/daily-summary" not in seen_by_another.text
    assert await told(desk) == [False, True]


async def test_the_desk_stops_it_and_brings_it_back_as_often_as_it_is_pressed(desk: DeskUnderTest) -> None:
    async with desk.browser(DANA) as browser:
        for wanted in ("no", "no", "yes", "yes", "maybe", "", "no"):
            await browser.post("/access/daily-summary", data={"wanted": wanted})
        page = await browser.get("/access")
    assert await told(desk) == [False, True, False]
    assert "You have stopped the mail" in text_of(page)
    assert hidden_fields(page, "/access/daily-summary") == {"wanted": "yes"}


async def test_a_foreign_page_can_neither_stop_it_nor_bring_it_back(desk: DeskUnderTest) -> None:
    async with desk.browser(DANA, sec_fetch_site="cross-site") as browser:
        answers = [await browser.post("/access/daily-summary", data={"wanted": each}) for each in ("no", "yes")]
    assert {each.status_code for each in answers} == {403}
    assert await told(desk) == []


async def test_the_api_says_how_it_is_and_repeats_nothing(desk: DeskUnderTest) -> None:
    async with desk.browser(DANA) as program:
        verbs = ("unsubscribe", "unsubscribe", "subscribe", "subscribe")
        before = (await program.get(API)).json()
        given = [(await program.post(f"{API}/{verb}")).json() for verb in verbs]
        states = [before, *given, (await program.get(API)).json()]
    assert [each["subscribed"] for each in states] == [True, False, False, True, True, True]
    assert states[0] == {"subscribed": True, "directory_subscribed": True, "is_accounting_approver": True}
    assert await told(desk) == [False, True]


@pytest.mark.parametrize(
    ("who", "words"),
    [
        (
            DANA.model_copy(update={"version": 2, "digest_subscribed": False}),
            "Your company's directory says that you do not",
        ),
        (KIM, "Only accounting approvers get it."),
    ],
)
async def test_the_desk_says_what_else_keeps_the_summary_back(
    desk: DeskUnderTest, who: DirectoryPerson, words: str
) -> None:
    await desk.receive(who)
    async with desk.browser(who) as browser:
        assert words in text_of(await browser.get("/access"))


async def test_a_directory_that_says_true_again_leaves_a_persons_own_wish(desk: DeskUnderTest) -> None:
    async with desk.browser(DANA) as browser:
        await browser.post(f"{API}/unsubscribe")
        for version, subscribed in ((2, False), (3, True)):
            await desk.receive(DANA.model_copy(update={"version": version, "digest_subscribed": subscribed}))
        state = (await browser.get(API)).json()
    assert (state["subscribed"], state["directory_subscribed"]) == (False, True)
    assert await told(desk) == [False]


async def test_a_wish_of_before_this_table_is_read_from_the_topic_and_outlived_by_the_next(desk: DeskUnderTest) -> None:
    await desk.receive(preference(7, subscribed=False))
    async with desk.browser(DANA) as browser:
        assert (await browser.get(API)).json()["subscribed"] is False
        await browser.post(f"{API}/unsubscribe")
        assert await told(desk) == []
        await browser.post(f"{API}/subscribe")
    assert await told(desk) == [True]


async def test_a_wish_has_a_higher_version_than_the_last_one_also_when_the_clock_was_set_back(
    desk: DeskUnderTest,
) -> None:
    ahead = int(datetime(2999, 1, 1, tzinfo=UTC).timestamp() * 1000)
    await desk.receive(preference(ahead, subscribed=False))
    async with desk.browser(DANA) as browser:
        await browser.post(f"{API}/subscribe")
    (data,) = [orjson.loads(each)["data"] for each in await desk.published("digest.preference")]
    assert data["version"] == ahead + 1


async def test_a_restored_database_tells_every_wish_until_it_has_caught_up(desk: DeskUnderTest) -> None:
    async with desk.browser(DANA) as browser:
        await browser.post(f"{API}/subscribe")
        desk.is_caught_up = False  # whatever was said after the backup is not known yet
        await browser.post(f"{API}/subscribe")
        desk.is_caught_up = True
        await browser.post(f"{API}/subscribe")
    assert await told(desk) == [True, True]


async def test_our_own_event_that_comes_back_changes_nothing(desk: DeskUnderTest) -> None:
    async with desk.browser(DANA) as browser:
        await browser.post(f"{API}/unsubscribe")
        (published,) = await desk.consumer.published("digest.preference")
        await desk.consumer.process(published)
        await browser.post(f"{API}/subscribe")
        await desk.consumer.process(published)
        assert (await browser.get(API)).json()["subscribed"] is True
    (row,) = await desk.consumer.rows(tables.PREFERENCE)
    assert orjson.loads(row["record"])["subscribed"] is True
