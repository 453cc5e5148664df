"""Every night, each document in the ERP is compared with what was exported; what differs is told once."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import func, select, text

from sandbox.erp.faults import Calls, ErpFault, ErpFaultKind
from schemas.commitment import ErpDocument
from schemas.envelope import Event, new_event
from schemas.events import DecisionDriftAccepted, ExportDrifted
from services.exporter.comparing import NOT_ASKED, ComparisonWork, make_all_due
from services.exporter.connectors.types import ReadAnswer
from services.exporter.rules.call_rate import CallRate
from services.exporter.storage import comparisons, connection_store
from services.exporter.storage.tables import COMPARISON
from services.pipeline.clock import utc_now
from services.pipeline.lease_clock import LeaseClock
from tests.integration.exporter.exporter_process import ExporterProcess, running_exporter
from tests.unit.exporter.builders import APPROVER, NOW, accepted_event, rejected_event

DAY = 86_400
MANY_COMMITMENTS = "insert into exporter.commitment (id) select 'many-' || n from generate_series(1, :count) n"
MANY_COMPARISONS = """
    insert into exporter.comparison
        (commitment_id, company_id, project_id, connection, revision, reopened, document, due_at)
    select 'many-' || n, company_id, project_id, connection, 1, 0, document, due_at
    from exporter.comparison, generate_series(1, :count) n where commitment_id = 'c-1'
"""
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


async def more_comparisons(exporter: ExporterProcess, count: int) -> None:
    """Have as many more documents compared next night as that of c-1."""
    async with exporter.database.begin() as db:
        for statement in (MANY_COMMITMENTS, MANY_COMPARISONS):
            await db.execute(text(statement), {"count": count})


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


async def test_a_comparison_takes_one_of_the_connections_places(database_url: str, tmp_path: Path) -> None:
    settings = "reads_documents = true\nmax_in_flight = 1"
    async with running_exporter(database_url, tmp_path, settings=settings) as exporter:
        await exporter.consume(accepted_event())
        await exporter.work_once()
        exporter.clock.advance(DAY)
        work = comparison_work(exporter)
        (job,) = (await work.claim(exporter.database, 1, ())).jobs
        await exporter.consume(accepted_event(commitment_id="c-2"))

        assert await exporter.work_once() == 0
        async with exporter.database.begin() as db:
            await work.settle(db, job, await work.perform(job))
        assert await exporter.work_once() == 1


@pytest.mark.parametrize("is_asked", [True, False])
async def test_calls_that_a_comparison_does_not_make_are_given_back(
    database_url: str, tmp_path: Path, *, is_asked: bool
) -> None:
    settings = "reads_documents = true\nmax_calls_per_minute = 40"
    async with running_exporter(database_url, tmp_path, settings=settings) as exporter:
        await exporter.consume(accepted_event())
        await exporter.work_once()
        exporter.clock.advance(DAY)
        work = comparison_work(exporter)
        (job,) = (await work.claim(exporter.database, 1, ())).jobs
        answer: ReadAnswer = await work.perform(job) if is_asked else NOT_ASKED
        async with exporter.database.begin() as db:
            await work.settle(db, job, answer)
            circuit = await connection_store.locked_circuit(db, "main", exporter.clock())

    rate = CallRate(40)
    assert rate.bucket - rate.free_calls(circuit.full_at, exporter.clock()) == is_asked


async def test_an_operator_can_have_all_documents_compared_now(exporter: ExporterProcess) -> None:
    exporter.erp.books.delete("1001")
    assert await make_all_due(exporter.database, ("main",), exporter.clock()) == 1

    assert await compare(exporter) == 1
    assert len(await told(exporter)) == 1


async def test_many_documents_are_made_due_in_portions_each_once(exporter: ExporterProcess) -> None:
    await more_comparisons(exporter, 2 * comparisons.MADE_DUE + 3)
    async with exporter.database.begin() as db:
        first = await comparisons.make_due(db, ("main",), exporter.clock())

    assert len(first) == comparisons.MADE_DUE
    assert await make_all_due(exporter.database, ("main",), exporter.clock()) == 2 * comparisons.MADE_DUE + 4
    async with exporter.database.begin() as db:
        later = select(func.count()).select_from(COMPARISON).where(COMPARISON.c.due_at > exporter.clock())
        assert (await db.execute(later)).scalar_one() == 0


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

    assert printed == (
        "1 document of main will be compared now. "
        "The exporter begins within a minute; the desk then lists what differs.\n"
    )
    assert await compare(exporter) == 1


async def test_the_command_says_what_is_wrong(exporter: ExporterProcess, tmp_path: Path) -> None:
    _, unknown = await command(exporter, tmp_path, "other")
    _, away = await command(exporter, tmp_path, "main", DATABASE_URL="postgresql://nobody@127.0.0.1:9/none")

    assert "No connection is named other." in unknown
    assert "PostgreSQL refused, or cannot be reached" in away


async def drifted_documents(exporter: ExporterProcess) -> float | None:
    await exporter.connection_report.report()
    return REGISTRY.get_sample_value("erp_documents_drifted", {"connection": "main"})


def left_so(found: ExportDrifted, **members: Any) -> Event[DecisionDriftAccepted]:
    """An approver's word that the document may differ as it was `found`."""
    told_of = found.model_dump(include={"company_id", "project_id", "commitment_id", "revision", "reopened", "version"})
    data = DecisionDriftAccepted(
        **told_of | members,
        is_missing=found.is_missing,
        differences=found.differences,
        decided_by=APPROVER,
        note="Change order 1.",
    )
    return new_event(data, source="countersign/approval", time=NOW)


async def test_what_an_approver_has_left_so_is_not_counted_until_something_else_differs(
    exporter: ExporterProcess,
) -> None:
    change(exporter, total="1.00")
    await night(exporter)
    (found,) = await told(exporter)
    assert await drifted_documents(exporter) == 1

    await exporter.consume(left_so(found))
    assert await drifted_documents(exporter) == 0
    await night(exporter)
    assert await drifted_documents(exporter) == 0

    change(exporter, total="2.00")
    await night(exporter)
    assert await drifted_documents(exporter) == 1


async def test_what_was_left_so_before_an_export_is_counted_after_it(exporter: ExporterProcess) -> None:
    change(exporter, total="1.00")
    await night(exporter)
    (found,) = await told(exporter)
    await exporter.consume(left_so(found), accepted_event(round=2, reopened=1))
    await exporter.work_once()
    change(exporter, total="1.00")
    await night(exporter)

    assert await drifted_documents(exporter) == 1


async def test_a_document_that_was_unlinked_is_compared_no_more(exporter: ExporterProcess) -> None:
    change(exporter, total="1.00")
    await exporter.consume(rejected_event(round=2, unlinks=DOCUMENT, reopened=1))

    assert await night(exporter) == 0
    assert await told(exporter) == []
