"""Tells the documents in an ERP apart: people know them by number, the ERP by id."""

from collections.abc import Collection
from dataclasses import dataclass

from schemas.commitment import ErpDocument
from services.approval.rules.facts import ReplacedDocument, WrittenDocument, canonical


@dataclass(frozen=True, slots=True, order=True)
class DocumentName:
    """One name of a document in an ERP: its id or its number, as `kind` says."""

    connection: str
    kind: str
    name: str


def distinct(documents: frozenset[WrittenDocument]) -> frozenset[WrittenDocument]:
    """`documents` without those that are known by number only and are there with the ERP's id as well."""
    if len(documents) <= 1:
        return documents
    return frozenset(written for written in documents if not _is_there_by_id(written.document, documents))


def standing(
    documents: frozenset[WrittenDocument], replaced: frozenset[ReplacedDocument]
) -> frozenset[WrittenDocument]:
    """Those of `documents` that are in the ERP as far as we know: all but the `replaced` ones."""
    if not replaced:
        return documents
    return frozenset(each for each in documents if not any(gone.covers(each) for gone in replaced))


def newest(documents: Collection[WrittenDocument]) -> ErpDocument | None:
    """The document that was written last; of several always the same one. None without any."""
    if not documents:
        return None
    return max(documents, key=lambda written: (written.revision, written.reopened, canonical(written))).document


def names_of(*documents: ErpDocument) -> frozenset[DocumentName]:
    """All names of `documents`; two commitments whose documents share a name claim the same document."""
    by_id = {DocumentName(each.connection, "id", each.id) for each in documents}
    return frozenset(by_id | {DocumentName(each.connection, "number", each.number_key) for each in documents})


def _is_there_by_id(document: ErpDocument, documents: frozenset[WrittenDocument]) -> bool:
    if not document.is_known_by_number:
        return False
    others = (written.document for written in documents if written.document.id != document.id)
    return any(document.is_same_as(other) for other in others)
