"""Searches that end before they have looked at the whole list, and continue on the next page."""

from collections.abc import Sequence

import pytest

from services.approval.storage import searches
from services.approval.storage.list_filter import ListFilter
from services.approval.storage.searches import Hits
from services.approval.storage.views import Cursor, DeskView, Listed, Sort
from tests.integration.approval.company import COMPANY, START, content, sent
from tests.integration.approval.desk import DeskUnderTest

FILL = """
    insert into approval.commitment (id, company_id, state, status, since, number, searchable)
    select 'filler-' || lpad(n::text, 4, '0'), company_id, state, 'ready',
        since - interval '1 hour' + n * interval '1 s', 'F-' || n, 'filler'
    from approval.commitment, generate_series(1, 1200) n where id = 'late'
"""
HURRIED = 0.0
PATIENT = 60.0


@pytest.fixture
async def long_list(desk: DeskUnderTest) -> DeskUnderTest:
    """A desk whose only matching commitment comes after more than a search looks at in one step."""
    await desk.receive(sent(content("late", "SC-100%", title="Roofing")))
    async with desk.database.begin() as db:
        await db.exec_driver_sql(FILL)
    return desk


async def search(desk: DeskUnderTest, text: str, seconds: float, after: Cursor | None = None) -> Hits:
    wanted = Listed(COMPANY, DeskView.READY, ListFilter(search=text), Sort.OLDEST, START)
    async with desk.database.begin() as db:
        return await searches.search(db, wanted, after=after, limit=50, budget_seconds=seconds)


async def pages(desk: DeskUnderTest, text: str) -> Sequence[Hits]:
    found = [await search(desk, text, HURRIED)]
    while found[-1].next_after:
        found.append(await search(desk, text, HURRIED, found[-1].next_after))
    return found


async def test_a_search_that_is_out_of_time_continues_on_the_next_page(long_list: DeskUnderTest) -> None:
    found = await pages(long_list, "ro")  # too short for the index
    assert len(found) > 1
    assert all((hits.ids, hits.is_partial) == ([], True) for hits in found[:-1])
    assert (found[-1].ids, found[-1].is_partial) == (["late"], False)


async def test_a_search_with_time_reaches_the_end(long_list: DeskUnderTest) -> None:
    hits = await search(long_list, "ro", PATIENT)
    assert (hits.ids, hits.next_after, hits.is_partial) == (["late"], None, False)


@pytest.mark.parametrize(
    "text",
    ["SC-1", "sc-100%", "roofing", "ROOF", "tower acme", "480,250.00", "$480250", "sam lee", "gil"],
)
async def test_what_is_rare_is_found_at_once_however_far_away_it_is(long_list: DeskUnderTest, text: str) -> None:
    hits = await search(long_list, text, HURRIED)
    assert (hits.ids, hits.next_after, hits.is_partial) == (["late"], None, False)


async def test_a_full_page_is_not_partial_and_the_next_one_continues(long_list: DeskUnderTest) -> None:
    found = await pages(long_list, "filler")
    ids = [each for hits in found for each in hits.ids]
    assert ids == [f"filler-{n:04}" for n in range(1, 1201)]
    assert [hits.is_partial for hits in found[:3]] == [False] * 3


async def test_wildcards_are_ordinary_characters(long_list: DeskUnderTest) -> None:
    assert (await search(long_list, "%", PATIENT)).ids == ["late"]
    assert (await search(long_list, "_", PATIENT)).ids == []
