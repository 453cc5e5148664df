"""Conformance: what was written is found again, unchanged and complete, and updated in its place."""

import pytest

from services.exporter.connector_tests.bench import REFERENCE, Bench, on_bench, write_request
from services.exporter.connector_tests.dialect import Call, Dialect
from services.exporter.connector_tests.expectations import expect, expect_answer, expect_id, shown
from services.exporter.connectors.types import Exists, Gone, Landed, Refused

ODD_REFERENCES = {
    "reserved in addresses": "c/1?x=2&y#z%20+;",
    "quotes and brackets": "c-\"1\"'2'<b>{3}[4]\\5`",
    "other than ASCII": "Größe-é-編號-№",
    "beyond the basic plane": "c-\N{PARTY POPPER}",
    "capitals": "Commitment-8841-aBc",
    "as long as can be": "c" * 128,
}
KEPT_CHARACTERS = 10
"""How much of a reference the ERP keeps that cuts it."""


class RoundTripTests:
    """An ERP that works."""

    dialect: Dialect

    @on_bench()
    async def test_nothing_is_found_under_a_reference_that_nobody_used(self, bench: Bench) -> None:
        """An empty ERP has no documents, and one with others has none of ours."""
        expect(await bench.found() == (), "A search in an empty ERP must answer ().")
        bench.stored("another")
        expect(await bench.found() == (), "A document of another reference is none of this one.")

    @on_bench()
    async def test_a_created_document_is_found_with_its_marker(self, bench: Bench) -> None:
        """The answer to a write names the document that a search then shows, with the marker of the write."""
        request = write_request()
        landed = expect_answer(await bench.create(request), Landed, "the ERP has stored the document")
        expect(len(landed.documents) == 1, f"One document was stored, not {len(landed.documents)}.")
        found = await bench.found()
        expect([each.id for each in found] == [expect_id(landed.documents[0])], "The search shows another document.")
        expect(found[0].marker == request.marker, f"The marker came back as {shown(found[0].marker)}.")

    @on_bench()
    async def test_an_updated_document_keeps_its_id_and_has_the_new_marker(self, bench: Bench) -> None:
        """An update changes the document that is there, and makes no other."""
        document_id, request = str(bench.stored().id), write_request(revision=2)
        expect_answer(await bench.update(document_id, request), Landed, "the ERP has updated the document")
        found = await bench.found()
        expect([each.id for each in found] == [document_id], f"There must be one document as before: {shown(found)}.")
        expect(found[0].marker == request.marker, f"The marker came back as {shown(found[0].marker)}.")

    @on_bench()
    async def test_an_update_that_is_done_twice_changes_nothing_more(self, bench: Bench) -> None:
        """The same update again has the same result."""
        document_id = str(bench.stored().id)
        for _ in range(2):
            expect_answer(await bench.update(document_id), Landed, "the ERP has updated the document")
        expect(len(bench.server.books.documents) == 1, "An update made a second document.")

    @pytest.mark.parametrize("characters", sorted(ODD_REFERENCES))
    @on_bench()
    async def test_a_marker_comes_back_unchanged(self, bench: Bench, characters: str) -> None:
        """Whatever characters an id has, reference and marker survive the way there and back."""
        request = write_request(ODD_REFERENCES[characters])
        if request.reference in self.dialect.refused_references:
            expect_answer(await bench.create(request), Refused, "the ERP does not keep these characters")
            expect(not bench.server.books.documents, "A document was stored that could not be found again.")
            return
        expect_answer(await bench.create(request), Landed, "the ERP has stored the document")
        expect(bench.server.books.documents[0].reference == request.reference, "The ERP got another reference.")
        markers = [each.marker for each in await bench.found(request.reference)]
        expect(markers == [request.marker], f"Of {request.marker}, {shown(markers)} came back.")

    @on_bench()
    async def test_a_document_whose_reference_the_erp_has_cut_is_found(self, bench: Bench) -> None:
        """A cut reference names nobody else: a document that has our marker is ours."""
        bench.server.books.reference_characters = KEPT_CHARACTERS if self.dialect.cuts_references else None
        stored = bench.stored()
        expect([each.id for each in await bench.found()] == [stored.id], "The document was left out: it may be ours.")

    @on_bench()
    async def test_every_document_under_one_reference_is_found(self, bench: Bench) -> None:
        """If there are two documents, people have to know of both."""
        stored = {bench.stored().id, bench.stored().id, bench.stored().id}
        expect({each.id for each in await bench.found()} == stored, "A search must return all documents.")

    @on_bench()
    async def test_a_document_without_a_marker_is_found(self, bench: Bench) -> None:
        """A document that somebody made by hand is there, too, and no marker is invented for it."""
        for marker in (None, "made by hand"):
            bench.server.books.documents.clear()
            stored = bench.stored()
            stored.marker = marker
            found = await bench.found()
            expect([each.id for each in found] == [stored.id], "The document was left out, though it has no marker.")
            expect(found[0].marker != write_request().marker, "The document has a marker that the ERP does not know.")

    @on_bench()
    async def test_an_update_of_a_document_that_is_not_there_is_gone(self, bench: Bench) -> None:
        """A deleted document is no other refusal: an approver may create it anew."""
        stored = bench.stored()
        bench.server.books.documents.clear()
        expect_answer(await bench.update(str(stored.id)), Gone, "the ERP has no such document")
        expect(not bench.server.books.documents, "An update of a deleted document must not create one.")

    @on_bench()
    async def test_a_second_document_under_one_reference_is_answered_as_what_it_was(self, bench: Bench) -> None:
        """An ERP that enforces the reference shows the document that is there; another one has stored a second."""
        first = bench.stored()
        answer = await bench.create(write_request(revision=2))
        if bench.connector.enforces_reference:
            exists = expect_answer(answer, Exists, "the ERP has refused a second document and shown the first")
            expect(expect_id(exists.document) == first.id, f"The ERP has shown {first.id}, not {exists.document.id}.")
        else:
            landed = expect_answer(answer, Landed, "the ERP has stored a second document")
            expect(landed.documents[-1].id != first.id, "The ERP has named the new document, not the first one.")
        expect(bench.server.count(Call.CREATE) == 1, f"The ERP was asked to create {REFERENCE} more than once.")
