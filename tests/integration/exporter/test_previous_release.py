"""While processes are replaced, exporters of the previous release run on the new schema, and no look is lost."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import Row, select, update
from sqlalchemy.dialects.postgresql import insert

from services.exporter.rules.recheck import Recheck
from services.exporter.storage import recheck_store, tables
from tests.integration.exporter.exporter_process import ExporterProcess
from tests.unit.exporter.builders import NOW, accepted_event

LATER = NOW + timedelta(hours=2)
KNOWN_BEFORE = tables.METADATA.tables["exporter.recheck"]


async def plan_as_before(exporter: ExporterProcess, connection: str, due_at: datetime = NOW) -> None:
    """Record the end of a doubt about c-1, as the previous release does: it has one row for each commitment."""
    planned = insert(KNOWN_BEFORE)
    begun_anew = {"connection": connection, "due_at": due_at, "lease_token": None, "looks": 0}
    statement = planned.on_conflict_do_update(index_elements=["commitment_id"], set_=begun_anew)
    row = {"commitment_id": "c-1", "company_id": "co-1", "connection": connection, "due_at": due_at}
    async with exporter.database.begin() as db:
        await db.execute(statement, [row])


async def change_as_before(exporter: ExporterProcess, **values: Any) -> None:
    """Lease the look at c-1, or end it, as the previous release does."""
    async with exporter.database.begin() as db:
        await db.execute(update(KNOWN_BEFORE).where(KNOWN_BEFORE.c.commitment_id == "c-1").values(**values))


async def planned(exporter: ExporterProcess) -> list[Row[Any]]:
    """The looks that this release knows of: connection, when, how many there were, what was found."""
    table = tables.LOOK.c
    chosen = select(table.connection, table.due_at, table.looks, table.told).order_by(table.connection)
    async with exporter.database.autocommit() as db:
        return list(await db.execute(chosen))


async def test_a_look_that_the_previous_release_plans_is_made_by_this_one(exporter: ExporterProcess) -> None:
    await exporter.consume(accepted_event())
    await exporter.work_once()
    await plan_as_before(exporter, "main")

    assert await exporter.look_once() == 1
    assert [(each.connection, each.looks) for each in await planned(exporter)] == [("main", 1)]


async def test_what_the_previous_release_plans_in_another_erp_leaves_the_first_one_planned(
    exporter: ExporterProcess,
) -> None:
    await exporter.consume(accepted_event())
    await plan_as_before(exporter, "main")
    await plan_as_before(exporter, "books", LATER)

    assert await planned(exporter) == [("books", LATER, 0, None), ("main", NOW, 0, None)]


async def test_a_doubt_that_the_previous_release_ends_begins_the_looks_of_this_one_anew(
    exporter: ExporterProcess,
) -> None:
    await exporter.consume(accepted_event())
    first, found = Recheck("c-1", "co-1", "main", NOW), frozenset({"d-2"})
    async with exporter.database.begin() as db:
        await recheck_store.schedule(db, [first])
        await recheck_store.end(db, first, Recheck("c-1", "co-1", "main", LATER, 3, found))
    await plan_as_before(exporter, "main")

    assert await planned(exporter) == [("main", NOW, 0, ["d-2"])]


async def test_a_look_of_the_previous_release_tells_what_it_found_and_puts_none_of_this_one_off(
    exporter: ExporterProcess,
) -> None:
    await exporter.consume(accepted_event())
    await plan_as_before(exporter, "main")
    await change_as_before(exporter, lease_token=uuid4(), due_at=LATER)
    assert await planned(exporter) == [("main", NOW, 0, None)]

    await change_as_before(exporter, lease_token=None, due_at=LATER, looks=4, told=["d-2"])
    assert await planned(exporter) == [("main", NOW, 0, ["d-2"])]


async def test_a_lease_of_the_previous_release_leaves_one_of_this_release_alone(exporter: ExporterProcess) -> None:
    await exporter.consume(accepted_event())
    await plan_as_before(exporter, "main")
    token = uuid4()
    async with exporter.database.begin() as db:
        await recheck_store.lease(db, ["main"], token, NOW, LATER)
    await change_as_before(exporter, lease_token=uuid4(), due_at=LATER)

    async with exporter.database.begin() as db:
        assert await recheck_store.leased(db, "c-1", ["main"], token) is not None
