"""A connection that was renamed still is that ERP, for exporters with the new file, also beside one with the old."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from sandbox.erp.faults import Calls, ErpFault, ErpFaultKind
from schemas.events import ErpConnection, ExportFailed, ExportSucceeded
from services.exporter.comparing import ComparisonWork
from services.exporter.connections import Connection, Connections
from services.exporter.presence import Presence
from services.exporter.storage import comparisons
from services.exporter.storage.connection_store import CONFIGURED, LEFT, locked_circuit
from services.pipeline.lease_clock import LeaseClock
from tests.integration.exporter.exporter_process import SETTLE_SECONDS, ExporterProcess, running_exporter
from tests.unit.exporter.builders import accepted_event

NEW_TITLE = "Concrete, levels 2 and 3"


@pytest.fixture
async def exporter(database_url: str, tmp_path: Path) -> AsyncIterator[ExporterProcess]:
    """An exporter whose ERP shows documents, with c-1 in the ERP as PO-1001."""
    async with running_exporter(database_url, tmp_path, settings="reads_documents = true") as running:
        await running.consume(accepted_event())
        await running.work_once()
        yield running


def renamed(exporter: ExporterProcess, formerly: tuple[str, ...] = ("main",)) -> ExporterProcess:
    """Another process on the same database and ERP, in whose file `main` is called `books`."""
    main = exporter.connections.by_name["main"]
    settings = main.settings.model_copy(update={"name": "books", "formerly": formerly})
    connections = Connections({"books": Connection(settings, main.connector)})
    return ExporterProcess(exporter.database, connections, exporter.erp, exporter.clock)


def without_either(exporter: ExporterProcess) -> ExporterProcess:
    """Another process on the same database, whose file has neither `main` nor `books`."""
    main = exporter.connections.by_name["main"]
    connections = Connections({"other": Connection(main.settings.model_copy(update={"name": "other"}), main.connector)})
    return ExporterProcess(exporter.database, connections, exporter.erp, exporter.clock)


def presence(exporter: ExporterProcess) -> Presence:
    return Presence(exporter.database, exporter.connections, exporter.clock)


def written(exporter: ExporterProcess) -> list[tuple[str, str, int]]:
    """The ERP's documents: commitment, id and revision."""
    documents = exporter.erp.books.documents.values()
    return [(each.order.reference, each.id, each.order.revision) for each in documents]


async def outcomes(exporter: ExporterProcess) -> list[str | None]:
    """What became of the exports: the connection of each document, or the code of each failure."""
    found: list[str | None] = []
    for event in await exporter.published():
        match event.data:
            case ExportSucceeded():
                found.append(event.data.erp_document.connection)
            case ExportFailed():
                found.append(event.data.failure.code)
    return found


async def test_a_document_of_the_former_name_is_updated_and_keeps_that_name(exporter: ExporterProcess) -> None:
    after = renamed(exporter)
    await after.consume(accepted_event(2, title=NEW_TITLE))
    await after.work_once()

    assert written(exporter) == [("c-1", "1001", 2)]
    assert await outcomes(exporter) == ["main", "main"]


async def test_without_the_former_name_the_document_would_be_lost(exporter: ExporterProcess) -> None:
    after = renamed(exporter, formerly=())
    await after.consume(accepted_event(2, title=NEW_TITLE))
    await after.work_once()

    assert await outcomes(exporter) == ["main", "unknown_connection"]


async def test_what_waited_under_the_former_name_is_exported_and_what_comes_has_the_new_one(
    exporter: ExporterProcess,
) -> None:
    await exporter.consume(accepted_event(commitment_id="c-2"))
    after = renamed(exporter)
    await after.consume(accepted_event(commitment_id="c-3"))
    await after.work_once()
    await after.work_once()

    assert [id_ for id_, *_ in written(exporter)] == ["c-1", "c-2", "c-3"]
    assert sorted(filter(None, await outcomes(exporter))) == ["books", "main", "main"]


