"""The ERP is asked for the document that an approver names, before it counts."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox.erp.faults import Calls, ErpFault, ErpFaultKind
from sandbox.erp.order import Order
from schemas.events import ExportInDoubt, ExportSucceeded
from schemas.fields import FailureClass
from services.exporter.connections import Connections
from services.exporter.connectors.protocol import Connector
from services.exporter.connectors.types import Refused, Transient
from services.exporter.rules.evidence import MAX_READS
from tests.integration.exporter.exporter_process import SETTLE_SECONDS, ExporterProcess, running_exporter
from tests.unit.exporter.builders import NOW, accepted_event, resolved_event


class RefusingReader:
    """Lets nobody read, as with an expired token."""

    enforces_reference = False
    can_read = True

    def __init__(self, connector: Connector, status: int) -> None:
        self._connector = connector
        self._answer: Refused | Transient = Refused(FailureClass.FIX_SETUP, f"HTTP {status}.")
        if status == 429:
            self._answer = Transient("HTTP 429.", retry_after_seconds=60.0, is_reached=True)

    def __getattr__(self, name: str) -> object:
        return getattr(self._connector, name)

    async def read(self, name: str) -> Refused | Transient:  # noqa: ARG002 - a connector's signature
        return self._answer


@pytest.fixture
async def reading(database_url: str, tmp_path: Path) -> AsyncIterator[ExporterProcess]:
    """An exporter whose ERP shows documents, with c-1 in doubt and not in the ERP."""
    async with running_exporter(database_url, tmp_path, settings="reads_documents = true") as exporter:
        exporter.erp.faults.replace([ErpFault(kind=ErpFaultKind.ERROR_BEFORE_STORING, times=1)])
        await exporter.consume(accepted_event())
        await exporter.work_once()
        assert await exporter.export_states() == ["in_doubt"]
        yield exporter


async def test_a_document_that_the_erp_has_settles_the_export(reading: ExporterProcess) -> None:
    by_hand = await _written_by_hand(reading)

    await reading.consume(resolved_event(document_id="PO-1001", number="PO-1001"))
    await reading.work_once()

    event = await reading.last_published()
    assert isinstance(event.data, ExportSucceeded)
    assert (event.data.erp_document.id, event.data.erp_document.number) == (by_hand, "PO-1001")


async def test_a_document_that_is_named_by_the_erps_own_id_alone_settles_the_export(reading: ExporterProcess) -> None:
    by_hand = await _written_by_hand(reading)

    await reading.consume(resolved_event(document_id=by_hand, number=None))
    await reading.work_once()

    event = await reading.last_published()
    assert isinstance(event.data, ExportSucceeded)
    assert (event.data.erp_document.id, event.data.erp_document.number) == (by_hand, "PO-1001")


async def test_a_document_that_the_erp_does_not_have_leaves_it_in_doubt(reading: ExporterProcess) -> None:
    await reading.consume(resolved_event(document_id="PO-9999", number="PO-9999"))
    await reading.work_once()

    event = await reading.last_published()
    assert isinstance(event.data, ExportInDoubt)
    assert event.data.asked == "PO-9999 was named as its document, but the ERP has no PO-9999."
    assert event.data.refused_evidence == 1
    assert await reading.export_states() == ["in_doubt"]


async def test_the_document_of_another_commitment_does_not_settle_it(reading: ExporterProcess) -> None:
    elsewhere = accepted_event(commitment_id="c-2").data
    other = await _written_by_hand(reading, marker=f"c-2/1/{elsewhere.content_hash}")

    await reading.consume(resolved_event(document_id=other, number="PO-1001"))
    await reading.work_once()

    event = await reading.last_published()
    assert isinstance(event.data, ExportInDoubt)
    assert event.data.asked.startswith("PO-1001 is the document of another commitment: its marker is c-2/1/")


async def test_evidence_waits_until_the_erp_answers(reading: ExporterProcess) -> None:
    document_id = await _written_by_hand(reading)
    reading.erp.faults.replace([ErpFault(kind=ErpFaultKind.UNAVAILABLE, calls=Calls.SEARCHES, times=2)])

    await reading.consume(resolved_event(document_id=document_id, number="PO-1001"))
    states = []
    for _ in range(4):
        await reading.work_once()
        states.append((await reading.export_states())[0])
        reading.clock.advance(60)

    assert states == ["in_doubt", "in_doubt", "succeeded", "succeeded"]


async def test_a_document_that_is_known_as_another_commitments_does_not_settle_it_although_nothing_marks_it(
    reading: ExporterProcess,
) -> None:
    await reading.consume(accepted_event(commitment_id="c-2"))
    await reading.work_once()
    books = reading.erp.books
    (theirs,) = books.under("c-2")
    unmarked = theirs.order.model_copy(update={"marker": "by hand", "reference": "by hand"})
    books.documents[theirs.id] = replace(theirs, number="PO-77", order=unmarked)

    await reading.consume(resolved_event(document_id="PO-77", number="PO-77"))
    reading.clock.advance(SETTLE_SECONDS)
    await reading.work_once()

    event = await reading.last_published()
    assert isinstance(event.data, ExportInDoubt)
    assert (event.data.asked, event.data.refused_evidence) == ("PO-77 is already the document of SC-014 (c-2).", 1)
    assert (await reading.export_states())[0] == "in_doubt"


@pytest.mark.parametrize("status", [401, 403, 429])
async def test_evidence_waits_while_the_erp_does_not_let_us_read_and_says_why(
    reading: ExporterProcess, status: int
) -> None:
    document_id = await _written_by_hand(reading)
    await reading.consume(resolved_event(document_id=document_id, number="PO-1001"))
    refusing = reading.with_connector(RefusingReader(reading.connections.by_name["main"].connector, status))

    for _ in range(MAX_READS + 3):
        await refusing.work_once()
        refusing.clock.advance(3_600)
    event = await refusing.last_published()
    assert isinstance(event.data, ExportInDoubt)
    assert event.data.asked.startswith(f"Asked for PO-1001: HTTP {status}.")
    assert (event.data.checks_evidence, event.data.refused_evidence, event.data.probes) == (1, 0, MAX_READS + 3)

    await reading.work_once()
    assert await reading.export_states() == ["succeeded"]


async def test_a_number_that_two_documents_have_asks_for_the_id(reading: ExporterProcess) -> None:
    for _ in range(2):
        document_id = await _written_by_hand(reading)
    books = reading.erp.books
    books.documents[document_id] = replace(books.documents[document_id], number="PO-1001")

    await reading.consume(resolved_event(document_id="PO-1001", number="PO-1001"))
    await reading.work_once()

    event = await reading.last_published()
    assert isinstance(event.data, ExportInDoubt)
    assert "2 documents have the number PO-1001; give the ERP's id." in event.data.asked


async def test_a_persons_word_counts_where_the_erp_shows_no_documents(exporter: ExporterProcess) -> None:
    exporter.erp.faults.replace([ErpFault(kind=ErpFaultKind.ERROR_BEFORE_STORING, times=1)])
    await exporter.consume(accepted_event())
    await exporter.work_once()
    calls = len(exporter.erp.journal.entries)

    await exporter.consume(resolved_event(document_id="PO-9999", number="PO-9999"))
    await exporter.work_once()

    assert await exporter.export_states() == ["succeeded"]
    assert len(exporter.erp.journal.entries) == calls


async def test_a_persons_word_counts_where_the_connection_is_no_longer_configured(reading: ExporterProcess) -> None:
    await reading.consume(resolved_event())
    gone = ExporterProcess(reading.database, Connections(), reading.erp, reading.clock)

    await gone.work_once()

    assert await gone.export_states() == ["succeeded"]


async def _written_by_hand(exporter: ExporterProcess, marker: str = "by hand") -> str:
    """Return the id of a document that somebody has created in the ERP."""
    data = accepted_event().data
    content = data.commitment.commitment.model_dump(mode="json", include=set(Order.model_fields))
    order = Order.model_validate(
        {**content, "reference": "by-hand", "marker": marker, "company_id": "co-1", "revision": 1}
    )
    created = exporter.erp.books.create(order, NOW)
    assert created.document_id is not None
    return created.document_id
