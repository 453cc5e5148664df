"""Whatever clients, a network or a row do to a conversation, each commitment is one document and none is held up."""

import json

import pytest
from sqlalchemy import text

from services.exporter.polling.conversations import Conversations
from services.exporter.web_connector.conversing import BUSY, OPEN_FILE
from tests.integration.exporter.exporter_process import ExporterProcess
from tests.integration.exporter.polling.client import Client
from tests.integration.exporter.polling.ledger import Ledger
from tests.unit.exporter.builders import accepted_event


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


@pytest.fixture
def client(polled: ExporterProcess, ledger: Ledger) -> Client:
    return Client(polled.conversations, ledger)


async def _fetched_write(conversations: Conversations, client: Client) -> tuple[str, str]:
    """Hold a conversation up to its first write, and return its ticket and that write: the ERP does not have it yet."""
    ticket = (await conversations.begin("main", client.address)).ticket
    while '"write"' not in (request := await conversations.next_request(ticket, client.host)):
        await conversations.take_reply(ticket, client.erp(request), "", "")
    return ticket, request


async def test_a_second_machine_behind_one_address_does_not_repeat_a_write_that_is_still_on_its_way(
    polled: ExporterProcess, client: Client, ledger: Ledger
) -> None:
    await polled.consume(accepted_event())
    ticket, write = await _fetched_write(polled.conversations, client)

    polled.clock.advance(5)
    assert await client.poll() == BUSY
    assert await polled.conversations.take_reply(ticket, ledger(write), "", "") > 0

    assert ledger.created == {"c-1": 1}
    assert await polled.export_states() == ["succeeded"]


async def test_a_write_that_is_fetched_twice_is_not_repeated_while_one_of_the_two_may_be_under_way(
    polled: ExporterProcess, client: Client, ledger: Ledger
) -> None:
    await polled.consume(accepted_event())
    ticket, write = await _fetched_write(polled.conversations, client)
    await polled.conversations.next_request(ticket, client.host)

    polled.clock.advance(5)
    await client.poll()
    ledger(write)
    polled.clock.advance(300)
    await client.poll()

    assert ledger.created == {"c-1": 1}


async def test_a_write_that_never_reached_the_erp_is_repeated_once_nobody_can_pass_it_on_any_more(
    polled: ExporterProcess, client: Client, ledger: Ledger
) -> None:
    await polled.consume(accepted_event())
    await _fetched_write(polled.conversations, client)

    polled.clock.advance(5)
    await client.poll()
    assert ledger.created == {}
    polled.clock.advance(300)
    await client.poll()

    assert ledger.created == {"c-1": 1}


async def test_a_client_that_ends_its_conversation_has_nothing_on_its_way(
    polled: ExporterProcess, client: Client, ledger: Ledger
) -> None:
    await polled.consume(accepted_event())
    ticket, _ = await _fetched_write(polled.conversations, client)
    await polled.conversations.end(ticket)

    polled.clock.advance(5)
    await client.poll()

    assert ledger.created == {"c-1": 1}


async def test_a_question_about_a_lost_write_that_fails_does_not_forget_the_write(
    polled: ExporterProcess, client: Client, ledger: Ledger
) -> None:
    """Somebody has ordered another round with another number: only the lost write can tell of its document then."""
    await polled.consume(accepted_event())
    ticket, write = await _fetched_write(polled.conversations, client)
    ledger(write)
    await polled.conversations.end(ticket)
    await polled.consume(accepted_event(round=2, erp_code="OTHER-1"))

    ticket = (await polled.conversations.begin("main", client.address)).ticket
    while request := await polled.conversations.next_request(ticket, client.host):
        asked = json.loads(request)["do"]
        if asked == "status":
            await polled.conversations.take_reply(ticket, "{}", "", "")
        else:
            await polled.conversations.take_reply(ticket, "", "0x80040424", "It is starting.")
    await polled.conversations.end(ticket)
    polled.clock.advance(300)
    await client.poll()

    assert [each["do"] for each in ledger.asked].count("status") == 1
    assert ledger.created == {"c-1": 1}


