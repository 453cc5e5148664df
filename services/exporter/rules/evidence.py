"""Judges what the ERP answered when it was asked for the document that an approver had named."""

from schemas.commitment import ErpDocument
from services.exporter.connectors.types import ErpCopy, FindAnswer, FoundDocument, Gone, Landed, ReadAnswer, Transient
from services.exporter.rules.export import Export
from services.exporter.rules.marker import is_of_another
from services.exporter.rules.outcome import AttemptOutcome, Undecided, WrongEvidence


def document_name(document: ErpDocument) -> str:
    """What the ERP is asked for: the number that a person read, else the id."""
    return document.number or document.id


def after_reading(export: Export, named: ErpDocument, read: ReadAnswer, found: FindAnswer) -> AttemptOutcome:
    """Decide whether the document `named` counts, from what `read` and `find` answered.

    With it counts every document that has this revision's marker: two of them must not go unnoticed. A document with
    another commitment's marker never counts.
    """
    name = document_name(named)
    match read:
        case ErpCopy(document) if is_of_another(document.marker, export.commitment_id):
            return WrongEvidence(f"{name} is the document of another commitment: its marker is {document.marker}.")
        case ErpCopy(document):
            return Landed((document, *_landed_besides(export, document, found)))
        case Gone():
            return WrongEvidence(f"{name} was named as its document, but the ERP has no {name}.")
        case Transient(message, _, retry_after_seconds):
            return Undecided(f"Asked for {name}: {message}", retry_after_seconds=retry_after_seconds)
        case _:
            return WrongEvidence(f"{name} was named as its document, but cannot be read. {read.message}")


def on_trust(named: ErpDocument) -> Landed:
    """The outcome where nobody can ask the ERP: a person's word counts."""
    return Landed((FoundDocument(named.id, named.number, named.url),))


def _landed_besides(export: Export, document: FoundDocument, found: FindAnswer) -> tuple[FoundDocument, ...]:
    listed = found if isinstance(found, tuple) else ()
    readable = (each for each in listed if isinstance(each, FoundDocument))
    return tuple(each for each in readable if each.marker == export.marker and each.id != document.id)
