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
from tests.unit.exporter.builders import APPROVER, NOW, SECOND, accepted_event, resolved_event


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
    assert event.data.shown == "Main books shows PO-1001: USD 480,250.00, reference c-1."


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


async def _in_doubt_where_nothing_is_shown(exporter: ExporterProcess) -> None:
    exporter.erp.faults.replace([ErpFault(kind=ErpFaultKind.ERROR_BEFORE_STORING, times=1)])
    await exporter.consume(accepted_event())
    await exporter.work_once()
    await exporter.consume(resolved_event(document_id="PO-9999", number="PO-9999"))
    await exporter.work_once()


async def test_where_the_erp_shows_no_documents_two_people_have_to_say_so(exporter: ExporterProcess) -> None:
    await _in_doubt_where_nothing_is_shown(exporter)
    calls, waiting = len(exporter.erp.journal.entries), (await exporter.last_published()).data

    assert isinstance(waiting, ExportInDoubt)
    assert waiting.asked == "Main books does not show its documents, so it cannot be asked for PO-9999."
    assert (waiting.checks_evidence, waiting.refused_evidence, waiting.next_probe) == (1, 0, None)
    exporter.clock.advance(86_400)
    assert await exporter.work_once() == 0

    await exporter.consume(resolved_event(document_id="PO-9999", number="PO-9999", confirmed_by=SECOND))
    await exporter.work_once()
    assert await exporter.export_states() == ["succeeded"]
    assert len(exporter.erp.journal.entries) == calls


async def test_nobody_confirms_what_they_found_themselves(exporter: ExporterProcess) -> None:
    await _in_doubt_where_nothing_is_shown(exporter)

    await exporter.consume(resolved_event(document_id="PO-9999", number="PO-9999", confirmed_by=APPROVER))
    await exporter.work_once()

    assert await exporter.export_states() == ["in_doubt"]


async def test_what_was_withdrawn_is_no_evidence_and_other_evidence_is_checked(exporter: ExporterProcess) -> None:
    await _in_doubt_where_nothing_is_shown(exporter)
    withdrawn = resolved_event(document_id="PO-9999", number="PO-9999", withdrawn_by=SECOND)

    await exporter.consume(withdrawn)
    await exporter.consume(resolved_event(document_id="PO-9999", number="PO-9999", confirmed_by=SECOND))
    assert await exporter.export_states() == ["in_doubt"]
    await exporter.consume(resolved_event(evidence=2, confirmed_by=SECOND))
    await exporter.work_once()

    event = await exporter.last_published()
    assert isinstance(event.data, ExportSucceeded)
    assert event.data.erp_document.number == "PO-9"


async def test_what_a_second_person_confirmed_is_still_asked_for_where_the_erp_shows_it(
    reading: ExporterProcess,
) -> None:
    named = {"document_id": "PO-9999", "number": "PO-9999"}
    await reading.consume(resolved_event(**named), resolved_event(**named, confirmed_by=SECOND))
    await reading.work_once()

    event = await reading.last_published()
    assert isinstance(event.data, ExportInDoubt)
    assert event.data.asked == "PO-9999 was named as its document, but the ERP has no PO-9999."


@pytest.mark.parametrize(
    ("members", "asked"),
    [
        ({"total": "10.00"}, "Main books shows PO-1001: USD 10.00, reference c-1. SC-014 is USD 480,250.00."),
        ({"currency": "EUR"}, "Main books shows PO-1001: EUR 480,250.00, reference c-1. SC-014 is USD 480,250.00."),
        (
            {"reference": "bid-7"},
            "Main books shows PO-1001: USD 480,250.00, reference bid-7. SC-014 has another reference.",
        ),
    ],
)
async def test_a_document_that_contradicts_counts_once_a_second_person_has_confirmed_it(
    reading: ExporterProcess, members: dict[str, str], asked: str
) -> None:
    await _written_by_hand(reading, **members)
    named = {"document_id": "PO-1001", "number": "PO-1001"}
    await reading.consume(resolved_event(**named))
    await reading.work_once()
    waiting = (await reading.last_published()).data

    assert isinstance(waiting, ExportInDoubt)
    assert (waiting.asked, waiting.next_probe, waiting.checks_evidence) == (asked, None, 1)

    await reading.consume(resolved_event(**named, confirmed_by=SECOND))
    await reading.work_once()
    assert await reading.export_states() == ["succeeded"]


async def test_a_document_with_the_reference_of_another_commitment_never_counts(reading: ExporterProcess) -> None:
    await reading.consume(accepted_event(commitment_id="c-2"))
    await reading.work_once()
    await _written_by_hand(reading, reference="c-2")
    named = {"document_id": "PO-1002", "number": "PO-1002"}
    await reading.consume(resolved_event(**named), resolved_event(**named, confirmed_by=SECOND))
    reading.clock.advance(SETTLE_SECONDS)
    await reading.work_once()

    event = await reading.last_published()
    assert isinstance(event.data, ExportInDoubt)
    assert event.data.asked == "PO-1002 has the reference of SC-014 (c-2): c-2."
    assert (event.data.refused_evidence, (await reading.export_states())[0]) == (1, "in_doubt")


async def test_where_the_connection_is_no_longer_configured_two_people_have_to_say_so(
    reading: ExporterProcess,
) -> None:
    await reading.consume(resolved_event())
    gone = ExporterProcess(reading.database, Connections(), reading.erp, reading.clock)

    await gone.work_once()
    assert await gone.export_states() == ["in_doubt"]
    await gone.consume(resolved_event(confirmed_by=SECOND))
    await gone.work_once()

    assert await gone.export_states() == ["succeeded"]


async def test_nothing_is_written_while_somebody_says_that_it_exists(exporter: ExporterProcess) -> None:
    """Also where the exporter was restored, and no longer knows that it was in doubt."""
    await exporter.consume(accepted_event(), resolved_event())
    await exporter.work_once()
    exporter.clock.advance(86_400)
    await exporter.work_once()

    assert await exporter.export_states() == ["in_doubt"]
    assert not exporter.erp.books.documents


async def _written_by_hand(exporter: ExporterProcess, marker: str = "by hand", **members: str) -> str:
    """Return the id of a document that somebody has created in the ERP."""
    data = accepted_event().data
    content = data.commitment.commitment.model_dump(mode="json", include=set(Order.model_fields))
    order = Order.model_validate(
        {**content, "reference": "c-1", "marker": marker, "company_id": "co-1", "revision": 1, **members}
    )
    created = exporter.erp.books.create(order, NOW)
    assert created.document_id is not None
    return created.document_id
