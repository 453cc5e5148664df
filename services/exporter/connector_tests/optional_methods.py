"""Conformance of what a connector may do beside its four methods: read a document, and check itself."""

import pytest

from schemas.fields import FailureClass
from services.exporter.connector_tests import faults
from services.exporter.connector_tests.bench import HASTY_SECONDS, Bench, on_bench
from services.exporter.connector_tests.dialect import Call, Dialect, Reply
from services.exporter.connector_tests.expectations import (
    CHECK_ANSWERS,
    READ_ANSWERS,
    expect,
    expect_answer,
    expect_id,
    shown,
)
from services.exporter.connector_tests.faulty_server import Fault
from services.exporter.connector_tests.http_answers import BODIES, FAILURES, failing
from services.exporter.connector_tests.lost_answers import CUTS, NEVER
from services.exporter.connector_tests.odd_answers import ERROR_BODIES, ODD_BODIES
from services.exporter.connectors.protocol import ChecksItself, ReadsDocuments
from services.exporter.connectors.types import Checked, ErpCopy, Gone, ReadAnswer, Refused, Transient

GONE = (404, 410)
"""Statuses with which a server may say that there is no such document."""

with_each_endless_wait = pytest.mark.parametrize("fault", NEVER, ids=lambda fault: fault.__name__)
CHECKED_CALLS = (Call.FIND, Call.READ, Call.OTHER)
"""What a check may ask for."""


async def read(bench: Bench, name: str) -> ReadAnswer:
    """Read a document, and return the answer if it is one that a reader can give."""
    expect(isinstance(bench.connector, ReadsDocuments), "The connector has no method read.")
    return await bench.asked("read", bench.connector.read(name), READ_ANSWERS)  # type: ignore[attr-defined]


async def check(bench: Bench) -> tuple[Checked, ...]:
    """Let the connector check itself, and return what it has looked at."""
    expect(isinstance(bench.connector, ChecksItself), "The connector has no method check.")
    checked = await bench.watched("check", bench.connector.check(), CHECK_ANSWERS)  # type: ignore[attr-defined]
    expect(checked and all(isinstance(each, Checked) for each in checked), f"check answered {shown(checked)}.")
    return tuple(checked)


