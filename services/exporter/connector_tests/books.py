"""What the played ERP has stored: the documents that a connector's author encodes in the ERP's own words."""

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Document:
    """A stored document; its members are text unless a test made one of them odd, so encode them as they are."""

    id: Any
    reference: Any
    marker: Any
    number: Any = None
    url: Any = None
    content: Any = None


@dataclass
class Books:
    """The documents of a played ERP.

    `reference_characters` is how much of a reference it keeps; it then compares only that much, as such ERPs do.
    """

    documents: list[Document] = field(default_factory=list)
    is_reference_unique: bool = False
    reference_characters: int | None = None
    odd_id: tuple[Any, ...] = ()
    """One odd id that the next documents get, instead of one of their own."""

    def create(self, reference: str, marker: str, content: Any = None) -> Document:
        """Store a new document; `content` is what else the dialect wants to keep."""
        serial = 1001 + len(self.documents)
        document_id = self.odd_id[0] if self.odd_id else self.new_id(serial)
        document = Document(document_id, self._kept(reference), marker, f"PO-{serial}", content=content)
        self.documents.append(document)
        return document

    def new_id(self, serial: int) -> str:
        """Return the id of a new document; a subclass may give it the form that ids have in its ERP."""
        return str(serial)

    def holder(self, reference: str) -> Document | None:
        """Return the document that forbids another one under `reference`; None if a second one is taken."""
        return next(iter(self.under(reference)), None) if self.is_reference_unique else None

    def under(self, reference: str) -> list[Document]:
        """Return every document under `reference`."""
        return [each for each in self.documents if each.reference == self._kept(reference)]

    def update(self, document_id: Any, marker: str, content: Any = None) -> Document | None:
        """Replace the content of a document; None if there is none with this id."""
        document = next((each for each in self.documents if str(each.id) == str(document_id)), None)
        if document is not None:
            document.marker, document.content = marker, content
        return document

    def named(self, name: Any) -> list[Document]:
        """Return the document whose id is `name`, or else every document whose number is."""
        by_id = [each for each in self.documents if str(each.id) == str(name)]
        return by_id or [each for each in self.documents if each.number == name]

    def _kept(self, reference: str) -> str:
        return reference[: self.reference_characters]
