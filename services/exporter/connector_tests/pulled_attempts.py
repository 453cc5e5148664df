"""Conformance: an attempt that is carried on question by question asks alike each time, and finds what it has lost."""

from dataclasses import replace
from typing import Any

import pytest

from services.exporter.connector_tests import faults
from services.exporter.connector_tests.bench import REFERENCE, WRITES, Bench, number_of, on_bench, write_request
from services.exporter.connector_tests.books import Document
from services.exporter.connector_tests.dialect import Call, Dialect, Reply
from services.exporter.connector_tests.expectations import FIND_ANSWERS, expect, expect_answer, shown
from services.exporter.connector_tests.large_answers import little_memory
from services.exporter.connector_tests.odd_answers import MEGABYTE, ODD_BODIES
from services.exporter.connector_tests.pull_books import PullBooks
from services.exporter.connector_tests.pull_client import PullClient
from services.exporter.connector_tests.pull_dialect import PullDialect
from services.exporter.connectors.protocol import Connector
from services.exporter.connectors.pull import Question
from services.exporter.connectors.types import Landed, Refused, Transient, Unknown, WriteAnswer

CALLS = (Call.FIND, Call.CREATE, Call.UPDATE)
EVERY_CALL = tuple(Call)
_LAUGHS = "".join(f'<!ENTITY l{place} "{f"&l{place - 1};" * 10}">' for place in range(1, 10))
ODD_TEXTS: dict[str, bytes] = {
    "half of XML": b"<QBXML><QBXMLMsgsRs><Ret><Id>7",
    "other XML": b'<?xml version="1.0"?><html><body><p>Please sign in</p></body></html>',
    "empty XML": b"<a/>",
    "deep XML": b"<a>" * 100_000 + b"</a>" * 100_000,
    "XML with entities": f'<!DOCTYPE a [<!ENTITY l0 "ha">{_LAUGHS}]><a>&l9;</a>'.encode(),
    "XML with a file": b'<!DOCTYPE a [<!ENTITY f SYSTEM "file:///etc/hostname">]><a>&f;</a>',
    "UTF-16": '<?xml version="1.0" encoding="utf-16"?><a/>'.encode("utf-16"),
    "2 MB of spaces": b" " * (2 * MEGABYTE),
    "2 MB of letters": b"a" * (2 * MEGABYTE),
    "1 MB of elements": b"<a>" + b"<b/>" * (MEGABYTE // 4) + b"</a>",
}
"""Answers that show no document in any language, beside ODD_BODIES."""


def client_of(bench: Bench) -> PullClient:
    """Return the ERP's client."""
    if not isinstance(bench.connector, PullClient):
        raise TypeError("these tests need a PullDialect")
    return bench.connector


def dialect_of(bench: Bench) -> PullDialect:
    """Return how the played ERP speaks."""
    if not isinstance(bench.server.dialect, PullDialect):
        raise TypeError("these tests need a PullDialect")
    return bench.server.dialect


def books_of(bench: Bench) -> PullBooks:
    """Return what the played ERP has stored."""
    if not isinstance(bench.server.books, PullBooks):
        raise TypeError("these tests need a PullDialect")
    return bench.server.books


async def asked(bench: Bench, call: Call) -> tuple[list[Question], Any]:
    """Return the questions of one call, which need not be answered well, and its answer."""
    client = client_of(bench)
    before = len(client.asked)
    answer = await (bench.find() if call is Call.FIND else bench.write(call))
    return client.asked[before:], answer


def renumber(document: Document, number: str) -> None:
    """Give the document another number, as people do by hand."""
    document.number, document.content = number, {**document.content, "number": number}


class AttemptTests:
    """An exporter that carries attempts on in any process, and a client that may never come back."""

    dialect: Dialect

    @pytest.mark.parametrize("call", CALLS)
    @on_bench()
    async def test_the_same_replies_lead_to_the_same_questions(self, bench: Bench, call: Call) -> None:
        """Each attempt here is begun again after each reply; what it came to must not depend on that."""
        questions, answer = await asked(bench, call)
        expect(questions, "Nothing was asked.")
        expect_answer(answer, tuple if call is Call.FIND else Landed, "the ERP has answered")

    @on_bench()
    async def test_a_search_and_the_write_after_it_are_one_attempt(self, bench: Bench) -> None:
        """The exporter searches and writes with the same connector, which may remember what it has seen."""
        document_id, request = str(bench.stored().id), write_request(revision=2)

        async def begin(connector: Connector) -> WriteAnswer:
            found = expect_answer(await connector.find(REFERENCE), tuple, "the ERP has answered")
            expect([each.id for each in found] == [document_id], f"The document is {document_id}: {shown(found)}.")
            return await connector.update(document_id, request)

        await bench.asked("update", client_of(bench).write(begin, REFERENCE), (Landed,))
        expect([each.marker for each in await bench.found()] == [request.marker], "The update was not stored.")

    @pytest.mark.parametrize("call", WRITES)
    @on_bench()
    async def test_a_question_writes_once_at_most(self, bench: Bench, call: Call) -> None:
        """Of two writes in one text, one may be carried out and the other not."""
        await bench.write(call)
        sent = bench.server.count(*WRITES)
        made = books_of(bench).changes - (call is Call.UPDATE)  # without the document that is there to be updated
        expect(sent == 1, f"One write had to be sent, not {sent}.")
        expect(made == 1, f"One question has written {made} times.")

    @on_bench()
    async def test_every_write_has_a_message_set_of_its_own(self, bench: Bench) -> None:
        """A second write of one attempt, after an answer that proves the first one stored nothing, has another id."""
        for body in self.dialect.own_errors:
            bench.server.hit(faults.replying(Reply(body, headers={})), *WRITES)
            for call in WRITES:
                questions, _ = await asked(bench, call)
                ids = [each.message_set_id for each in questions if each.is_write]
                expect(ids and len({*ids}) == len(ids), f"The writes of one attempt have the ids {ids}.")

    @on_bench()
    async def test_the_search_after_a_lost_write_asks_what_became_of_it(self, bench: Bench) -> None:
        """Only the ERP knows; it tells by the id of the message set."""
        lost = await self._lost(bench, faults.cut_after_storing)
        questions, _ = await asked(bench, Call.FIND)
        is_asked = any(lost in each.text for each in questions) or not dialect_of(bench).keeps_answers
        expect(is_asked, "The search does not ask what became of the lost write.")

    @on_bench()
    async def test_a_lost_write_is_found_though_its_number_was_changed(self, bench: Bench) -> None:
        """Somebody may give the document another number before anybody has searched for it."""
        await self._lost(bench, faults.cut_after_storing)
        (document,) = bench.server.books.documents
        renumber(document, "BY-HAND")
        if dialect_of(bench).keeps_answers:
            names = [each.id for each in await bench.found()]
            expect(names == [document.id], f"The ERP has told of the document {document.id}, not of {shown(names)}.")

    @on_bench()
    async def test_a_lost_write_that_never_arrived_is_not_found(self, bench: Bench) -> None:
        """The ERP knows nothing of it, and so it can be written again."""
        await self._lost(bench, faults.cut_before_storing)
        expect(await bench.found() == (), "A document was found that was never stored.")
        expect_answer(await bench.create(), Landed, "the ERP has stored the document")

    @pytest.mark.parametrize("body", sorted(ODD_BODIES | ODD_TEXTS))
    @on_bench()
    async def test_an_odd_answer_about_a_lost_write_is_never_nothing(self, bench: Bench, body: str) -> None:
        """What cannot be read does not say that the write was not stored."""
        await self._lost(bench, faults.cut_after_storing)
        bench.server.hit(faults.replying(Reply((ODD_BODIES | ODD_TEXTS)[body], headers={})), Call.OTHER)
        expect(await bench.find() != (), "The document is there, but the answer is nothing.")

    @on_bench()
    async def test_a_document_of_another_commitment_with_our_number_is_none_of_ours(self, bench: Bench) -> None:
        """A number is no proof: a document that has another commitment's marker is that one's."""
        renumber(bench.stored("another"), number_of(REFERENCE))
        found = await bench.found()
        expect(found == (), f"The document is another commitment's, and was taken for ours: {shown(found)}.")

    @pytest.mark.parametrize("marker", ["kept", "removed"])
    @on_bench()
    async def test_a_known_document_is_found_whatever_its_number_is(self, bench: Bench, marker: str) -> None:
        """The exporter tells the ids of the documents that it knows; people change numbers, and remove markers."""
        stored = bench.stored()
        renumber(stored, "BY-HAND")
        stored.marker = stored.marker if marker == "kept" else None
        client_of(bench).known = (str(stored.id),)
        expect([each.id for each in await bench.found()] == [stored.id], "The known document was left out.")

    @pytest.mark.parametrize("text", sorted(ODD_TEXTS))
    @on_bench()
    async def test_an_odd_text_shows_no_document_and_takes_little_memory(self, bench: Bench, text: str) -> None:
        """The client brings whatever the ERP, or something in its place, has answered."""
        client = client_of(bench)
        bench.server.hit(faults.replying(Reply(ODD_TEXTS[text], headers={})), *WRITES, Call.FIND)
        with little_memory():
            answers = [await bench.write(call) for call in WRITES]
            found = await bench.find()
        client.lost = None
        for answer in answers:
            expect_answer(answer, Unknown, "the answer shows no document, and does not say that none was stored")
        expect_answer(found, (Transient, Refused), "the answer is no list of documents")

    @on_bench()
    async def test_close_leaves_attempts_alone(self, bench: Bench) -> None:
        """A connector is closed when a connection is read again, and another one carries its attempts on."""
        client = client_of(bench)
        connector = dialect_of(bench).pull_connector()
        one = replace(client, new_connector=lambda: connector)
        await bench.watched("close", one.close(), (type(None),))
        found = await bench.asked("find", one.find(REFERENCE), FIND_ANSWERS)
        expect(found == (), f"The search in an empty ERP was answered {shown(found)}.")

    async def _lost(self, bench: Bench, fault: Any) -> str:
        """Create a document whose answer is lost, and return the id of its message set."""
        bench.server.hit(fault, Call.CREATE)
        expect_answer(await bench.create(), Unknown, "the answer to the write was lost")
        bench.server.heal()
        lost = client_of(bench).lost
        expect(lost is not None, "No write was sent.")
        return lost.message_set_id if lost else ""
