"""Exports go through conversations with the client of a polled ERP, whichever of the two sides dies in between."""

import json

import pytest
from sqlalchemy import text

from schemas.envelope import Event
from schemas.events import EventData, ExportFailed, ExportInDoubt, ExportSucceeded
from services.exporter.storage.queries import count_set_aside
from services.exporter.web_connector.conversing import BUSY, NOTHING_TO_DO, OPEN_FILE
from tests.integration.exporter.exporter_process import ExporterProcess
from tests.integration.exporter.polling.client import Client, Point
from tests.integration.exporter.polling.ledger import LISTS, Ledger
from tests.unit.exporter.builders import accepted_event


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


@pytest.fixture
def client(polled: ExporterProcess, ledger: Ledger) -> Client:
    return Client(polled.conversations, ledger)


async def test_an_accepted_commitment_is_written_with_the_next_poll(
    polled: ExporterProcess, client: Client, ledger: Ledger
) -> None:
    await polled.consume(accepted_event())

    assert await polled.work_once() == 0
    assert await client.poll() == OPEN_FILE

    assert ledger.created == {"c-1": 1}
    event = await _last_of(polled, "c-1")
    assert isinstance(event.data, ExportSucceeded)
    assert event.data.erp_document.number == "NL-1"
    assert client.said == "Countersign: 1 document written."
    assert await client.poll() == NOTHING_TO_DO


async def test_lists_are_read_in_parts_after_the_exports(
    polled: ExporterProcess, client: Client, ledger: Ledger
) -> None:
    await polled.consume(accepted_event())

    await client.poll()

    done = [each["do"] for each in ledger.asked]
    assert done == ["find", "write", "list", "list", "list", "list"]
    assert [each["name"] for each in ledger.asked[2:]] == ["vendor", "vendor", "item", "job"]
    assert client.progress == sorted(client.progress)
    assert client.progress[-1] == 100
    assert set(LISTS) == {each["name"] for each in ledger.asked[2:]}


async def test_a_refusal_fails_the_export_and_the_next_one_is_written(
    polled: ExporterProcess, client: Client, ledger: Ledger
) -> None:
    ledger.refuses = "Vendor Acme is on hold."
    await polled.consume(accepted_event())
    await client.poll()

    assert isinstance((await _last_of(polled, "c-1")).data, ExportFailed)
    ledger.refuses = ""
    await polled.consume(accepted_event(commitment_id="c-2"))
    await client.poll()

    assert ledger.created == {"c-2": 1}


@pytest.mark.parametrize("remembers", [True, False])
async def test_a_client_that_dies_after_the_erp_has_stored_leaves_a_doubt_that_the_next_poll_ends(
    polled: ExporterProcess, client: Client, ledger: Ledger, *, remembers: bool
) -> None:
    ledger.remembers = remembers
    await polled.consume(accepted_event())
    client.dies_at = (Point.STORED, 2)

    assert await client.poll() == "died"
    polled.clock.advance(15)
    assert await client.poll() == OPEN_FILE

    assert ledger.created == {"c-1": 1}
    kinds = [type(each.data) for each in await polled.published() if each.subject == "c-1"]
    assert kinds == [ExportInDoubt, ExportSucceeded]


@pytest.mark.parametrize("remembers", [True, False])
@pytest.mark.parametrize("step", range(1, 24))
async def test_wherever_the_client_dies_there_is_one_document(
    polled: ExporterProcess, client: Client, ledger: Ledger, step: int, *, remembers: bool
) -> None:
    ledger.remembers = remembers
    await polled.consume(accepted_event(), accepted_event(commitment_id="c-2"))
    client.dies_at_step = step

    first = await client.poll()
    for _ in range(3):
        polled.clock.advance(15)
        await client.poll()

    assert ledger.created == {"c-1": 1, "c-2": 1}, first
    assert await polled.export_states() == ["succeeded", "succeeded"]


