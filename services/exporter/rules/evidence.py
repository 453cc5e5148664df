"""Judges what the ERP answered when it was asked for the document that an approver had named."""

from schemas.commitment import ErpDocument, id_of_number
from schemas.fields import FailureClass
from services.exporter.connectors.types import (
    ErpCopy,
    FindAnswer,
    FoundDocument,
    Gone,
    Landed,
    ReadAnswer,
    Refused,
    Transient,
)
from services.exporter.rules.export import Export
from services.exporter.rules.marker import is_of_another, written_as
from services.exporter.rules.outcome import AttemptOutcome, Undecided, WrongEvidence

MAX_READS = 10
"""How often an ERP that answers may fail to show the document that was named."""


def asked_for(document: ErpDocument) -> str:
    """What the ERP is asked for: its own id if a person gave one, else the number that they read."""
    return document.number or document.id if document.is_known_by_number else document.id


def after_reading(export: Export, named: ErpDocument, read: ReadAnswer, found: FindAnswer) -> AttemptOutcome:
    """Decide whether the document `named` counts, from what `read` and `find` answered.

    With it counts every document that has this revision's marker: two of them must not go unnoticed. A document with
    another commitment's marker, or with that of an earlier revision, never counts. An ERP that does not let us
    read says nothing about it, however often.
    """
    name = named.name
    match read:
        case ErpCopy(document):
            wrong = _why_not(export, named, read)
            return WrongEvidence(wrong) if wrong else Landed((document, *_landed_besides(export, document, found)))
        case Gone():
            return WrongEvidence(f"{name} was named as its document, but the ERP has no {name}.")
        case Transient() | Refused() if _is_asked_again(export, read):
            wait = read.retry_after_seconds if isinstance(read, Transient) else 0.0
            return Undecided(f"Asked for {name}: {read.message}", retry_after_seconds=wait)
        case _:
            return WrongEvidence(f"{name} was named as its document, but cannot be read. {read.message}")


def of_another(document: FoundDocument, holder: str) -> WrongEvidence:
    """The outcome where the document that was found is that of `holder`, as people call it."""
    return WrongEvidence(f"{document.name} is already the document of {holder}.")


def _is_asked_again(export: Export, read: Refused | Transient) -> bool:
    """Whether the ERP did not look for the document: it was away, had no time, or did not let us in."""
    if isinstance(read, Refused):
        return read.failure_class in (FailureClass.FIX_SETUP, FailureClass.RETRY_LATER)
    return not read.is_reached or read.retry_after_seconds > 0 or export.probes < MAX_READS


def _why_not(export: Export, named: ErpDocument, copy: ErpCopy) -> str:
    """Why the document that the ERP shows is not the one that was named, in words; empty if it is."""
    name, document = named.name, copy.document
    if not _is_called(copy, named):
        return f"{name} was named as its document, but the ERP shows {document.name} for it."
    if is_of_another(document.marker, export.commitment_id):
        return f"{name} is the document of another commitment: its marker is {document.marker}."
    written = written_as(document.marker, export.commitment_id)
    if written is not None and written < (export.revision, export.reopened):
        return f"{name} is its document, but still holds revision {written[0]}, as it was written before."
    return ""


def _is_called(copy: ErpCopy, named: ErpDocument) -> bool:
    """Whether the ERP's document has the name: another one may have as its id what people read as a number."""
    if named.number is None or not named.is_known_by_number:
        return copy.document.id == named.id
    number = id_of_number(named.number or named.id)
    if copy.document.number:
        return id_of_number(copy.document.number) == number
    return number in (id_of_number(copy.document.id), id_of_number(copy.reference or ""))


def on_trust(named: ErpDocument) -> Landed:
    """The outcome where nobody can ask the ERP: a person's word counts."""
    return Landed((FoundDocument(named.id, named.number, named.url),))


def _landed_besides(export: Export, document: FoundDocument, found: FindAnswer) -> tuple[FoundDocument, ...]:
    listed = found if isinstance(found, tuple) else ()
    readable = (each for each in listed if isinstance(each, FoundDocument))
    return tuple(each for each in readable if each.marker == export.marker and each.id != document.id)
