"""A commitment whose ERP was left is written anew in the next one once an approver says so, and never by itself."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sandbox.erp.faults import ErpFault, ErpFaultKind
from sandbox.erp.running import running_erp
from sandbox.erp.server import Erp
from schemas.events import ExportFailed, ExportInDoubt, ExportSucceeded, Failure
from services.exporter.connections import Connection, load_connections
from tests.integration.exporter.exporter_process import SETTLE_SECONDS, TOKEN, ExporterProcess, running_exporter
from tests.unit.exporter.builders import SECOND, accepted_event, resolved_event

NEW_TITLE = "Concrete, levels 2 and 3"


@pytest.fixture
async def exporter(database_url: str, tmp_path: Path) -> AsyncIterator[ExporterProcess]:
    """An exporter whose only connection is `main`, with c-1 in its ERP as PO-1001."""
    async with running_exporter(database_url, tmp_path) as running:
        await running.consume(accepted_event())
        await running.work_once()
        yield running


@pytest.fixture
async def after(exporter: ExporterProcess, tmp_path: Path) -> AsyncIterator[ExporterProcess]:
    """The exporter after the company has moved to another ERP, `books`; `main` is gone from the file."""
    async with running_erp(token=TOKEN) as erp:
        path = tmp_path / "books.toml"
        path.write_text(books(erp), encoding="utf-8")
        connections = load_connections(path, {"ERP_TOKEN": TOKEN.get_secret_value()})
        yield ExporterProcess(exporter.database, connections, erp, exporter.clock)
        await connections.by_name["books"].connector.close()


def books(erp: Erp) -> str:
    return f"""
    [[connection]]
    name = "books"
    title = "New books"
    kind = "http"
    url = "{erp.url}"
    companies = ["co-1"]
    token_env = "ERP_TOKEN"
    timeout_seconds = 5
    settle_seconds = {SETTLE_SECONDS}
    """


def written(process: ExporterProcess) -> list[tuple[str, int]]:
    """The documents in the ERP of `process`: commitment and revision."""
    documents = process.erp.books.documents.values()
    return [(each.order.reference, each.order.revision) for each in documents]


async def stranded(after: ExporterProcess) -> Failure:
    """How the export of revision 2 fails."""
    await after.consume(accepted_event(2, title=NEW_TITLE))
    await after.work_once()
    failed = (await after.last_published()).data
    assert isinstance(failed, ExportFailed)
    return failed.failure


async def create_anew(after: ExporterProcess, failure: Failure) -> None:
    order = accepted_event(2, 2, title=NEW_TITLE, replaces=failure.document, moves=True)
    await after.consume(order, order)
    await after.work_once()


async def test_the_failure_names_the_document_and_writes_nothing_anywhere(
    exporter: ExporterProcess, after: ExporterProcess
) -> None:
    failure = await stranded(after)

    assert failure.document is not None
    assert (failure.code, failure.document.number, failure.document.connection) == (
        "unknown_connection",
        "PO-1001",
        "main",
    )
    assert failure.message.startswith("PO-1001, the document of SC-014, is in main, which is no longer configured.")
    assert (written(exporter), written(after)) == ([("c-1", 1)], [])


async def test_a_retry_alone_leads_to_the_same_failure(after: ExporterProcess) -> None:
    first = await stranded(after)
    await after.consume(accepted_event(2, 2, title=NEW_TITLE))
    await after.work_once()

    event = (await after.last_published()).data
    assert isinstance(event, ExportFailed)
    assert (event.round, event.failure) == (2, first)


async def test_it_becomes_one_new_document_that_later_revisions_update(
    exporter: ExporterProcess, after: ExporterProcess
) -> None:
    await create_anew(after, await stranded(after))

    succeeded = (await after.last_published()).data
    assert isinstance(succeeded, ExportSucceeded)
    assert succeeded.erp_document.connection == "books"
    await after.consume(accepted_event(3))
    await after.work_once()
    assert (written(exporter), written(after)) == ([("c-1", 1)], [("c-1", 3)])


async def test_a_lost_answer_is_asked_about_in_the_new_erp_and_not_repeated(after: ExporterProcess) -> None:
    failure = await stranded(after)
    after.erp.faults.replace([ErpFault(kind=ErpFaultKind.LOSE_ANSWER, times=1)])
    await create_anew(after, failure)
    after.clock.advance(SETTLE_SECONDS)
    await after.work_once()

    assert written(after) == [("c-1", 2)]
    assert (await after.export_states()) == ["succeeded", "succeeded"]


async def test_a_renamed_connection_updates_its_document_whatever_was_ordered(
    exporter: ExporterProcess, after: ExporterProcess
) -> None:
    failure = await stranded(after)
    main = exporter.connections.by_name["main"]
    settings = main.settings.model_copy(update={"name": "books", "formerly": ("main",)})
    await after.connections.replace({"books": Connection(settings, main.connector)})
    await create_anew(after, failure)

    assert written(exporter) == [("c-1", 2)]


async def test_what_is_in_doubt_in_an_erp_that_was_left_waits_for_a_person(
    exporter: ExporterProcess, after: ExporterProcess
) -> None:
    exporter.erp.faults.replace([ErpFault(kind=ErpFaultKind.LOSE_ANSWER, times=1)])
    await exporter.consume(accepted_event(commitment_id="c-2"))
    await exporter.work_once()
    after.clock.advance(SETTLE_SECONDS)
    await after.work_once()
    assert (await after.export_states())[-1] == "in_doubt"

    await after.consume(resolved_event(document_id="1002", commitment_id="c-2", number="PO-1002"))
    await after.work_once()
    waiting = (await after.last_published()).data
    assert isinstance(waiting, ExportInDoubt)
    assert waiting.asked == "main is no longer configured, so it cannot be asked for PO-1002."

    confirmed = resolved_event(document_id="1002", commitment_id="c-2", number="PO-1002", confirmed_by=SECOND)
    await after.consume(confirmed)
    await after.work_once()

    succeeded = (await after.last_published()).data
    assert isinstance(succeeded, ExportSucceeded)
    assert (succeeded.erp_document.connection, succeeded.erp_document.number) == ("main", "PO-1002")
    assert written(after) == []


async def test_what_a_person_does_not_find_there_goes_to_the_new_erp_by_a_retry(
    exporter: ExporterProcess, after: ExporterProcess
) -> None:
    exporter.erp.faults.replace([ErpFault(kind=ErpFaultKind.ERROR_BEFORE_STORING, times=1)])
    await exporter.consume(accepted_event(commitment_id="c-2"))
    await exporter.work_once()
    after.clock.advance(SETTLE_SECONDS)
    for round_ in (2, 3):
        await after.consume(accepted_event(round=round_, commitment_id="c-2"))
        await after.work_once()

    assert (await after.export_states())[-1] == "succeeded"
    assert written(after) == [("c-2", 1)]
