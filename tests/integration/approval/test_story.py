"""The story on the desk and in the API: the other services' parts, what is missing, and what people may not see."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any
from urllib.parse import quote

import pytest
from pydantic import BaseModel, SecretStr
from sqlalchemy import text

from sandbox.serving import served
from schemas.fields import Status
from schemas.story import Part
from services.approval.explaining import MAX_LINES, explain
from services.approval.storage import audit
from services.approval.storage.migrations import MIGRATIONS
from services.pipeline.database import Database, Transaction
from services.pipeline.explaining import TailsOf, no_tails
from services.pipeline.http import new_app
from services.pipeline.migrations import Migrations
from services.pipeline.operations_endpoint import with_operations
from tests.integration.approval.company import DANA, EVE, accepted, content, sent
from tests.integration.approval.desk import DeskUnderTest, running_desk, settings
from tests.integration.approval.page_reader import text_of
from tests.integration.sweeping import recorded_plans
from tests.unit.approval.rules.story import parts
from tests.waiting import eventually

TOKEN = SecretStr("a secret of these tests")
FIRST, ODD = content("8841", "SC-014"), content("a/b..c?d", "SC-015")
LOCKED = "The vendor is being edited."
UNREAD = parts.reading("decision.rejected", 1, 9)


@pytest.fixture
def template(migrated: Callable[[Migrations], str]) -> str:
    """A database with approval's tables and no rows."""
    return migrated(MIGRATIONS)


@asynccontextmanager
async def desk_with(url: str, told: Mapping[str, Part], **changes: Any) -> AsyncIterator[DeskUnderTest]:
    """A desk that asks services which tell these parts; one that is not named has an address where nobody listens."""
    own = settings(url).model_copy(update={"operations_token": TOKEN})
    async with AsyncExitStack() as stack:
        urls = {f"{name}_url": "http://127.0.0.1:9" for name in ("exporter", "notifier", "digest")}
        database = Database(own.database_url, application_name="tests", pool_size=2)
        for name, part in told.items():
            app = with_operations(new_app(name), own, database, _telling(part))
            urls[f"{name}_url"] = await stack.enter_async_context(served(app))
        yield await stack.enter_async_context(running_desk(own.model_copy(update=urls | changes)))
        await database.close()


def _telling(part: Part) -> Any:
    async def tell(_database: Database, _asked: str, _tails: TailsOf) -> BaseModel:
        return part

    return tell


async def story(desk: DeskUnderTest, commitment_id: str = "8841", who: Any = DANA) -> dict[str, Any]:
    async with desk.browser(who) as browser:
        response = await browser.get(f"/api/v1/commitments/{quote(commitment_id, safe='')}/story")
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


async def page(desk: DeskUnderTest, commitment_id: str = "8841") -> str:
    async with desk.browser(DANA) as browser:
        response = await browser.get(f"/commitments/{quote(commitment_id, safe='')}/story")
    assert response.status_code == 200, response.text
    return text_of(response)


async def whole(desk: DeskUnderTest) -> tuple[str, dict[str, Any]]:
    """The page and the story once every service has answered: on a busy machine, that may take more than a second."""
    found: list[tuple[str, dict[str, Any]]] = []

    async def is_whole() -> bool:
        found[:] = [(await page(desk), await story(desk))]
        return not found[0][1]["missing"] and "its part is missing" not in found[0][0]

    await eventually(is_whole)
    return found[0]


ALL = {
    "exporter": parts.exporter(parts.export(), attempts=(parts.attempt(code="3176"),)),
    "notifier": parts.notifier(parts.mail(), traffic=UNREAD),
    "digest": parts.digest(Status.EXPORTING, is_listed=False),
}


async def test_the_page_and_the_api_tell_what_the_erp_answered_to_what_is_being_retried(database_url: str) -> None:
    async with desk_with(database_url, ALL) as desk:
        await desk.receive(sent(FIRST), accepted(FIRST))
        shown, told = await whole(desk)

    answer = f"Revision 1: QuickBooks could not take it yet: {LOCKED[:-1]} (code 3176)."
    assert answer in [each["text"] for each in told["timeline"]]
    assert answer in shown
    assert "It is sent to QuickBooks." in shown
    assert told["missing"] == []


