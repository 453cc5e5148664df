"""A commitment that went to another ERP is looked for in the first one too, where its lost write may still land."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import select

from sandbox.erp.faults import ErpFault, ErpFaultKind
from sandbox.erp.running import running_erp
from sandbox.erp.server import Erp
from schemas.events import ExportSucceeded
from services.exporter.connections import Connection, Connections, load_connections
from services.exporter.rules.policy import RECHECKS
from services.exporter.rules.recheck import Recheck
from services.exporter.storage import recheck_store, tables
from tests.integration.exporter.exporter_process import SETTLE_SECONDS, TOKEN, ExporterProcess
from tests.integration.exporter.late_connector import LateConnector
from tests.integration.exporter.test_left_erps import books
from tests.unit.exporter.builders import NOW, accepted_event

FIRST_LOOK_SECONDS = RECHECKS[0].total_seconds()
LEASE = timedelta(minutes=1)
BOTH_NAMES = ("books", "main")


@dataclass
class Moved:
    """An exporter whose company now goes to `books`, after a write to `main` was lost and its export had failed."""

    exporter: ExporterProcess
    first: Erp
    second: Erp
    lost: LateConnector


@pytest.fixture
async def moved(exporter: ExporterProcess, tmp_path: Path) -> AsyncIterator[Moved]:
    lost = await given_up_in_main(exporter)
    async with running_erp(token=TOKEN) as erp:
        books = connection_to(erp, tmp_path)
        main = Connection(exporter.connections.by_name["main"].settings, lost)
        connections = Connections({"books": books, "main": main})
        yield Moved(ExporterProcess(exporter.database, connections, erp, exporter.clock), exporter.erp, erp, lost)
        await books.connector.close()


async def given_up_in_main(exporter: ExporterProcess) -> LateConnector:
    """Let the first write be lost, and its repetition be refused, so that the export fails."""
    exporter.erp.faults.replace([ErpFault(kind=ErpFaultKind.ERROR_BEFORE_STORING, times=1)])
    lost = LateConnector(exporter.connections.by_name["main"].connector)
    before = exporter.with_connector(lost)
    await before.consume(accepted_event())
    for _ in range(6):
        await before.work_once()
        before.clock.advance(SETTLE_SECONDS + 10)
    assert await before.export_states() == ["failed"]
    return lost


def connection_to(erp: Erp, folder: Path) -> Connection:
    path = folder / "books.toml"
    path.write_text(books(erp), encoding="utf-8")
    return load_connections(path, {"ERP_TOKEN": TOKEN.get_secret_value()}).by_name["books"]


async def retry(exporter: ExporterProcess) -> None:
    await exporter.consume(accepted_event(round=2))
    await exporter.work_once()


async def told(exporter: ExporterProcess) -> set[tuple[int, str, str]]:
    """Revision, connection and id of each document that an event has named."""
    events = [event.data for event in await exporter.published() if isinstance(event.data, ExportSucceeded)]
    return {(each.revision, each.erp_document.connection, each.erp_document.id) for each in events}


async def planned(exporter: ExporterProcess) -> Sequence[tuple[str, int, list[str] | None]]:
    """The looks that are planned: connection, how many there were, and what was found."""
    table = tables.LOOK
    async with exporter.database.autocommit() as db:
        rows = await db.execute(select(table.c.connection, table.c.looks, table.c.told).order_by(table.c.connection))
        return [tuple(row) for row in rows]


def id_in(erp: Erp) -> str:
    (document,) = erp.books.under("c-1")
    return document.id


async def test_what_the_first_erp_stores_late_is_told_beside_the_document_in_the_second_one(moved: Moved) -> None:
    await retry(moved.exporter)
    assert await moved.exporter.export_states() == ["succeeded"]
    await moved.lost.arrive()
    moved.exporter.clock.advance(FIRST_LOOK_SECONDS)

    assert await moved.exporter.look_once() == 2
    assert await told(moved.exporter) == {(1, "books", id_in(moved.second)), (1, "main", id_in(moved.first))}


async def test_looks_in_two_erps_go_on_side_by_side_and_end(moved: Moved) -> None:
    await retry(moved.exporter)
    looks = 0
    for _ in range(2 * len(RECHECKS)):
        moved.exporter.clock.advance(RECHECKS[-1].total_seconds())
        looks += await moved.exporter.look_once()

    assert (looks, await planned(moved.exporter)) == (2 * len(RECHECKS), [])


async def test_a_look_in_one_erp_leaves_the_lease_of_one_in_another_erp_alone(moved: Moved) -> None:
    await retry(moved.exporter)
    moved.exporter.clock.advance(FIRST_LOOK_SECONDS)
    work, database = moved.exporter.recheck_work, moved.exporter.database
    jobs = (await work.claim(database, 16, ())).jobs
    for job in jobs:
        async with database.begin() as db:
            await work.settle(db, job, await work.perform(job))

    assert await planned(moved.exporter) == [("books", 1, None), ("main", 1, None)]


async def test_a_look_that_is_given_up_in_one_erp_goes_on_in_the_other(moved: Moved) -> None:
    await retry(moved.exporter)
    moved.exporter.clock.advance(FIRST_LOOK_SECONDS)
    jobs = (await moved.exporter.recheck_work.claim(moved.exporter.database, 16, ())).jobs
    async with moved.exporter.database.begin() as db:
        (in_books,) = [each for each in jobs if each.recheck.connection == "books"]
        await moved.exporter.recheck_work.set_aside(db, in_books, "Its result cannot be recorded.")

    assert [connection for connection, *_ in await planned(moved.exporter)] == ["main"]


async def test_a_retry_that_failed_in_the_second_erp_succeeds_as_what_the_first_one_stored_late(moved: Moved) -> None:
    moved.second.faults.replace([ErpFault(kind=ErpFaultKind.REFUSE, times=1)])
    await retry(moved.exporter)
    assert await moved.exporter.export_states() == ["failed"]
    await moved.lost.arrive()
    moved.exporter.clock.advance(FIRST_LOOK_SECONDS)
    await moved.exporter.look_once()
    await moved.exporter.work_once()

    assert await moved.exporter.export_states() == ["succeeded"]
    assert await told(moved.exporter) == {(1, "main", id_in(moved.first))}
    assert moved.second.books.under("c-1") == []


async def test_a_doubt_under_the_new_name_begins_the_looks_of_the_former_one_anew(exporter: ExporterProcess) -> None:
    await exporter.consume(accepted_event())
    main = exporter.connections.by_name["main"]
    settings = main.settings.model_copy(update={"name": "books", "formerly": ("main",)})
    await exporter.connections.replace({"books": Connection(settings, main.connector)})
    await exporter.connection_report.report()
    first = Recheck("c-1", "co-1", "main", NOW)
    async with exporter.database.begin() as db:
        await recheck_store.schedule(db, [first, Recheck("c-1", "co-1", "other", NOW)])
        await recheck_store.end(db, first, Recheck("c-1", "co-1", "main", NOW, 3, frozenset({"d-2"})))
        await recheck_store.schedule(db, [Recheck("c-1", "co-1", "books", NOW)])

    assert await planned(exporter) == [("books", 0, ["d-2"]), ("other", 0, None)]


async def test_what_was_found_under_another_name_of_the_erp_is_known_to_a_look(exporter: ExporterProcess) -> None:
    await exporter.consume(accepted_event())
    main, token = Recheck("c-1", "co-1", "main", NOW), uuid4()
    async with exporter.database.begin() as db:
        await recheck_store.schedule(db, [main, Recheck("c-1", "co-1", "books", NOW)])
        await recheck_store.end(db, main, Recheck("c-1", "co-1", "main", NOW, 1, frozenset({"d-2"})))
        await recheck_store.lease(db, ["books"], token, NOW, NOW + LEASE)
        known = await recheck_store.leased(db, "c-1", BOTH_NAMES, token)

    assert known is not None
    assert (known.connection, known.told) == ("books", {"d-2"})