async def test_a_second_client_waits_while_the_first_one_is_busy(polled: ExporterProcess, ledger: Ledger) -> None:
    await polled.consume(accepted_event())
    first = await polled.conversations.begin("main", "10.0.0.1")
    host = Client(polled.conversations, ledger).host
    request = await polled.conversations.next_request(first.ticket, host)

    polled.clock.advance(200)
    second = await polled.conversations.begin("main", "10.0.0.2")

    assert second.answer == BUSY
    assert await polled.conversations.next_request(second.ticket, host) == ""
    assert 0 <= await polled.conversations.take_reply(first.ticket, ledger(request), "", "") < 100


async def test_a_client_that_begins_anew_ends_its_last_conversation(polled: ExporterProcess, ledger: Ledger) -> None:
    await polled.consume(accepted_event())
    first = await polled.conversations.begin("main", "10.0.0.1")
    assert (await polled.conversations.begin("main", "10.0.0.1")).answer == BUSY

    polled.clock.advance(5)
    second = await polled.conversations.begin("main", "10.0.0.1")

    host = Client(polled.conversations, ledger).host
    assert await polled.conversations.next_request(first.ticket, host) == ""
    assert await polled.conversations.take_reply(first.ticket, "{}", "", "") == -1
    assert "another conversation" in await polled.conversations.last_error(first.ticket)
    assert await polled.conversations.next_request(second.ticket, host) != ""


async def test_a_silent_conversation_ends_and_its_write_is_in_doubt(
    polled: ExporterProcess, client: Client, ledger: Ledger
) -> None:
    await polled.consume(accepted_event())
    client.dies_at = (Point.ASKED, 2)
    await client.poll()

    polled.clock.advance(299)
    await polled.conversations.end_silent()
    assert await polled.export_states() == ["in_flight"]
    polled.clock.advance(2)
    await polled.conversations.end_silent()

    assert await polled.export_states() == ["in_doubt"]
    assert isinstance((await polled.last_published()).data, ExportInDoubt)
    await client.poll()
    assert ledger.created == {"c-1": 1}


async def test_another_process_carries_a_conversation_on(polled: ExporterProcess, ledger: Ledger) -> None:
    await polled.consume(accepted_event())
    admission = await polled.conversations.begin("main", "10.0.0.1")
    host = Client(polled.conversations, ledger).host

    for _ in range(20):
        process = polled.sibling()
        request = await process.conversations.next_request(admission.ticket, host)
        if not request:
            break
        process = polled.sibling()
        await process.conversations.take_reply(admission.ticket, ledger(request), "", "")

    assert ledger.created == {"c-1": 1}
    assert await polled.export_states() == ["succeeded"]


async def test_a_request_that_is_fetched_twice_is_never_passed_on_twice(
    polled: ExporterProcess, ledger: Ledger
) -> None:
    await polled.consume(accepted_event())
    admission = await polled.conversations.begin("main", "10.0.0.1")
    host = Client(polled.conversations, ledger).host

    sent = []
    for _ in range(40):
        request = await polled.conversations.next_request(admission.ticket, host)
        again = await polled.conversations.next_request(admission.ticket, host)
        sent += [request, again]
        if not again:
            break
        ledger(request)
        await polled.conversations.take_reply(admission.ticket, ledger(again), "", "")

    writes = [each for each in sent if '"write"' in each]
    assert len(set(writes)) == len(writes)
    assert ledger.created["c-1"] <= 1


async def test_an_erp_that_cannot_be_opened_is_told_and_loses_nothing(
    polled: ExporterProcess, client: Client, ledger: Ledger
) -> None:
    await polled.consume(accepted_event())
    admission = await polled.conversations.begin("main", "10.0.0.1")

    assert await polled.conversations.connection_failed(admission.ticket, "0x80040408", "closed") == "done"
    await polled.connection_report.report()

    told = (await polled.last_published()).data
    assert told.reason == "The ledger is closed: closed"  # type: ignore[attr-defined]
    assert told.circuit_open_since is not None  # type: ignore[attr-defined]
    polled.clock.advance(60)
    await client.poll()
    await polled.connection_report.report()
    assert ledger.created == {"c-1": 1}
    assert (await polled.last_published()).data.circuit_open_since is None  # type: ignore[attr-defined]