async def test_a_look_that_fails_holds_up_neither_its_commitment_nor_another_one(
    polled: ExporterProcess, client: Client
) -> None:
    await polled.consume(accepted_event())
    await client.poll()
    async with polled.database.begin() as db:
        await db.execute(
            text(
                "insert into exporter.look (commitment_id, company_id, connection, due_at)"
                " values ('c-1', 'co-1', 'main', '2000-01-01')"
            )
        )

    ticket = (await polled.conversations.begin("main", client.address)).ticket
    await polled.conversations.next_request(ticket, client.host)
    await polled.conversations.take_reply(ticket, "no JSON", "", "")
    await polled.conversations.end(ticket)

    async with polled.database.begin() as db:
        assert await db.scalar(text("select count(*) from exporter.look")) == 0
        assert await db.scalar(text("select count(*) from exporter.commitment where set_aside is not null")) == 0


async def test_a_look_that_cannot_begin_holds_up_no_export(polled: ExporterProcess, client: Client) -> None:
    await polled.consume(accepted_event(commitment_id="c-2"))
    async with polled.database.begin() as db:
        await db.execute(text("insert into exporter.commitment (id, company_id) values ('c-1', 'co-1')"))
        await db.execute(
            text(
                "insert into exporter.look (commitment_id, company_id, connection, due_at, told)"
                " values ('c-1', 'co-1', 'main', '2000-01-01', '5')"
            )
        )
        await db.execute(text("update exporter.snapshot set text = '{}'"))

    await client.poll()

    assert await polled.export_states() == ["failed"]


@pytest.mark.parametrize("progress", ['{"job": 5}', '"nothing"', '{"requests": "many"}'])
async def test_a_conversation_that_cannot_be_read_ends_and_the_next_one_begins(
    polled: ExporterProcess, client: Client, ledger: Ledger, progress: str
) -> None:
    await polled.consume(accepted_event(), accepted_event(commitment_id="c-2"))
    await _fetched_write(polled.conversations, client)
    async with polled.database.begin() as db:
        await db.execute(text("update exporter.conversation set progress = cast(:p as jsonb)"), {"p": progress})

    polled.clock.advance(5)
    assert await client.poll() == OPEN_FILE
    assert ledger.created == {"c-2": 1}
    polled.clock.advance(1000)
    await client.poll()
    polled.clock.advance(15)
    await client.poll()

    assert ledger.created == {"c-1": 1, "c-2": 1}


async def test_a_commitment_whose_question_never_gets_an_answer_fails_although_the_others_are_written(
    polled: ExporterProcess, client: Client, ledger: Ledger
) -> None:
    await polled.consume(accepted_event())
    for number in range(15):
        await polled.consume(accepted_event(commitment_id=f"d-{number}"))
        ticket = (await polled.conversations.begin("main", client.address)).ticket
        while request := await polled.conversations.next_request(ticket, client.host):
            is_bad = '"c-1"' in request
            reply = ("", "0x80040402", "Unexpected error.") if is_bad else (ledger(request), "", "")
            await polled.conversations.take_reply(ticket, *reply)
        await polled.conversations.end(ticket)
        polled.clock.advance(300)

    assert await polled.export_states() == ["failed", *["succeeded"] * 15]


async def test_an_outage_however_long_fails_no_commitment(polled: ExporterProcess, client: Client) -> None:
    await polled.consume(accepted_event(), accepted_event(commitment_id="c-2"))
    for _ in range(15):
        ticket = (await polled.conversations.begin("main", client.address)).ticket
        while await polled.conversations.next_request(ticket, client.host):
            await polled.conversations.take_reply(ticket, "", "0x80040402", "Unexpected error.")
        await polled.conversations.end(ticket)
        polled.clock.advance(300)

    assert await polled.export_states() == ["pending", "pending"]


async def test_a_reply_that_tells_nothing_of_a_write_may_be_that_to_another_question(
    polled: ExporterProcess, client: Client, ledger: Ledger
) -> None:
    await polled.consume(accepted_event())
    ticket, write = await _fetched_write(polled.conversations, client)
    await polled.conversations.take_reply(ticket, "{}", "", "")

    polled.clock.advance(5)
    await client.poll()
    ledger(write)
    polled.clock.advance(300)
    await client.poll()

    assert ledger.created == {"c-1": 1}
