"""How many rows the desk's queries read of a large table: as few as a page shows, and never the whole table."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text

from sandbox.servers.postgres import create_database, drop_database
from schemas.fields import Status
from services.approval.storage import candidates, queries, refusals, reviews, searches, submissions, tallies
from services.approval.storage.list_filter import ListFilter
from services.approval.storage.migrations import MIGRATIONS
from services.approval.storage.queries import PAGE_ROWS
from services.approval.storage.views import Cursor, DeskView, Listed, Sort
from services.pipeline.database import Transaction
from services.pipeline.migrations import Migrations
from tests.integration.approval import company
from tests.integration.approval.company import COMPANY, content
from tests.integration.approval.desk import DeskUnderTest, running_desk, settings

ROWS, COMPANIES = 60_000, 3
A_FEW = 10

MIDDLE = datetime(2026, 6, 1, tzinfo=UTC)
NOW = datetime(2027, 3, 1, tzinfo=UTC)
FILL = text("""
    insert into approval.commitment (id, company_id, state, status, since, number, searchable, project, vendor,
        currency, total, revision, holds_number)
    select 'c-' || n, case n % :companies when 0 then :company else 'company-' || n % :companies end,
        replace(state, 'c-seed', 'c-' || n),
        (cast(:statuses as text[]))[1 + n / 7 % cardinality(cast(:statuses as text[]))],
        timestamptz '2026-01-01' + n % 9973 * interval '1 hour', 'RIV-SC-2026-' || n,
        'riv-sc-2026-' || n || ' roofing', 'Project ' || n % 11, 'Vendor ' || n % 6007, 'USD', n, 1 + (n % 9001) / 9000,
        (cast(:statuses as text[]))[1 + n / 7 % cardinality(cast(:statuses as text[]))]
            in ('synced', 'exporting', 'in_doubt')
    from approval.commitment, generate_series(1, :rows) n where id = 'c-seed'
""")
FILL_TEXTS = text("""
    insert into approval.search_text
    select id, 'company:' || company_id || ' ' ||
        (select string_agg(substr(searchable, n, 3), ' ') from generate_series(1, length(searchable) - 2) n)
    from approval.commitment
    on conflict do nothing
