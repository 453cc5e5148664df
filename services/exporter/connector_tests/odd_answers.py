"""Conformance: an answer that the connector does not understand is neither success nor nothing."""

import math
from dataclasses import replace
from typing import Any

import pytest

from services.exporter.connector_tests import faults
from services.exporter.connector_tests.bench import WRITES, Bench, on_bench
from services.exporter.connector_tests.dialect import Call, Dialect, Reply
from services.exporter.connector_tests.expectations import expect, expect_answer, expect_id, shown
from services.exporter.connectors.types import FoundDocument, Landed, Refused, Transient, Unknown, UnreadableDocument

MEGABYTE = 1_000_000
ODD_BODIES: dict[str, bytes] = {
    "empty": b"",
    "not JSON": b"OK",
    "half of JSON": b'{"id": "7", "docum',
    "page": b"<!doctype html><html><head><title>Sign in</title></head><body><h1>Please sign in</h1></body></html>",
    "null": b"null",
    "true": b"true",
    "number": b"7",
    "text": b'"stored"',
    "empty object": b"{}",
    "empty list": b"[]",
    "list of nothing": b"[null]",
    "other object": b'{"status": "ok", "version": "8.2"}',
    "binary": bytes(range(256)),
    "invalid UTF-8": b'{"id": "\xff\xfe\xc3\x28"',
    "deep nesting": b'{"id": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "huge number": b'{"total": ' + b"9" * 50_000 + b"}",
    "NaN": b"NaN",
}
ERROR_BODIES: dict[str, bytes] = {
    "error as text": b'{"error": "The period is closed."}',
    "error as object": b'{"error": {"code": 3140, "message": "The period is closed."}}',
    "errors as list": b'{"errors": [{"message": "The period is closed."}]}',
}
UNUSABLE_IDS: dict[str, Any] = {
    "null": None,
    "empty": "",
    "1 MB": "7" * MEGABYTE,
    "object": {"value": "7"},
    "list": ["7"],
    "NaN": math.nan,
}
ODD_MEMBERS: dict[str, dict[str, Any]] = {
    "number is an object": {"number": {"value": "PO-7"}},
    "number has 1 MB": {"number": "7" * (MEGABYTE // 2)},
    "number is null": {"number": None},
    "number is a number": {"number": 7},
    "marker is a number": {"marker": 7},
    "marker is empty": {"marker": ""},
    "url is relative": {"url": "../7"},
    "url is a number": {"url": 7},
}


class OddAnswerTests:
    """An ERP, or something in front of it, that answers with anything."""

    dialect: Dialect

    @pytest.mark.parametrize("body", sorted(ODD_BODIES))
    @on_bench()
    async def test_a_write_with_an_odd_answer_is_unknown(self, bench: Bench, body: str) -> None:
        """An answer that shows no document proves neither that there is one nor that there is none."""
        bench.server.hit(faults.replying(Reply(ODD_BODIES[body])), *WRITES)
        for answer in (await bench.write(Call.CREATE), await bench.write(Call.UPDATE)):
            if ODD_BODIES[body] not in self.dialect.sound_bodies:
                expect_answer(answer, Unknown, "the answer shows no document, and does not say that none was stored")

    @pytest.mark.parametrize("body", sorted(ODD_BODIES))
    @on_bench()
    async def test_a_search_with_an_odd_answer_is_never_nothing(self, bench: Bench, body: str) -> None:
        """An answer that is no list of documents does not say that there is none."""
        bench.server.hit(faults.replying(Reply(ODD_BODIES[body])), Call.FIND)
        answer = await bench.find()
        if ODD_BODIES[body] not in self.dialect.sound_bodies:
            expect_answer(answer, (Transient, Refused), "the answer is no list of documents")

    @pytest.mark.parametrize("body", sorted(ERROR_BODIES))
    @on_bench()
    async def test_an_error_that_looks_like_success_is_none(self, bench: Bench, body: str) -> None:
        """An error proves that nothing was stored only if the ERP promises that."""
        bench.server.hit(faults.replying(Reply(ERROR_BODIES[body])), *WRITES)
        expected = (Refused, Transient, Unknown) if self.dialect.errors_store_nothing else Unknown
        for answer in (await bench.write(Call.CREATE), await bench.write(Call.UPDATE)):
            expect_answer(answer, expected, "the ERP has reported an error, and shown no document")

    @pytest.mark.parametrize("body", sorted(ERROR_BODIES))
    @on_bench()
    async def test_a_search_that_reports_an_error_is_never_nothing(self, bench: Bench, body: str) -> None:
        """An error is no empty list."""
        bench.server.hit(faults.replying(Reply(ERROR_BODIES[body])), Call.FIND)
        expect_answer(await bench.find(), (Transient, Refused), "the ERP has reported an error")

    @on_bench()
    async def test_an_error_in_the_form_of_the_erp_is_no_success(self, bench: Bench) -> None:
        """Some ERPs answer 200 to everything, and only their own form of an error tells it from a result."""
        for body in self.dialect.own_errors:
            bench.server.hit(faults.replying(Reply(body)), Call.FIND, *WRITES)
            because = f"the ERP has reported an error, {shown(body)}"
            expect_answer(await bench.find(), (Transient, Refused), because)
            for answer in (await bench.write(Call.CREATE), await bench.write(Call.UPDATE)):
                expect_answer(answer, (Refused, Transient, Unknown), because)

    @pytest.mark.parametrize("kind", sorted(UNUSABLE_IDS))
    @on_bench()
    async def test_a_created_document_without_a_usable_id_is_unknown(self, bench: Bench, kind: str) -> None:
        """Something was stored, but nobody could name it."""
        bench.server.books.odd_id = (UNUSABLE_IDS[kind],)
        expect_answer(await bench.create(), Unknown, "the document has no id that can be used")

    @pytest.mark.parametrize("kind", sorted(UNUSABLE_IDS))
    @on_bench()
    async def test_a_found_document_without_a_usable_id_counts(self, bench: Bench, kind: str) -> None:
        """It may be ours, so none is created beside it."""
        bench.server.books.odd_id = (UNUSABLE_IDS[kind],)
        bench.stored()
        answer = expect_answer(await bench.find(), (tuple, Transient, Refused), "the ERP has listed a document")
        because = "the listed document has no id that can be used, and must not be left out"
        for each in answer if isinstance(answer, tuple) else ():
            expect_answer(each, UnreadableDocument, because)
        expect(answer != (), f"The answer is nothing, but {because}.")

    @on_bench()
    async def test_a_number_as_id_is_read_as_text(self, bench: Bench) -> None:
        """An id is text for us, whatever it is for the ERP."""
        bench.server.books.odd_id = (17,)
        landed = expect_answer(await bench.create(), Landed, "the ERP has stored the document")
        expect(expect_id(landed.documents[0]) == "17", f"The id must be '17', not {shown(landed.documents[0].id)}.")
        expect([each.id for each in await bench.found()] == ["17"], "The search shows another id.")

    @pytest.mark.parametrize("oddity", sorted(ODD_MEMBERS))
    @on_bench()
    async def test_an_odd_member_does_not_hide_a_document(self, bench: Bench, oddity: str) -> None:
        """What is there is there, however odd its number, address or marker."""
        document = replace(bench.stored(), **ODD_MEMBERS[oddity])
        bench.server.books.documents[:] = [document]
        answer = expect_answer(await bench.find(), (tuple, Transient), "the ERP has listed a document")
        if isinstance(answer, tuple):
            names = [each.id for each in answer if isinstance(each, FoundDocument)]
            expect(names == [document.id], f"The document {document.id} was left out: {shown(answer)}.")
