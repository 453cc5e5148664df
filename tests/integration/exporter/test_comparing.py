"""Every night, each document in the ERP is compared with what was exported; what differs is told once."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sandbox.erp.faults import Calls, ErpFault, ErpFaultKind
from schemas.commitment import ErpDocument
from schemas.events import ExportDrifted
from services.exporter.comparing import ComparisonWork
from services.exporter.storage import comparisons
from services.pipeline.clock import utc_now
from services.pipeline.lease_clock import LeaseClock
from tests.integration.exporter.exporter_process import ExporterProcess, running_exporter
from tests.unit.exporter.builders import accepted_event, rejected_event

DAY = 86_400
DOCUMENT = ErpDocument(connection="main", id="1001", number="PO-1001")


@pytest.fixture
async def exporter(database_url: str, tmp_path: Path) -> AsyncIterator[ExporterProcess]:
    """An exporter whose ERP shows documents, with c-1 in the ERP as PO-1001."""
    async with running_exporter(database_url, tmp_path, settings="reads_documents = true") as running:
        await running.consume(accepted_event())
        await running.work_once()
        yield running


async def night(exporter: ExporterProcess) -> int:
    """Let a day pass, and return how many documents were compared."""
    exporter.clock.advance(DAY)
    return await compare(exporter)


def comparison_work(exporter: ExporterProcess) -> ComparisonWork:
    return ComparisonWork(exporter.connections, LeaseClock(exporter.clock, exporter.clock.seconds))


async def compare(exporter: ExporterProcess) -> int:
    work, compared = comparison_work(exporter), 0
    while jobs := (await work.claim(exporter.database, 1, ())).jobs:
        for job in jobs:
            answer = await work.perform(job)
            async with exporter.database.begin() as db:
                await exporter.outbox.add(db, await work.settle(db, job, answer))
            compared += 1
    return compared


async def told(exporter: ExporterProcess) -> list[ExportDrifted]:
    return [event.data for event in await exporter.published() if isinstance(event.data, ExportDrifted)]


def change(exporter: ExporterProcess, **members: Any) -> None:
    """Change the document by hand."""
    books = exporter.erp.books
    document = books.documents["1001"]
    books.documents["1001"] = replace(document, order=document.order.model_copy(update=members))


async def test_nothing_is_told_while_nothing_differs(exporter: ExporterProcess) -> None:
    assert await compare(exporter) == 0  # not before the night
    assert [await night(exporter) for _ in range(3)] == [1, 1, 1]

    assert await told(exporter) == []


async def test_a_document_that_was_changed_by_hand_is_told_once_with_both_amounts(exporter: ExporterProcess) -> None:
    change(exporter, total="1.00")
    for _ in range(3):
        await night(exporter)

    (drifted,) = await told(exporter)
    (total,) = drifted.differences
    assert (drifted.document.id, drifted.is_missing, total.field, total.after) == ("1001", False, "Total", "USD 1.00")


async def test_a_document_that_agrees_again_is_told_as_well(exporter: ExporterProcess) -> None:
    whole = exporter.erp.books.documents["1001"].order.total
    change(exporter, total="1.00")
    await night(exporter)
    change(exporter, total=whole)
    await night(exporter)

    first, second = await told(exporter)
    assert (len(first.differences), second.differences, second.is_missing) == (1, (), False)
    assert second.version > first.version


async def test_a_document_that_was_deleted_is_missing(exporter: ExporterProcess) -> None:
    exporter.erp.books.delete("1001")
    await night(exporter)

    (drifted,) = await told(exporter)
    assert (drifted.is_missing, drifted.differences) == (True, ())


async def test_what_is_written_again_is_compared_anew(exporter: ExporterProcess) -> None:
    exporter.erp.books.delete("1001")
    await night(exporter)
    await exporter.consume(accepted_event(round=2, reopened=1, replaces=DOCUMENT))
    await exporter.work_once()
    await night(exporter)
    exporter.erp.books.delete("1002")
    await night(exporter)

    assert [(each.document.id, each.reopened) for each in await told(exporter)] == [("1001", 0), ("1002", 1)]


async def test_an_erp_that_does_not_answer_is_asked_again_in_an_hour_and_nothing_is_told(
    exporter: ExporterProcess,
) -> None:
    exporter.erp.faults.replace([ErpFault(kind=ErpFaultKind.UNAVAILABLE, calls=Calls.SEARCHES, times=1)])
    exporter.erp.books.delete("1001")

    assert await night(exporter) == 1
    assert await told(exporter) == []
    exporter.clock.advance(3_599)
    assert await compare(exporter) == 0
    exporter.clock.advance(2)
    assert await compare(exporter) == 1
    assert len(await told(exporter)) == 1


async def test_a_document_is_not_compared_while_an_update_is_under_way(exporter: ExporterProcess) -> None:
    change(exporter, total="1.00")
    exporter.clock.advance(DAY)
    await exporter.consume(accepted_event(2, title="Concrete, levels 2 and 3"))

    assert await compare(exporter) == 0
    await exporter.work_once()
    await night(exporter)
    assert await told(exporter) == []


async def test_nothing_is_asked_while_calls_to_the_erp_are_suspended(exporter: ExporterProcess) -> None:
    exporter.erp.faults.replace([ErpFault(kind=ErpFaultKind.ERROR_BEFORE_STORING, calls=Calls.EVERY)])
    await exporter.consume(*(accepted_event(commitment_id=f"d-{n}") for n in range(5)))
    await exporter.work_once()
    await exporter.connection_report.report()
    calls = len(exporter.erp.journal.entries)

    assert await night(exporter) == 0
    assert len(exporter.erp.journal.entries) == calls


async def test_a_comparison_of_a_process_that_died_is_taken_over(exporter: ExporterProcess) -> None:
    exporter.erp.books.delete("1001")
    exporter.clock.advance(DAY)
    work = comparison_work(exporter)
    (lost,) = (await work.claim(exporter.database, 1, ())).jobs

    assert await compare(exporter) == 0
    exporter.clock.advance(60)
    assert await compare(exporter) == 1
    async with exporter.database.begin() as db:
        assert await work.settle(db, lost, await work.perform(lost)) == ()
    assert len(await told(exporter)) == 1


async def test_an_operator_can_have_all_documents_compared_now(exporter: ExporterProcess) -> None:
    exporter.erp.books.delete("1001")
    async with exporter.database.begin() as db:
        assert await comparisons.make_due(db, ("main",), exporter.clock()) == 1

    assert await compare(exporter) == 1
    assert len(await told(exporter)) == 1


async def test_an_erp_that_shows_no_documents_is_not_asked(database_url: str, tmp_path: Path) -> None:
    async with running_exporter(database_url, tmp_path) as blind:
        await blind.consume(accepted_event(commitment_id="c-9"))
        await blind.work_once()

        assert await night(blind) == 0


async def command(exporter: ExporterProcess, path: Path, name: str, **changed: str) -> tuple[int | None, str]:
    """Run `countersign connections compare`, and return its exit status and all that it printed."""
    url = exporter.database.engine.url.render_as_string(hide_password=False)
    given = {"PATH": os.environ["PATH"], "ERP_CONNECTIONS": str(path / "connections.toml"), "DATABASE_URL": url}
    process = await asyncio.create_subprocess_exec(
        *(str(Path(sys.executable).with_name("countersign")), "connections", "compare", name),
        env=given | changed,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    return process.returncode, (await process.communicate())[0].decode()


async def test_the_command_has_all_documents_compared_now(exporter: ExporterProcess, tmp_path: Path) -> None:
    exporter.erp.books.delete("1001")

    _, printed = await command(exporter, tmp_path, "main")
    exporter.clock.now = utc_now()

    assert printed == "1 document of main will be compared now. The desk lists what differs.\n"
    assert await compare(exporter) == 1


async def test_the_command_says_what_is_wrong(exporter: ExporterProcess, tmp_path: Path) -> None:
    _, unknown = await command(exporter, tmp_path, "other")
    _, away = await command(exporter, tmp_path, "main", DATABASE_URL="postgresql://nobody@127.0.0.1:9/none")

    assert "No connection is named other." in unknown
    assert "PostgreSQL refused, or cannot be reached" in away


async def test_a_document_that_was_unlinked_is_compared_no_more(exporter: ExporterProcess) -> None:
    change(exporter, total="1.00")
    await exporter.consume(rejected_event(round=2, unlinks=DOCUMENT, reopened=1))

    assert await night(exporter) == 0
    assert await told(exporter) == []