async def test_a_write_in_doubt_is_asked_about_and_not_repeated(exporter: ExporterProcess) -> None:
    exporter.erp.faults.replace([ErpFault(kind=ErpFaultKind.LOSE_ANSWER, times=1)])
    await exporter.consume(accepted_event(commitment_id="c-2"))
    await exporter.work_once()
    after = renamed(exporter)
    exporter.clock.advance(SETTLE_SECONDS)
    await after.work_once()

    assert [id_ for id_, *_ in written(exporter)] == ["c-1", "c-2"]
    assert await outcomes(exporter) == ["main", "main"]


async def test_a_look_for_late_documents_goes_to_the_renamed_connection_and_finds_no_second_document(
    exporter: ExporterProcess,
) -> None:
    exporter.erp.faults.replace([ErpFault(kind=ErpFaultKind.LOSE_ANSWER, times=1)])
    await exporter.consume(accepted_event(commitment_id="c-2"))
    await exporter.work_once()
    exporter.clock.advance(SETTLE_SECONDS)
    await exporter.work_once()
    after = renamed(exporter)
    await after.consume(accepted_event(2, commitment_id="c-2", title=NEW_TITLE))
    await after.work_once()
    exporter.clock.advance(60)

    assert await after.look_once() == 1
    assert await outcomes(exporter) == ["main", "main", "main"]


async def test_documents_of_the_former_name_are_compared(exporter: ExporterProcess) -> None:
    after = renamed(exporter)
    exporter.erp.books.delete("1001")
    async with exporter.database.begin() as db:
        names = after.connections.names_of("books")
        assert await comparisons.make_due(db, names, exporter.clock()) == ["c-1"]
    work = ComparisonWork(after.connections, LeaseClock(exporter.clock, exporter.clock.seconds))
    (job,) = (await work.claim(exporter.database, 1, ())).jobs
    async with exporter.database.begin() as db:
        (event,) = await work.settle(db, job, await work.perform(job))
    await after.connection_report.report()

    assert event.data.model_dump()["is_missing"]
    assert REGISTRY.get_sample_value("erp_documents_drifted", {"connection": "books"}) == 1


async def test_the_limit_of_calls_holds_over_all_names_of_a_connection(exporter: ExporterProcess) -> None:
    after = renamed(exporter)
    books = after.connections.by_name["books"]
    one_at_a_time = books.settings.model_copy(update={"max_in_flight": 1})
    await after.connections.replace({"books": replace(books, settings=one_at_a_time)})
    await exporter.consume(accepted_event(commitment_id="c-2"))
    await after.consume(accepted_event(commitment_id="c-3"))

    first = await after.claim()
    second = await after.claim()

    assert [job.export.commitment_id for job in first] == ["c-2"]
    assert list(second) == []


async def test_an_erp_that_was_down_under_the_former_name_is_down_under_the_new_one(exporter: ExporterProcess) -> None:
    down = ErpFault(kind=ErpFaultKind.UNAVAILABLE, calls=Calls.EVERY, retry_after_seconds=0)
    exporter.erp.faults.replace([down])
    await exporter.consume(*(accepted_event(commitment_id=f"c-{number}") for number in range(2, 7)))
    await exporter.work_once()
    after = renamed(exporter)
    await presence(after).renew()

    async with exporter.database.begin() as db:
        circuits = [await locked_circuit(db, name, exporter.clock()) for name in ("main", "books")]
    assert circuits[0] == circuits[1]
    assert circuits[1].open_since == exporter.clock()
    assert await after.work_once() == 0


async def test_the_desk_hears_the_new_name_with_the_former_one_and_that_the_former_one_is_gone(
    exporter: ExporterProcess,
) -> None:
    await exporter.consume(accepted_event(commitment_id="c-2"))
    after = renamed(exporter)
    await presence(after).renew()
    await after.connection_report.report()

    told = {each.data.name: each.data for each in await exporter.published() if isinstance(each.data, ErpConnection)}
    assert (told["main"].companies, told["main"].formerly) == ((), ())
    assert (told["books"].companies, told["books"].formerly) == (("co-1",), ("main",))
    assert told["books"].queue_length == 1
    labels = {"connection": "books", "state": "pending"}
    assert REGISTRY.get_sample_value("erp_exports", labels) == 1


