"""Decides what to write, given the documents that the ERP has with our reference."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from schemas.commitment import ErpDocument
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
    UnreadableDocument,
)
from services.exporter.rules.about import UNNAMED_ERP, About
from services.exporter.rules.export import Doubt, Export, ExportState
from services.exporter.rules.failures import UNNAMED_DOCUMENT, given_up, not_stored, unmarked_document
from services.exporter.rules.marker import is_of_another, marked_revision
from services.exporter.rules.outcome import AttemptOutcome, Broken, ConnectionGone, DocumentGone, NotRepeated, Undecided

_MAX_NAMED = 10
"""How many documents a message names."""


@dataclass(frozen=True, slots=True)
class Create:
    """No document exists: create it."""


@dataclass(frozen=True, slots=True)
class Update:
    """Our document exists with other content: update it."""

    document_id: str


def after_probe(
    export: Export,
    known: ErpDocument | None,
    found: FindAnswer,
    now: datetime,
    replaced: Collection[ErpDocument] = (),
    erp: str = UNNAMED_ERP,
) -> Create | Update | AttemptOutcome:
    """Decide the next step from what `find` answered; `known` is the document of an earlier success.

    `replaced` are documents that an approver ordered to create anew: one that is there after all is updated instead,
    unless the commitment has another one.

    A document with our marker, or with that of a later revision, means that the revision has landed. Nothing else is
    proof before `quiet_until`. After that, a document with an older marker is updated, and where there is no document,
    one is created. Documents without a marker, or that cannot be read, are for a person to judge.
    """
    if isinstance(found, (Refused, Transient)):
        return outcome_without_write(export, found)
    readable = [document for document in found if isinstance(document, FoundDocument)]
    if landed := _landed(export, readable):
        return Landed(landed)
    if export.quiet_until is not None and now < export.quiet_until:
        return Undecided(f"Asked for documents with reference {export.commitment_id}: it is not there yet.")
    if known is not None:
        return Update(_erp_id(known, readable))
    is_back = {document.id for document in readable if _is_one_of(replaced, document)}
    ours = [
        document
        for document in readable
        if marked_revision(document.marker, export.commitment_id) is not None or document.id in is_back
    ]
    if ours:
        return Update(max(ours, key=lambda each: (each.id not in is_back, _revision(each, export))).id)
    return _only_unmarked(export, found, erp) if found else Create()


def unless_tried_enough(
    export: Export, step: Create | Update | AttemptOutcome, max_attempts: int, erp: str = UNNAMED_ERP
) -> Create | Update | AttemptOutcome:
    """Return `step`, unless it repeats a write that the ERP has answered already, or that was lost too often.

    Nor is anything written for an export that has failed, although a look had found its document.
    """
    if not isinstance(step, (Create, Update)) or export.state is not ExportState.IN_DOUBT:
        return step
    if export.is_doubted_again:
        return Undecided("The document that had turned up is not there.")
    doubt = export.doubt or Doubt(message="The ERP's answers were lost.")
    about = About(export.summary.number, erp)
    if doubt.failure_class is not None:
        refused = Refused(doubt.failure_class, doubt.message, doubt.code, doubt.owner, doubt.next_step)
        return NotRepeated(not_stored(about, refused))
    if export.attempts >= max_attempts:
        return NotRepeated(given_up(about, doubt.message, export.attempts))
    return step


def after_gone(
    export: Export,
    known: ErpDocument | None,
    document_id: str,
    gone: Gone,
    found: FindAnswer,
    erp: str = UNNAMED_ERP,
) -> AttemptOutcome:
    """Decide what an update of `document_id` that was answered with `gone` means, from what `find` answered since."""
    if isinstance(found, (Refused, Transient)):
        return outcome_without_write(export, found)
    readable = [document for document in found if isinstance(document, FoundDocument)]
    if landed := _landed(export, readable):
        return Landed(landed)
    if len(readable) < len(found) or any(document.id == document_id for document in readable):
        return gone  # it is listed, or may be
    if known is None:  # it was found a moment ago, and nobody was told of it: begin again
        return Transient(gone.message, gone.code, is_reached=True)
    return DocumentGone(known, gone.message, About(export.summary.number, erp))


def is_listed(found: FindAnswer, document_id: str) -> bool:
    """Whether the ERP lists the document with this id under our reference."""
    return isinstance(found, tuple) and any(each.id == document_id for each in found if isinstance(each, FoundDocument))


def after_reading_known(export: Export, document_id: str, read: ReadAnswer) -> Gone | None:
    """Return what is wrong with the document that was written before; None unless it is another commitment's by now."""
    if not isinstance(read, ErpCopy) or read.document.id != document_id:
        return None
    marker, reference = read.document.marker, read.reference
    is_foreign = bool(reference) and not marker and not export.commitment_id.startswith(str(reference))
    if not is_of_another(marker, export.commitment_id) and not is_foreign:
        return None
    return Gone(FailureClass.WAIT_FOR_DEPENDENCY, f"{read.document.name} is another contract's now.")


def outcome_without_write(export: Export, obstacle: Refused | Transient | Broken | ConnectionGone) -> AttemptOutcome:
    """Return the outcome of an attempt that could not write: what is in doubt stays so, since nothing was learned."""
    if export.state is not ExportState.IN_DOUBT:
        return obstacle
    retry_after_seconds = obstacle.retry_after_seconds if isinstance(obstacle, Transient) else 0.0
    return Undecided(obstacle.message, retry_after_seconds=retry_after_seconds)


def _landed(export: Export, found: Sequence[FoundDocument]) -> tuple[FoundDocument, ...]:
    return tuple(
        document
        for document in found
        if document.marker == export.marker or _revision(document, export) > export.revision
    )


def _erp_id(known: ErpDocument, found: Sequence[FoundDocument]) -> str:
    """Return the ERP's id of `known`, looked up by its number: an approver may have entered the number as the id."""
    if known.number is None or known.id in {document.id for document in found}:
        return known.id
    return next((document.id for document in found if known.number in (document.number, document.id)), known.id)


def _is_one_of(replaced: Collection[ErpDocument], document: FoundDocument) -> bool:
    return any(
        document.id == each.id or (each.is_known_by_number and document.number == each.number) for each in replaced
    )


def _revision(document: FoundDocument, export: Export) -> int:
    return marked_revision(document.marker, export.commitment_id) or 0


def _only_unmarked(export: Export, found: Sequence[FoundDocument | UnreadableDocument], erp: str) -> AttemptOutcome:
    numbers = ", ".join(map(_name, found[:_MAX_NAMED]))
    if len(found) > _MAX_NAMED:
        numbers += f" and {len(found) - _MAX_NAMED:,} more"
    if export.state is not ExportState.IN_DOUBT:
        return unmarked_document(About(export.summary.number, erp), numbers)
    asked = f"The ERP holds {numbers} under our reference without a marker of ours: somebody has to look."
    return Undecided(asked, needs_person=True)


def _name(document: FoundDocument | UnreadableDocument) -> str:
    if isinstance(document, FoundDocument):
        return document.name
    return document.number or UNNAMED_DOCUMENT
