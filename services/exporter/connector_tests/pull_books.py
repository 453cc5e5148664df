"""What a played ERP has stored whose client asks for work: documents by number, answers to writes, and lists."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from services.exporter.connector_tests.books import Books, Document
from services.exporter.connectors.pull import ListEntry


@dataclass
class PullBooks(Books):
    """The documents of a played ERP, each with the number of its commitment, which its `content` has as `number`."""

    kept: dict[str, str] = field(default_factory=dict)
    """The answer to each write, by the id of its message set."""

    lists: dict[str, list[ListEntry]] = field(default_factory=dict)
    """The ERP's vendors, items and jobs, by the name of their list."""

    changes: int = 0
    """How often a document was created or updated."""

    def create(self, reference: str, marker: str, content: Any = None) -> Document:
        """Store a new document under the number that `content` has."""
        document = super().create(reference, marker, content)
        document.number = content["number"]
        self.changes += 1
        return document

    def update(self, document_id: Any, marker: str, content: Any = None) -> Document | None:
        """Replace the content of a document; None if there is none with this id."""
        document = super().update(document_id, marker, content)
        self.changes += document is not None
        return document

    def asked_for(self, *, numbers: Iterable[str] = (), ids: Iterable[str] = ()) -> list[Document]:
        """Return every document with one of these numbers or ids, each once.

        It is found by the number with which it was written, also where a test has made the one odd that is shown.
        """
        wanted, named = list(numbers), list(ids)
        return [
            each
            for each in self.documents
            if str(each.id) in named or each.number in wanted or each.content["number"] in wanted
        ]