async def test_another_company_file_gets_nothing(polled: ExporterProcess, client: Client, ledger: Ledger) -> None:
    await client.poll()
    await polled.consume(accepted_event())
    client.company_file = r"C:\Books\Other.QBW"

    asked = len(ledger.asked)
    await client.poll()

    assert len(ledger.asked) == asked
    assert "belongs to" in client.said
    client.company_file = r"c:\books\main.qbw"
    polled.clock.advance(60)
    await client.poll()
    assert ledger.created == {"c-1": 1}


async def test_a_document_that_comes_late_from_a_second_machine_is_told(
    polled: ExporterProcess, client: Client, ledger: Ledger
) -> None:
    ledger.remembers = False
    await polled.consume(accepted_event())
    client.dies_at = (Point.ASKED, 2)
    await client.poll()
    polled.clock.advance(400)
    await client.poll()
    assert ledger.created == {"c-1": 1}

    ledger.documents["L-9"] = ledger.documents["L-1"] | {"id": "L-9", "number": "NL-9"}
    polled.clock.advance(120)
    await client.poll()

    told = [each.data for each in await polled.published() if isinstance(each.data, ExportSucceeded)]
    assert [each.erp_document.id for each in told] == ["L-1", "L-9"]


async def test_a_wrong_password_is_told_until_a_right_one_is_given(polled: ExporterProcess, client: Client) -> None:
    await polled.conversations.refused("main")
    await polled.connection_report.report()
    assert "wrong password" in str((await _last_of(polled, "main")).data.poller.trouble)  # type: ignore[attr-defined]

    await client.poll()
    await polled.connection_report.report()
    assert (await _last_of(polled, "main")).data.poller.trouble is None  # type: ignore[attr-defined]


async def test_a_damaged_commitment_holds_up_no_other_one(
    polled: ExporterProcess, client: Client, ledger: Ledger
) -> None:
    await polled.consume(accepted_event(), accepted_event(commitment_id="c-2"))
    async with polled.database.begin() as db:
        await db.execute(text("update exporter.export set decided_by = '[]' where commitment_id = 'c-1'"))

    await client.poll()

    assert ledger.created == {"c-2": 1}
    async with polled.database.begin() as db:
        assert await count_set_aside(db) == 1


async def test_a_commitment_that_is_damaged_while_it_is_written_holds_up_no_other_one(
    polled: ExporterProcess, client: Client, ledger: Ledger
) -> None:
    await polled.consume(accepted_event(), accepted_event(commitment_id="c-2"))
    client.dies_at = (Point.STORED, 2)
    await client.poll()
    async with polled.database.begin() as db:
        await db.execute(text("update exporter.export set decided_by = '[]' where commitment_id = 'c-1'"))

    polled.clock.advance(15)
    await client.poll()

    assert ledger.created == {"c-1": 1, "c-2": 1}


async def test_a_list_that_cannot_be_read_is_left_until_the_next_poll(
    polled: ExporterProcess, client: Client, ledger: Ledger
) -> None:
    admission = await polled.conversations.begin("main", "10.0.0.1")
    names = []
    while request := await polled.conversations.next_request(admission.ticket, client.host):
        names.append(json.loads(request)["name"])
        ledger(request)
        await polled.conversations.take_reply(admission.ticket, "", "0x80040400", "It is not well-formed.")

    assert names == ["vendor", "item", "job"]
    assert "not well-formed" in await polled.conversations.last_error(admission.ticket)


async def _last_of(polled: ExporterProcess, commitment_id: str) -> Event[EventData]:
    return [each for each in await polled.published() if each.subject == commitment_id][-1]
