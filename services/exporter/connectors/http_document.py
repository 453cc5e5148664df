"""Reads the documents in an ERP's answer; an optional member that is odd counts as absent."""

from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict

from schemas.fields import Code, ErpId, NoneIfInvalid, Url
from services.exporter.connectors.types import FoundDocument, UnreadableDocument


def _stripped(value: Any) -> Any:
    """`value` without the spaces with which some ERPs fill a field up."""
    return value.strip() if isinstance(value, str) else value


_T = TypeVar("_T")
Lenient = Annotated[_T | None, NoneIfInvalid()]
_Padded = Annotated[str, BeforeValidator(_stripped)]


class Body(BaseModel):
    """A part of an answer; numbers are read as text."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class Document(Body):
    """A document as an ERP describes it."""

    id: Lenient[ErpId] = None
    number: Lenient[Code] = None
    url: Lenient[Url] = None
    reference: Lenient[_Padded] = None
    marker: Lenient[_Padded] = None

    def found(self) -> FoundDocument | None:
        """Return the document; None if its id cannot be used."""
        return None if self.id is None else FoundDocument(self.id, self.number, self.url, self.marker)

    def may_have(self, reference: str) -> bool:
        """Whether this may be a document of `reference`; only a clear other reference says that it is not."""
        is_marked = self.marker is not None and self.marker.startswith(f"{reference}/")
        return is_marked or not self.reference or self.reference.casefold() == reference.strip().casefold()


def document_in(body: Any) -> FoundDocument | None:
    """Return the document that the JSON `body` is; None if it is none, or its id cannot be used."""
    return Document.model_validate(body).found() if isinstance(body, dict) else None


def documents_in(entries: list[Any], reference: str) -> tuple[FoundDocument | UnreadableDocument, ...]:
    """Return those of `entries` that may have this reference; what cannot be read may have it."""
    read = (Document.model_validate(each) if isinstance(each, dict) else Document() for each in entries)
    return tuple(each.found() or UnreadableDocument(each.number) for each in read if each.may_have(reference))