async def test_services_that_do_not_answer_are_named_and_the_rest_is_told(database_url: str) -> None:
    async with desk_with(database_url, {}) as desk:
        await desk.receive(sent(FIRST))
        shown, told = await page(desk), await story(desk)

    sentences = [f"The {name} does not answer; its part is missing." for name in ("exporter", "notifier", "digest")]
    assert [each["text"] for each in told["missing"]] == sentences
    assert all(each in shown for each in sentences)
    assert "Sam Lee sent revision 1." in shown
    assert told["who"] == "An accounting approver"


async def test_without_a_token_nobody_is_asked(database_url: str) -> None:
    async with desk_with(database_url, ALL, operations_token=None) as desk:
        await desk.receive(sent(FIRST))
        told = await story(desk)
    assert [each["text"] for each in told["missing"]] == [
        f"The {name} is not asked from here; its part is missing." for name in ("exporter", "notifier", "digest")
    ]


async def test_another_token_is_as_no_answer(database_url: str) -> None:
    async with desk_with(database_url, ALL, operations_token=SecretStr("another secret of the desk")) as desk:
        await desk.receive(sent(FIRST))
        assert len((await story(desk))["missing"]) == 3


async def test_people_see_no_offset_no_command_and_no_cause(database_url: str) -> None:
    told = ALL | {"exporter": parts.exporter(traffic=parts.set_aside("decision.accepted"))}
    async with desk_with(database_url, told) as desk:
        await desk.receive(sent(FIRST), accepted(FIRST))
        shown, as_json = await whole(desk)

    for seen in (shown, str(as_json)):
        assert "The exporter could not process a message about it." in seen
        assert "decision.accepted/3" not in seen
        assert "KeyError" not in seen
        assert "countersign dead-letters" not in seen
        assert "commitment.sent/0" not in seen


async def test_odd_ids_have_a_story_and_unknown_ones_have_none(database_url: str) -> None:
    async with desk_with(database_url, ALL) as desk:
        await desk.receive(sent(ODD))
        assert "Story of SC-015" in await page(desk, ODD["id"])
        assert (await story(desk, ODD["id"]))["commitment_id"] == ODD["id"]
        async with desk.browser(DANA) as browser:
            assert (await browser.get("/commitments/unknown/story")).status_code == 404
            assert (await browser.get("/api/v1/commitments/unknown/story")).status_code == 404


async def test_another_company_sees_no_story(database_url: str) -> None:
    async with desk_with(database_url, ALL) as desk:
        await desk.receive(sent(FIRST))
        async with desk.browser(EVE) as browser:
            assert (await browser.get("/commitments/8841/story")).status_code == 404


async def test_the_page_of_a_commitment_links_to_its_story_and_asks_nobody(database_url: str) -> None:
    async with desk_with(database_url, {}) as desk:
        await desk.receive(sent(FIRST))
        async with desk.browser(DANA) as browser:
            shown = await browser.get("/commitments/8841")
    assert 'href="/commitments/8841/story"' in shown.text


async def test_the_part_of_approval_names_where_each_event_was_read(database_url: str) -> None:
    async with desk_with(database_url, {}) as desk:
        await desk.receive(sent(FIRST), accepted(FIRST))
        answer = await explain(desk.database, "sc-014", no_tails)
    assert answer.part is not None
    assert [str(each.place) for each in answer.part.lines] == ["commitment.sent/0/0", "decision.accepted/0/0"]


async def test_the_history_of_one_is_found_by_an_index_among_many(database_url: str) -> None:
    async with desk_with(database_url, {}) as desk:
        await desk.receive(sent(FIRST), accepted(FIRST))
        async with desk.database.begin() as db:
            await db.execute(_MANY)
        async with desk.database.autocommit() as db:
            await db.execute(text("vacuum analyze"))

        async def read(db: Transaction) -> None:
            assert len(await audit.lines(db, "company-204", "8841", MAX_LINES)) == 2

        (plan,) = await recorded_plans(desk.database, read)
    assert "Seq Scan" not in plan


_MANY = text(
    """insert into approval.history (event_id, company_id, commitment_id, at, kind, text)
    select gen_random_uuid(), 'company-204', 'c' || n, now(), 'k', 't' from generate_series(1, 100000) n"""
)
