"""An ERP that answers without a document is asked what it has; its words are shown, and it is not called again."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import orjson
import pytest
from sqlalchemy import update

from services.exporter.connectors.http import HttpConnector, HttpSettings
from services.exporter.storage import tables
from tests.integration.exporter.exporter_process import ExporterProcess
from tests.integration.exporter.scripted_server import RESET, ScriptedServer, response_bytes, scripted_server
from tests.unit.exporter.builders import accepted_event

NOTHING = response_bytes(200, b'{"documents": []}')


def listed(**members: object) -> bytes:
    return response_bytes(200, orjson.dumps({"documents": [members]}))


def marker() -> str:
    return f"c-1/1/{accepted_event().data.content_hash}"


@asynccontextmanager
async def exporting_to(
    exporter: ExporterProcess, *responses: bytes
) -> AsyncIterator[tuple[ExporterProcess, ScriptedServer]]:
    """The exporter with an ERP that sends these responses, and has received revision 1."""
    async with scripted_server(*responses) as erp:
        settings = HttpSettings(
            name="main", kind="http", title="Main books", companies=("co-1",), url=erp.url, timeout_seconds=5
        )
        http = HttpConnector(settings, None)
        process = exporter.with_connector(http)
        await process.consume(accepted_event())
        yield process, erp
        await http.close()


async def work_for_hours(process: ExporterProcess) -> None:
    for _ in range(600):
        await process.work_once()
        process.clock.advance(30)


def writes(erp: ScriptedServer) -> list[bytes]:
    return [request for request in erp.received if not request.startswith(b"GET")]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (response_bytes(200, b'{"error": "Vendor is on hold"}'), "Vendor is on hold"),
        (response_bytes(201, b'{"id": "7", "errors": [{"message": "Vendor is on hold"}]}'), "Vendor is on hold"),
        (response_bytes(200, b"<html><body>Please sign in</body></html>"), "Please sign in"),
        (response_bytes(204), "answered without a document."),
        (response_bytes(201), "answered without a document."),
        (response_bytes(201, b"", "Location: /documents/7"), "answered without a document."),
        (response_bytes(202, b'{"id": "job-7"}'), "took it for later and showed no document."),
        (response_bytes(207, b"<multistatus/>"), "answered without a document."),
        (response_bytes(302, b"", "Location: https://login.example.com/?next=x"), "redirects to https://login.example"),
        (response_bytes(500, b'{"error": {"message": "Period closed"}}'), "Period closed"),
        (response_bytes(500), "gave no reason."),
    ],
)
async def test_a_complete_answer_without_a_document_is_in_doubt_once_and_then_failed(
    exporter: ExporterProcess, answer: bytes, words: str
) -> None:
    async with exporting_to(exporter, NOTHING, answer, NOTHING) as (process, erp):
        await work_for_hours(process)
        assert len(writes(erp)) == 1

    doubts = [event.data for event in await process.published() if event.data.topic == "export.in_doubt"]
    (failed,) = [event.data for event in await process.published() if event.data.topic == "export.failed"]
    assert doubts
    assert [doubt.asked for doubt in doubts if words not in doubt.asked] == []
    assert words in failed.failure.message
    assert (failed.failure.failure_class, failed.attempts) == ("fix_setup", 1)


@pytest.mark.parametrize("answer", [response_bytes(201, b"", "Location: /documents/7"), response_bytes(202), RESET])
async def test_a_document_that_appears_after_an_answer_without_it_is_a_success(
    exporter: ExporterProcess, answer: bytes
) -> None:
    shown = listed(id="PO 7", number=7, url="", reference="c-1", marker=marker())
    async with exporting_to(exporter, NOTHING, answer, shown) as (process, erp):
        await work_for_hours(process)
        assert len(writes(erp)) == 1

    document = (await process.last_published()).data.erp_document
    assert (document.id, document.number, document.url) == ("PO 7", "7", None)


async def test_a_document_whose_id_has_spaces_is_updated_under_that_id(exporter: ExporterProcess) -> None:
    stored = response_bytes(201, b'{"id": "PO 7", "url": "/po/7"}')
    async with exporting_to(exporter, NOTHING, stored, NOTHING, stored) as (process, erp):
        await process.consume(accepted_event(2, title="Concrete, levels 2 and 3"))
        await work_for_hours(process)
        assert await process.export_states() == ["succeeded", "succeeded"]

    assert [request.partition(b" HTTP")[0] for request in writes(erp)] == [
        b"POST /documents",
        b"PUT /documents/PO%207",
    ]


async def test_nothing_is_created_beside_a_document_that_cannot_be_read(exporter: ExporterProcess) -> None:
    async with exporting_to(exporter, listed(id="", number="PO-7", reference="c-1")) as (process, erp):
        await work_for_hours(process)
        assert writes(erp) == []

    (failed,) = [event.data for event in await process.published() if event.data.topic == "export.failed"]
    assert (failed.failure.failure_class, "PO-7" in failed.failure.message) == ("fix_setup", True)


async def test_after_a_lost_answer_a_document_that_cannot_be_read_is_left_to_a_person(
    exporter: ExporterProcess,
) -> None:
    unreadable = listed(id=None, number="PO-7", reference="c-1", marker=marker())
    async with exporting_to(exporter, NOTHING, RESET, unreadable) as (process, erp):
        await work_for_hours(process)
        assert (len(writes(erp)), await process.export_states()) == (1, ["in_doubt"])

    assert (await process.last_published()).data.next_probe is None


async def test_an_export_that_an_earlier_release_left_in_doubt_is_continued(exporter: ExporterProcess) -> None:
    stored = response_bytes(201, b'{"id": "7"}')
    async with exporting_to(exporter, NOTHING, RESET, NOTHING, stored) as (process, erp):
        await process.work_once()
        async with process.database.begin() as db:
            await db.execute(update(tables.EXPORT).values(doubt=None))
        process.clock.advance(60)
        await process.work_once()
        assert (len(writes(erp)), await process.export_states()) == (2, ["succeeded"])


async def test_an_erp_that_answers_without_documents_does_not_open_the_circuit(exporter: ExporterProcess) -> None:
    answers = (NOTHING, response_bytes(200, b'{"error": "Vendor is on hold"}')) * 9
    async with exporting_to(exporter, *answers) as (process, _):
        await process.consume(*(accepted_event(commitment_id=f"c-{number}") for number in range(2, 10)))
        assert await process.work_once() == 9
        assert await process.export_states() == ["in_doubt"] * 9
        process.clock.advance(5)
        assert await process.work_once() == 9
