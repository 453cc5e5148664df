"""How much the desk reads for an ERP that asks for work: a few steps in an index, however long lists and lines are."""

import pytest
from sqlalchemy import text

from services.approval.rules.references import EntryName
from services.approval.storage import line, queries, references
from services.approval.storage.tables import COMMITMENT, ERP_REFERENCE
from services.pipeline.database import Transaction
from tests.integration.approval import company
from tests.integration.approval.company import ERP, accepted, content, sent
from tests.integration.approval.desk import DeskUnderTest
from tests.integration.approval.polled_erp import desktop, minutes_later

ENTRIES, WAITING = 40_000, 10_000
FILL_LIST = text("""
    insert into approval.erp_reference (id, version, connection, list_name, entry_id, name, is_active)
    select 'c/' || list || '/' || n, 1, :erp, list, '8000-' || n, list || ' ' || n, true
    from unnest(array['vendor', 'item', 'job']) list, generate_series(1, :entries / 3) n
""")
FILL_LINE = text("""
    insert into approval.commitment (id, company_id, state, status, since, number, searchable, route)
    select 'c-' || n, company_id, replace(state, '"c-seed"', '"c-' || n || '"'), status,
        since - n * interval '1 second', 'N-' || n, '', route
    from approval.commitment, generate_series(1, :waiting) n where id = 'c-seed'
""")
READ = text("""
    select coalesce(sum(seq_scan), 0) as scans, coalesce(sum(idx_tup_fetch), 0) as rows
    from pg_stat_xact_user_tables where relid = cast(:name as regclass)
""")


@pytest.fixture
async def large(desk: DeskUnderTest) -> DeskUnderTest:
    """A desk with long lists of an ERP, and many commitments that wait for it."""
    await desk.receive(desktop(), sent(content("c-seed", "SC-1")))
    await desk.receive(accepted(content("c-seed", "SC-1")), at=minutes_later(600))
    async with desk.database.begin() as db:
        await db.execute(text("set local synchronous_commit = on"))
        await db.execute(FILL_LIST, {"erp": ERP, "entries": ENTRIES})
        await db.execute(FILL_LINE, {"waiting": WAITING})
    async with desk.database.autocommit() as db:
        for table in (COMMITMENT, ERP_REFERENCE):
            await db.execute(text(f"vacuum analyze {table}"))
    return desk


async def read_of(db: Transaction, table: str) -> tuple[int, int]:
    row = (await db.execute(READ, {"name": f"approval.{table}"})).one()
    return int(row.scans), int(row.rows)


async def test_the_names_of_a_page_are_looked_up_in_the_index(large: DeskUnderTest) -> None:
    wanted = {EntryName(ERP, "item", f"item {n}") for n in range(1, 401)}
    wanted |= {EntryName(ERP, "item", f"no item {n}") for n in range(1_600)}
    async with large.database.begin() as db:
        before = await read_of(db, "erp_reference")
        found = await references.find(db, wanted)
        after = await read_of(db, "erp_reference")
    assert len(found) == 400
    assert after[0] == before[0]
    assert after[1] - before[1] <= 800


async def test_the_line_is_counted_in_the_index(large: DeskUnderTest) -> None:
    async with large.database.begin() as db:
        stored = await queries.find(db, company.COMPANY, "c-seed")
        assert stored
        before = await read_of(db, "commitment")
        places = await line.places(db, [(stored.facts, stored.current, desktop())])
        after = await read_of(db, "commitment")
    assert places == {"c-seed": WAITING + 1}
    assert after[0] == before[0]
    assert after[1] - before[1] <= 10, "the index has all that is counted"
