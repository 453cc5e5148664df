"""Conformance over HTTP: what statuses, redirects, Retry-After and compression mean."""

import math
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from services.exporter.connector_tests import faults
from services.exporter.connector_tests.bench import WRITES, Bench, on_bench
from services.exporter.connector_tests.dialect import Call, Dialect, Reply
from services.exporter.connector_tests.expectations import expect, expect_answer, shown
from services.exporter.connector_tests.faulty_server import Exchange, Fault, FaultyServer, faulty_server
from services.exporter.connector_tests.large_answers import little_memory
from services.exporter.connectors.types import FoundDocument, Landed, Refused, Transient, Unknown, WriteAnswer

REDIRECTS = (301, 302, 303, 307, 308)
UNCLEAR = (202, 204, 206, 304, 408, 500, 501, 502, 504, 520, 524, 599)
"""Statuses after which a document may be stored, whatever the answer says."""

REFUSALS = (400, 401, 402, 403, 405, 406, 411, 412, 413, 415, 422, 451)
"""Statuses with which a server says that it has not done what was asked."""

FAILURES = (*REDIRECTS, *UNCLEAR, *REFUSALS, 404, 409, 410, 423, 429, 503)
BODIES: dict[str, Reply] = {
    "nothing": Reply(headers={}),
    "a page": Reply(b"<html><body><h1>Something is wrong</h1></body></html>", headers={"content-type": "text/html"}),
    "words": Reply.of_json({"message": "Something is wrong.", "error": "Something is wrong."}),
}
RETRY_AFTER_SECONDS = 60
"""How long the ERP asks to wait."""

NAMED_WAITS = ("60", "date", "60, 60", " 60 ")
ODD_WAITS = ("", "soon", "-1", "1e999", "9" * 400, "nan", "Fri, 99 Foo 9999 99:99:99 GMT", "\N{SUPERSCRIPT TWO}")
CLOTHES = {
    "no content type": ("", "utf-8"),
    "text": ("text/plain", "utf-8"),
    "a content type that is none": (";;;=", "utf-8"),
    "a charset that is none": ("application/json; charset=none-such", "utf-8"),
    "a charset that it is not": ("application/json; charset=utf-16", "utf-8"),
    "UTF-16": ("application/json; charset=utf-16", "utf-16"),
    "a byte order mark": ("application/json; charset=utf-8", "utf-8-sig"),
}
"""The content type that an answer declares, and the charset that it has."""


def failing(status: int, body: str, **headers: str) -> Fault:
    """Answer with `status` and store nothing."""
    reply = BODIES[body]
    return faults.replying(Reply(reply.body if status not in (204, 304) else b"", status, {**reply.headers, **headers}))


def _retry_after(form: str) -> dict[str, str]:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=RETRY_AFTER_SECONDS), usegmt=True)
    return {"retry-after": date if form == "date" else form}


class HttpStatusTests:
    """An ERP, or a proxy in front of it, that fails."""

    dialect: Dialect

    @pytest.mark.parametrize("status", UNCLEAR)
    @on_bench()
    async def test_a_write_with_an_unclear_status_is_unknown(self, bench: Bench, status: int) -> None:
        """A server that fails may have stored the document before it failed."""
        is_clear = status in self.dialect.proves_nothing_stored
        expected = (Refused, Transient) if is_clear else Unknown
        because = f"a server that answers {status} may have stored the document"
        for answer in await _failed_writes(bench, status):
            expect_answer(answer, expected, because)
        expect(bench.server.count(*WRITES) == len(BODIES) * len(WRITES), "A write was sent more than once.")

    @pytest.mark.parametrize("status", REFUSALS)
    @on_bench()
    async def test_a_write_that_was_refused_is_not_unknown(self, bench: Bench, status: int) -> None:
        """Nothing was stored, so nobody has to wait for the ERP to be asked."""
        for answer in await _failed_writes(bench, status):
            expect_answer(answer, (Refused, Transient), f"a server that answers {status} has stored nothing")

    @pytest.mark.parametrize("status", FAILURES)
    @on_bench()
    async def test_a_write_that_failed_has_not_landed(self, bench: Bench, status: int) -> None:
        """No failure is success, whatever stands in its body."""
        because = f"a server that answers {status} has shown no document"
        for answer in await _failed_writes(bench, status):
            expect_answer(answer, (Refused, Transient, Unknown), because)

    @pytest.mark.parametrize("status", FAILURES)
    @on_bench()
    async def test_a_search_that_failed_is_never_nothing(self, bench: Bench, status: int) -> None:
        """If it were, the document would be created a second time."""
        for body in BODIES:
            bench.server.hit(failing(status, body), Call.FIND)
            answer = await bench.find()
            if status not in self.dialect.finds_nothing_with:
                expect_answer(answer, (Refused, Transient), f"a server that answers {status} has not searched")

    @pytest.mark.parametrize("status", [429, 503])
    @pytest.mark.parametrize("form", NAMED_WAITS)
    @on_bench()
    async def test_a_busy_erp_is_given_the_time_that_it_asks_for(self, bench: Bench, form: str, status: int) -> None:
        """An ERP that says when to come back is not asked before."""
        bench.server.hit(failing(status, "words", **_retry_after(form)), Call.FIND, Call.CREATE)
        because = f"a server that answers {status} with a Retry-After has stored nothing"
        for answer in (await bench.find(), await bench.create()):
            seconds = expect_answer(answer, Transient, because).retry_after_seconds
            expect(seconds >= RETRY_AFTER_SECONDS - 10, f"The ERP asked for a minute, not for {seconds} seconds.")

    @pytest.mark.parametrize("form", ODD_WAITS)
    @on_bench()
    async def test_a_busy_erp_may_say_anything(self, bench: Bench, form: str) -> None:
        """A Retry-After that cannot be read is no reason to fail, nor to wait for ever."""
        bench.server.hit(failing(429, "words", **_retry_after(form)), Call.FIND, Call.CREATE)
        for answer in (await bench.find(), await bench.create()):
            busy = expect_answer(answer, Transient, "a server that answers 429 has stored nothing")
            expect(0 <= busy.retry_after_seconds < math.inf, f"Nobody can wait {busy.retry_after_seconds} seconds.")


