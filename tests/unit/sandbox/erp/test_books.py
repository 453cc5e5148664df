"""Purchase orders are numbered, found by reference, updated in place, and restored from the journal."""

from datetime import UTC, datetime

import pytest

from sandbox.erp.books import Books
from sandbox.erp.journal import Did, Entry
from sandbox.erp.rules import Rules
from tests.erp_orders import an_order

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


@pytest.fixture
def books() -> Books:
    return Books("http://erp.example", Rules())


def test_documents_are_numbered_from_po_1001(books: Books) -> None:
    numbers = [books.create(an_order(reference=reference), NOW).body["number"] for reference in ("c-1", "c-2")]
    assert numbers == ["PO-1001", "PO-1002"]


def test_the_number_that_the_approver_asked_for_is_given_once(books: Books) -> None:
    assert books.create(an_order(erp_code="4711"), NOW).body["number"] == "4711"
    again = books.create(an_order(reference="c-2", erp_code="4711"), NOW)
    assert (again.did, again.status, again.body["code"]) == (Did.NOTHING, 422, "number_taken")


def test_a_second_document_with_one_reference_is_written_unless_forbidden(books: Books) -> None:
    first = books.create(an_order(), NOW)
    assert books.create(an_order(), NOW).did == Did.CREATED
    books.rules = Rules(is_reference_unique=True)
    refused = books.create(an_order(), NOW)
    assert (refused.status, refused.body["code"]) == (409, "duplicate_reference")
    assert refused.body["document"] == first.body
    assert len(books.under("c-8841")) == 2


def test_a_search_finds_only_documents_with_its_reference(books: Books) -> None:
    books.create(an_order(reference="c-1"), NOW)
    created = books.create(an_order(reference="c-2", marker="c-2/1/abc"), NOW)
    assert books.search("c-2").body == {"documents": [created.body]}
    assert books.search("c-3").body == {"documents": []}
    assert created.body == {
        "id": "1002",
        "number": "PO-1002",
        "url": "http://erp.example/purchase-orders/1002",
        "reference": "c-2",
        "marker": "c-2/1/abc",
        "revision": 1,
    }


def test_an_update_replaces_the_content_and_keeps_the_number(books: Books) -> None:
    books.create(an_order(), NOW)
    updated = books.update("1001", an_order(revision=2, marker="c-8841/2/def"), NOW)
    assert (updated.did, updated.status) == (Did.UPDATED, 200)
    assert (updated.body["number"], updated.body["revision"]) == ("PO-1001", 2)
    assert books.search("c-8841").body["documents"] == [updated.body]


def test_an_update_of_a_missing_document_or_with_another_reference_is_refused(books: Books) -> None:
    books.create(an_order(), NOW)
    assert books.update("1002", an_order(), NOW).status == 404
    other = books.update("1001", an_order(reference="c-2"), NOW)
    assert (other.status, other.body["code"]) == (409, "other_reference")


def test_a_deleted_document_is_gone_and_its_id_is_not_given_again(books: Books) -> None:
    books.create(an_order(erp_code="4711"), NOW)
    deleted = books.delete("1001")
    assert (deleted.did, deleted.status, deleted.body["number"]) == (Did.DELETED, 200, "4711")
    assert books.under("c-8841") == []
    assert books.update("1001", an_order(), NOW).status == books.delete("1001").status == 404
    again = books.create(an_order(erp_code="4711"), NOW)
    assert (again.body["id"], again.body["number"]) == ("1002", "4711")


def test_the_books_restored_from_a_journal_are_equal(books: Books) -> None:
    steps = (
        (Did.CREATED, an_order()),
        (Did.CREATED, an_order(reference="c-2")),
        (Did.UPDATED, an_order(revision=2)),
        (Did.DELETED, None),
        (Did.CREATED, an_order(reference="c-3")),
    )
    entries = []
    for did, order in steps:
        if order is None:
            result = books.delete("1002")
        else:
            result = books.create(order, NOW) if did == Did.CREATED else books.update("1001", order, NOW)
        entry = Entry(at=NOW, method="POST", did=did, document_id=result.document_id, answered=200, order=order)
        entries.append(entry)
    assert list(books.documents) == ["1001", "1003"]
    restored = Books("http://erp.example", Rules())
    restored.restore(entries)
    assert restored.documents == books.documents
