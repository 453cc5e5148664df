"""The ERP's purchase orders, and what a search, a create, an update and a deletion do to them."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sandbox.erp.journal import Did, Entry
from sandbox.erp.order import Order
from sandbox.erp.problem import Problem
from sandbox.erp.rules import Rules, refusal
from schemas.fields import FailureClass

FIRST_ID = 1001
SHORT_REFERENCE_CHARACTERS = 8
"""How many characters are left of a reference that is shortened."""


@dataclass(frozen=True)
class Document:
    """One purchase order with its current content."""

    id: str
    number: str
    order: Order
    created_at: datetime
    changed_at: datetime


@dataclass(frozen=True)
class CallResult:
    """The result of a call: what was done, to which document, and what to answer."""

    did: Did
    status: int
    body: dict[str, Any]
    document_id: str | None = None

    @classmethod
    def of(cls, problem: Problem) -> "CallResult":
        """The result of a call that does nothing because of `problem`."""
        return cls(Did.NOTHING, problem.status, problem.body)


class Books:
    """All purchase orders, by id; their pages are below `url`."""

    def __init__(self, url: str, rules: Rules) -> None:
        self.rules = rules
        self.documents: dict[str, Document] = {}
        self._url = url
        self._ids_by_reference: dict[str, list[str]] = defaultdict(list)
        self._numbers: set[str] = set()
        self._created = 0

    def restore(self, entries: Iterable[Entry]) -> None:
        """Repeat what the journal of an earlier ERP recorded as written."""
        for entry in entries:
            if entry.order and entry.did == Did.CREATED:
                self._insert(entry.order, entry.at)
            elif entry.order and entry.document_id and entry.did == Did.UPDATED:
                self._change(self.documents[entry.document_id], entry.order, entry.at)
            elif entry.document_id and entry.did == Did.DELETED:
                self._remove(self.documents[entry.document_id])

    def under(self, reference: str) -> list[Document]:
        """Every document with `reference`, oldest first; a shortened reference is that of all that begin so."""
        names = dict.fromkeys((reference, _shortened(reference)))
        return [self.documents[each] for name in names for each in self._ids_by_reference.get(name, ())]

    def search(self, reference: str) -> CallResult:
        """Find the documents with `reference`."""
        found = self.under(reference)
        body = {"documents": [self.as_json(document) for document in found]}
        return CallResult(Did.SEARCHED, 200, body, found[0].id if found else None)

    def numbered(self, number: str) -> CallResult:
        """Find the documents with `number`, each as a whole."""
        found = [document for document in self.documents.values() if document.number == number]
        body = {"documents": [self._as_whole(document) for document in found]}
        return CallResult(Did.SEARCHED, 200, body, found[0].id if found else None)

    def read(self, document_id: str) -> CallResult:
        """Return the document as a whole."""
        document = self.documents.get(document_id)
        if document is None:
            return _not_found(document_id)
        return CallResult(Did.SEARCHED, 200, self._as_whole(document), document_id)

    def create(self, order: Order, now: datetime) -> CallResult:
        """Create a document, even if there is one with this reference, unless the rules forbid that."""
        problem = refusal(order, self.rules) or self._duplicate(order) or self._number_taken(order)
        if problem:
            return CallResult.of(problem)
        document = self._insert(order, now)
        return CallResult(Did.CREATED, 201, self.as_json(document), document.id)

    def update(self, document_id: str, order: Order, now: datetime) -> CallResult:
        """Replace the document's content; its number stays."""
        document = self.documents.get(document_id)
        if document is None:
            return _not_found(document_id)
        problem = _other_reference(document, order) or refusal(order, self.rules)
        if problem:
            return CallResult.of(problem)
        changed = self._change(document, order, now)
        return CallResult(Did.UPDATED, 200, self.as_json(changed), changed.id)

    def shorten_reference(self, document_id: str) -> Document:
        """Keep only the beginning of the document's reference, as a field that is too short for it does."""
        document = self.documents[document_id]
        self._ids_by_reference[document.order.reference].remove(document_id)
        order = document.order.model_copy(update={"reference": _shortened(document.order.reference)})
        self._ids_by_reference[order.reference].append(document_id)
        self.documents[document_id] = replace(document, order=order)
        return self.documents[document_id]

    def change(self, document_id: str, order: Order | None, now: datetime) -> CallResult:
        """Give the document another content by hand, which no rule checks."""
        document = self.documents.get(document_id)
        if document is None or order is None:
            return _not_found(document_id)
        changed = self._change(document, order, now)
        return CallResult(Did.UPDATED, 200, self.as_json(changed), document_id)

    def delete(self, document_id: str) -> CallResult:
        """Delete the document; its id is never given again, its number may be."""
        document = self.documents.get(document_id)
        if document is None:
            return _not_found(document_id)
        self._remove(document)
        return CallResult(Did.DELETED, 200, self.as_json(document), document_id)

    def as_json(self, document: Document) -> dict[str, Any]:
        """The document as the API returns it."""
        return {
            "id": document.id,
            "number": document.number,
            "url": f"{self._url}/purchase-orders/{document.id}",
            "reference": document.order.reference,
            "marker": document.order.marker,
            "revision": document.order.revision,
        }

    def _as_whole(self, document: Document) -> dict[str, Any]:
        """The document as the API returns it, with its content."""
        lines = [line.model_dump(mode="json", exclude_none=True) for line in document.order.lines]
        order = document.order
        return self.as_json(document) | {"total": order.total, "currency": order.currency, "lines": lines}

    def _insert(self, order: Order, now: datetime) -> Document:
        document_id = str(FIRST_ID + self._created)
        self._created += 1
        document = Document(document_id, order.erp_code or f"PO-{document_id}", order, now, now)
        self.documents[document_id] = document
        self._ids_by_reference[order.reference].append(document_id)
        self._numbers.add(document.number)
        return document

    def _change(self, document: Document, order: Order, now: datetime) -> Document:
        """Replace the content; the reference stays as it is stored, also where it is shortened."""
        kept = order.model_copy(update={"reference": document.order.reference})
        changed = replace(document, order=kept, changed_at=now)
        self.documents[document.id] = changed
        return changed

    def _remove(self, document: Document) -> None:
        del self.documents[document.id]
        self._ids_by_reference[document.order.reference].remove(document.id)
        self._numbers.discard(document.number)

    def _duplicate(self, order: Order) -> Problem | None:
        present = self.under(order.reference)
        if not (self.rules.is_reference_unique and present):
            return None
        detail = f"{present[0].number} has the reference {order.reference}."
        extra = {"document": self.as_json(present[0])}
        return Problem(409, "duplicate_reference", "The reference is taken", detail, extra=extra)

    def _number_taken(self, order: Order) -> Problem | None:
        if order.erp_code not in self._numbers:
            return None
        detail = f"There is another document with the number {order.erp_code}."
        return Problem(422, "number_taken", "The number is taken", detail, FailureClass.FIX_DATA)


def _not_found(document_id: str) -> CallResult:
    return CallResult.of(Problem(404, "not_found", "No such document", f"There is no document {document_id}."))


def _other_reference(document: Document, order: Order) -> Problem | None:
    if document.order.reference in (order.reference, _shortened(order.reference)):
        return None
    detail = f"{document.number} belongs to {document.order.reference}."
    return Problem(409, "other_reference", "The document has another reference", detail)


def _shortened(reference: str) -> str:
    return reference[:SHORT_REFERENCE_CHARACTERS]