async def _failed_writes(bench: Bench, status: int) -> list[WriteAnswer]:
    """Return the answers to a create and an update that failed with `status`, once for each body."""
    answers = []
    for body in BODIES:
        bench.server.hit(failing(status, body), *WRITES)
        bench.server.books.documents.clear()
        answers += [await bench.write(each) for each in WRITES]
    return answers


class RedirectTests:
    """An ERP that sends callers elsewhere."""

    dialect: Dialect

    @pytest.mark.parametrize("status", REDIRECTS)
    @on_bench()
    async def test_a_redirect_is_not_followed(self, bench: Bench, status: int) -> None:
        """Token and commitment go to the configured address only."""
        async with faulty_server(self.dialect) as elsewhere:
            bench.server.hit(_redirecting(status, elsewhere), Call.FIND, Call.CREATE, Call.UPDATE)
            found = await bench.find()
            written = [await bench.write(each) for each in WRITES]
        expect(not elsewhere.received, f"The redirect was followed: {shown(elsewhere.received)}.")
        because = "a redirect says nothing about the document"
        expect_answer(found, (Refused, Transient), because)
        for answer in written:
            expect_answer(answer, (Refused, Transient, Unknown), because)


def _redirecting(status: int, elsewhere: FaultyServer) -> Fault:
    async def fault(exchange: Exchange) -> None:
        location = f"{elsewhere.url}{exchange.request.target}"
        await exchange.send(Reply(status=status, headers={"location": location}))

    return fault


class ClothesTests:
    """An ERP whose answers are right, and come in an odd form."""

    dialect: Dialect

    @pytest.mark.parametrize("clothes", sorted(CLOTHES))
    @on_bench()
    async def test_a_right_answer_in_an_odd_form_is_read_or_in_doubt(self, bench: Bench, clothes: str) -> None:
        """Whoever cannot read an answer says so."""
        bench.server.hit(_clothed(*CLOTHES[clothes]), Call.FIND, Call.CREATE)
        created = expect_answer(await bench.create(), (Landed, Unknown), "the ERP has stored the document")
        (stored,) = bench.server.books.documents
        if isinstance(created, Landed):
            expect(created.documents[0].id == stored.id, f"The document is {stored.id}: {shown(created)}.")
        found = expect_answer(await bench.find(), (tuple, Transient), "the ERP has listed a document")
        if isinstance(found, tuple):
            names = [each.id for each in found if isinstance(each, FoundDocument)]
            expect(names == [stored.id], f"The document {stored.id} was left out: {shown(found)}.")

    @pytest.mark.parametrize("coding", ["gzip", "deflate"])
    @on_bench()
    async def test_a_small_answer_that_unpacks_to_a_large_one_takes_little_memory(
        self, bench: Bench, coding: str
    ) -> None:
        """A few kilobytes on the network may be gigabytes in memory."""
        bench.server.hit(faults.bomb(coding), Call.FIND, Call.CREATE)
        with little_memory():
            answers = (await bench.find(), await bench.create())
        for answer in answers:
            expect_answer(answer, (Transient, Refused, Unknown), "the answer shows no document")


def _clothed(content_type: str, charset: str) -> Fault:
    async def fault(exchange: Exchange) -> None:
        reply = exchange.carry_out()
        headers = {"content-type": content_type} if content_type else {}
        await exchange.send(Reply(reply.body.decode().encode(charset), reply.status, headers))

    return fault