async def test_while_one_exporter_has_the_old_file_nothing_fails_and_nothing_is_written_twice(
    exporter: ExporterProcess,
) -> None:
    after = renamed(exporter)
    await presence(exporter).renew()
    await presence(after).renew()
    await exporter.consume(accepted_event(commitment_id="c-2"))
    await after.consume(accepted_event(commitment_id="c-3"), accepted_event(2, title=NEW_TITLE))
    await exporter.consume(accepted_event(3, title="Concrete, levels 2 to 4"))

    for _ in range(4):
        await exporter.work_once()
        await after.work_once()
        exporter.clock.advance(1)

    assert sorted(written(exporter)) == [("c-1", "1001", 3), ("c-2", "1002", 1), ("c-3", "1003", 1)]
    assert "unknown_connection" not in await outcomes(exporter)


async def test_an_exporter_leaves_alone_what_only_another_one_has_in_its_file(exporter: ExporterProcess) -> None:
    after = renamed(exporter)
    await presence(after).renew()
    await after.connection_report.report()
    await after.consume(accepted_event(commitment_id="c-3"))

    assert await exporter.work_once() == 0
    await exporter.connection_report.report()
    told = [each.data for each in await exporter.published() if isinstance(each.data, ErpConnection)]
    assert [each.companies for each in told if each.name == "books"] == [("co-1",)]

    exporter.clock.advance(CONFIGURED / timedelta(seconds=1))
    assert await exporter.work_once() == 1
    assert (await outcomes(exporter))[-1] == "unknown_connection"


async def test_what_leaves_the_file_of_the_only_exporter_that_had_it_is_gone_soon(
    exporter: ExporterProcess,
) -> None:
    own = presence(exporter)
    await own.renew()
    await exporter.consume(accepted_event(commitment_id="c-2"))
    await exporter.connections.replace({})
    await own.renew()
    exporter.clock.advance(LEFT / timedelta(seconds=1))
    await exporter.connection_report.report()

    removed = (await exporter.last_published()).data
    assert isinstance(removed, ErpConnection)
    assert (removed.name, removed.companies) == ("main", ())
    assert await exporter.work_once() == 1
    assert (await outcomes(exporter))[-1] == "unknown_connection"


async def test_what_waits_under_a_former_name_is_left_to_the_exporter_that_has_it_in_its_file(
    exporter: ExporterProcess,
) -> None:
    await exporter.consume(accepted_event(commitment_id="c-2"))
    after, third = renamed(exporter), without_either(exporter)
    await presence(exporter).renew()
    exporter.clock.advance(CONFIGURED / timedelta(seconds=1))
    await presence(after).renew()
    await presence(third).renew()

    assert await third.work_once() == 0
    assert await after.work_once() == 1
    assert await outcomes(exporter) == ["main", "main"]


async def test_what_waits_under_a_former_name_fails_once_no_exporter_has_it_any_more(
    exporter: ExporterProcess,
) -> None:
    await exporter.consume(accepted_event(commitment_id="c-2"))
    after, third = renamed(exporter), without_either(exporter)
    await presence(after).renew()
    exporter.clock.advance(CONFIGURED / timedelta(seconds=1))

    assert await third.work_once() == 1
    assert (await outcomes(exporter))[-1] == "unknown_connection"


async def test_a_former_name_that_leaves_the_file_of_the_only_exporter_that_had_it_is_gone_soon(
    exporter: ExporterProcess,
) -> None:
    await exporter.consume(accepted_event(commitment_id="c-2"))
    after, third = renamed(exporter), without_either(exporter)
    own = presence(after)
    await own.renew()
    await after.connections.replace(renamed(exporter, formerly=()).connections.by_name)
    await own.renew()
    exporter.clock.advance(LEFT / timedelta(seconds=1))

    assert await third.work_once() == 1