class ReadTests:
    """For a connector that reads documents."""

    dialect: Dialect

    @on_bench()
    async def test_a_document_is_read_by_its_id_and_by_its_number(self, bench: Bench) -> None:
        """People know the number, and programs the id."""
        bench.stored("another")
        stored = bench.stored()
        for name in (stored.id, stored.number):
            copy = expect_answer(await read(bench, str(name)), ErpCopy, "the ERP has this document")
            expect(expect_id(copy.document) == stored.id, f"The document is {stored.id}: {shown(copy)}.")
            expect(copy.document.marker == stored.marker, f"The marker is {stored.marker}: {shown(copy)}.")
        expect(not bench.server.count(Call.CREATE, Call.UPDATE), "Reading wrote something.")

    @on_bench()
    async def test_a_document_that_is_not_there_is_gone(self, bench: Bench) -> None:
        """Evidence that names no document is no evidence."""
        bench.stored()
        expect_answer(await read(bench, "999999"), Gone, "the ERP has no such document")

    @on_bench()
    async def test_a_number_of_several_documents_is_refused(self, bench: Bench) -> None:
        """A number that names two documents names none of them."""
        bench.stored().number = "PO-7"
        bench.stored().number = "PO-7"
        answer = await read(bench, "PO-7")
        if self.dialect.numbers_are_unique:
            return
        refused = expect_answer(answer, Refused, "two documents have this number")
        expect(not isinstance(answer, Gone), "The documents are not gone: two have this number.")
        is_final = refused.failure_class is FailureClass.FIX_DATA
        expect(is_final, f"A refusal of another class than fix_data is asked about again for ever: {shown(answer)}.")

    @pytest.mark.parametrize("fault", CUTS, ids=lambda fault: fault.__name__)
    @on_bench()
    async def test_a_reading_whose_answer_is_lost_is_transient(self, bench: Bench, fault: Fault) -> None:
        """What could not be read is not gone."""
        stored = bench.stored()
        bench.server.hit(fault, Call.READ)
        expect_answer(await read(bench, str(stored.id)), Transient, "the answer was lost")

    @pytest.mark.parametrize("body", sorted(ODD_BODIES | ERROR_BODIES))
    @on_bench()
    async def test_an_odd_answer_to_a_reading_shows_no_document(self, bench: Bench, body: str) -> None:
        """What cannot be read is neither a document nor gone."""
        stored, odd = bench.stored(), (ODD_BODIES | ERROR_BODIES)[body]
        bench.server.hit(faults.replying(Reply(odd)), Call.READ)
        answer = await read(bench, str(stored.id))
        if odd not in self.dialect.sound_bodies:
            expect_answer(answer, (Refused, Transient), "the answer is no document")
            expect(not isinstance(answer, Gone), "An answer that cannot be read does not say that there is none.")

    @pytest.mark.parametrize("status", FAILURES)
    @on_bench()
    async def test_a_reading_that_failed_shows_no_document(self, bench: Bench, status: int) -> None:
        """An ERP that fails does not say that there is none, unless by 404 or 410."""
        stored = bench.stored()
        for body in BODIES:
            bench.server.hit(failing(status, body), Call.READ)
            because = f"a server that answers {status} has shown no document"
            answer = expect_answer(await read(bench, str(stored.id)), (Refused, Transient), because)
            is_gone = isinstance(answer, Gone) and status not in GONE
            expect(not is_gone, f"A server that answers {status} does not say that the document is gone.")

    @with_each_endless_wait
    @on_bench(timeout_seconds=HASTY_SECONDS)
    async def test_a_reading_ends_at_its_deadline_as_transient(self, bench: Bench, fault: Fault) -> None:
        """Whoever gives evidence waits for the answer."""
        stored = bench.stored()
        bench.server.hit(fault, Call.READ)
        expect_answer(await read(bench, str(stored.id)), Transient, "the answer was lost")


class CheckTests:
    """For a connector that checks itself."""

    dialect: Dialect

    @on_bench()
    async def test_a_check_of_an_erp_that_works_finds_no_problem_and_writes_nothing(self, bench: Bench) -> None:
        """A check can be made at any time."""
        problems = [each for each in await check(bench) if each.problem is not None]
        expect(not problems, f"The ERP works, but the check says: {shown(problems)}.")
        expect(not bench.server.books.documents, "The check left a document behind.")
        expect(not bench.server.count(Call.CREATE, Call.UPDATE), "The check wrote something.")

    @pytest.mark.parametrize("fault", CUTS, ids=lambda fault: fault.__name__)
    @on_bench()
    async def test_a_check_that_gets_no_answer_names_a_problem(self, bench: Bench, fault: Fault) -> None:
        """An ERP that cannot be asked is not ready."""
        bench.server.hit(fault, *CHECKED_CALLS)
        expect(any(each.problem for each in await check(bench)), "Nobody answered, but the check has no problem.")

    @pytest.mark.parametrize("body", sorted(ERROR_BODIES | {"page": b"", "not JSON": b""}))
    @on_bench()
    async def test_a_check_with_an_odd_answer_names_a_problem(self, bench: Bench, body: str) -> None:
        """Something that answers is not yet the ERP."""
        bench.server.hit(faults.replying(Reply((ODD_BODIES | ERROR_BODIES)[body])), *CHECKED_CALLS)
        because = "What answers is not the ERP, but the check has no problem."
        expect(any(each.problem for each in await check(bench)), because)

    @with_each_endless_wait
    @on_bench(timeout_seconds=HASTY_SECONDS)
    async def test_a_check_ends_at_its_deadline_with_a_problem(self, bench: Bench, fault: Fault) -> None:
        """Whoever sets a connection up waits for the answer."""
        bench.server.hit(fault, *CHECKED_CALLS)
        expect(any(each.problem for each in await check(bench)), "Nobody answered, but the check has no problem.")