""")
READ = text(
    "select seq_scan, idx_tup_fetch from pg_stat_xact_user_tables where relid = 'approval.commitment'::regclass"
)
MOSTLY = {
    "all wait": [Status.READY.value],
    "nearly all are synced": [Status.SYNCED.value] * 400 + [each.value for each in Status],
    "all statuses": [each.value for each in Status],
}


@pytest.fixture(scope="module")
def filled(postgres: str, migrated: Callable[[Migrations], str]) -> Iterator[Callable[[str], str]]:
    """Each call returns the URL of a database with many commitments, which is filled once: the tests only read it."""
    urls: dict[str, str] = {}

    def filled_with(mostly: str) -> str:
        if mostly not in urls:
            name = f"plans_{uuid.uuid4().hex[:12]}"
            urls[mostly] = create_database(postgres, name, template=migrated(MIGRATIONS))
            asyncio.run(fill(urls[mostly], MOSTLY[mostly]))
        return urls[mostly]

    yield filled_with
    for url in urls.values():
        drop_database(postgres, url.rpartition("/")[2])


async def fill(url: str, statuses: list[str]) -> None:
    """Add many commitments with these statuses."""
    async with running_desk(settings(url)) as desk:
        await desk.receive(company.sent(content("c-seed", "SC-1")))
        given = {"companies": COMPANIES, "company": COMPANY, "rows": ROWS, "statuses": statuses}
        async with desk.database.begin() as db:
            # the rows are known as committed once the log is flushed, and only then is the index enough to read them
            await db.execute(text("set local synchronous_commit = on"))
            await db.execute(FILL, given)
            await db.execute(FILL_TEXTS)
            await tallies.fold(db)
        async with desk.database.autocommit() as db:
            await db.execute(text("vacuum analyze approval.commitment, approval.search_text, approval.tally"))


@pytest.fixture(params=MOSTLY)
def database_url(filled: Callable[[str], str], request: pytest.FixtureRequest) -> str:
    return filled(request.param)


@pytest.fixture
async def large(database_url: str) -> AsyncIterator[DeskUnderTest]:
    """A desk on a table with many commitments."""
    desk = DeskUnderTest(settings(database_url))
    yield desk
    await desk.database.close()


async def rows_read(desk: DeskUnderTest, ask: Callable[[Transaction], Awaitable[Any]]) -> int:
    """Return how many rows of the table `ask` reads; it may not read the table without an index."""
    async with desk.database.begin() as db:
        before = (await db.execute(READ)).one()  # what earlier transactions of the session have read may still be there
        await ask(db)
        after = (await db.execute(READ)).one()
    assert after.seq_scan == before.seq_scan
    return int(after.idx_tup_fetch - before.idx_tup_fetch)


async def test_a_page_reads_what_it_shows(large: DeskUnderTest) -> None:
    for view in DeskView:
        for sort in Sort:
            for after in (None, Cursor(sort, MIDDLE, "c-1", Decimal(30_000))):
                read = await rows_read(
                    large, lambda db, v=view, s=sort, a=after: queries.page(db, COMPANY, v, sort=s, after=a)
                )
                assert read <= PAGE_ROWS + A_FEW, (view, sort, after)


@pytest.mark.parametrize("only", [ListFilter(projects=("Project 3", "Project 4")), ListFilter(vendors=("Vendor 33",))])
async def test_a_page_of_projects_or_vendors_reads_what_it_shows(large: DeskUnderTest, only: ListFilter) -> None:
    for view in DeskView:
        read = await rows_read(large, lambda db, v=view: queries.page(db, COMPANY, v, only=only, now=NOW))
        assert read <= PAGE_ROWS + A_FEW, view


async def test_numbers_and_gauges_read_no_commitment(large: DeskUnderTest) -> None:
    assert await rows_read(large, lambda db: queries.counts(db, COMPANY)) == 0
    assert await rows_read(large, queries.waiting) <= A_FEW
    for view in DeskView:
        assert await rows_read(large, lambda db, v=view: queries.facets(db, COMPANY, v)) == 0
        assert await rows_read(large, lambda db, v=view: queries.tally(db, COMPANY, v, ListFilter(), now=NOW)) == 0
        assert await rows_read(large, lambda db, v=view: queries.newer(db, COMPANY, v, MIDDLE)) <= A_FEW


RARE = {
    "vendor": ListFilter(vendors=("Vendor 3003",), min_total=Decimal(1)),
    "changed": ListFilter(is_changed=True),
    "largest": ListFilter(min_total=Decimal(59_500)),
    "oldest": ListFilter(waited_days=423),
    "number": ListFilter(search="2026-54321"),
    "end of a number": ListFilter(search="4321"),
}


@pytest.mark.parametrize("name", RARE)
async def test_what_is_rare_is_looked_up(large: DeskUnderTest, name: str) -> None:
    for sort in Sort:
        wanted = Listed(COMPANY, DeskView.ALL, RARE[name], sort, NOW)

        async def ask(db: Transaction, wanted: Listed = wanted) -> None:
            hits = await searches.search(db, wanted, limit=PAGE_ROWS, budget_seconds=0)
            assert (bool(hits.ids), hits.is_partial) == (True, False)

        assert await rows_read(large, ask) <= searches.FIRST_ROWS + candidates.SAMPLE_ROWS + 1_000, sort


async def test_what_no_index_has_is_read_in_steps_that_say_so(large: DeskUnderTest) -> None:
    async def ask(db: Transaction) -> None:
        wanted = Listed(COMPANY, DeskView.ALL, ListFilter(search="qx"), Sort.OLDEST, NOW)
        hits = await searches.search(db, wanted, limit=PAGE_ROWS, budget_seconds=0)
        assert (hits.ids, hits.is_partial) == ([], True)

    assert await rows_read(large, ask) <= searches.FIRST_ROWS + A_FEW


async def test_a_common_word_fills_a_page_at_once(large: DeskUnderTest) -> None:
    async def ask(db: Transaction) -> None:
        page = await queries.page(db, COMPANY, DeskView.ALL, only=ListFilter(search="Roofing"))
        assert (len(page.commitments), page.is_partial) == (PAGE_ROWS, False)

    assert await rows_read(large, ask) <= searches.FIRST_ROWS + PAGE_ROWS


async def test_a_taken_number_is_looked_up_in_the_index(large: DeskUnderTest) -> None:
    async def ask(db: Transaction) -> None:
        stored = await queries.find(db, COMPANY, "c-seed")
        assert stored
        (row,) = await submissions.of_revision(db, "c-seed", 1)
        long = replace(row, text=json.dumps(content("c-seed", "RIV-SC-2026-X")))
        (checked,) = await reviews.check(db, COMPANY, [company.QUICKBOOKS], [(stored.facts, long)])
        assert "would become RIV-SC-2026" in checked.findings[0].text
        assert checked.findings[0].text != "QuickBooks keeps 11 characters. RIV-SC-2026-X would become RIV-SC-2026."

    assert await rows_read(large, ask) <= A_FEW + 2 * refusals.LATEST
