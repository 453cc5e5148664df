"""What the ERP's answer to "which documents carry our reference?" means for an export."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from schemas.commitment import ErpDocument
from services.exporter.connectors.types import FindAnswer, FoundDocument, Landed, Refused, Transient
from services.exporter.rules.export import Export, ExportState
from services.exporter.rules.failures import unmarked_document
from services.exporter.rules.marker import marked_revision
from services.exporter.rules.outcome import AttemptOutcome, Undecided


@dataclass(frozen=True, slots=True)
class Create:
    """No document exists: write the first."""


@dataclass(frozen=True, slots=True)
class Update:
    """A document of ours exists with another content: write into it."""

    document_id: str


def after_probe(
    export: Export, known: ErpDocument | None, found: FindAnswer, now: datetime
) -> Create | Update | AttemptOutcome:
    """What to do next, given what the ERP `found`; `known` is the document of an earlier success.

    A document with our very marker, or that of a later revision, means that the revision has landed. Anything else
    proves nothing before `quiet_until`. Then an older marker means update, nothing means create, and a document
    without a marker is for a person to judge.
    """
    if isinstance(found, (Refused, Transient)):
        return outcome_without_write(export, found)
    if landed := _landed(export, found):
        return Landed(landed)
    if export.quiet_until is not None and now < export.quiet_until:
        return Undecided(f"Asked for documents with reference {export.commitment_id}: it is not there yet.")
    if known is not None:
        return Update(_id_of(known, found))
    ours = [document for document in found if marked_revision(document.marker, export.commitment_id) is not None]
    if ours:
        return Update(max(ours, key=lambda document: _revision(document, export)).id)
    return _beside_unmarked(export, found) if found else Create()


def outcome_without_write(export: Export, obstacle: Refused | Transient) -> AttemptOutcome:
    """What an obstacle before any write means: an export in doubt stays so, for nothing was learned of its call."""
    return Undecided(obstacle.message) if export.state is ExportState.IN_DOUBT else obstacle


def _landed(export: Export, found: Sequence[FoundDocument]) -> tuple[FoundDocument, ...]:
    return tuple(
        document
        for document in found
        if document.marker == export.marker or _revision(document, export) > export.revision
    )


def _id_of(known: ErpDocument, found: Sequence[FoundDocument]) -> str:
    """The id by which the ERP knows `known`; where an approver vouched for it, they may have read only its number."""
    if known.number is None or known.id in {document.id for document in found}:
        return known.id
    return next((document.id for document in found if document.number == known.number), known.id)


def _revision(document: FoundDocument, export: Export) -> int:
    return marked_revision(document.marker, export.commitment_id) or 0


def _beside_unmarked(export: Export, found: Sequence[FoundDocument]) -> AttemptOutcome:
    numbers = ", ".join(document.number or document.id for document in found)
    if export.state is not ExportState.IN_DOUBT:
        return unmarked_document(numbers)
    asked = f"The ERP holds {numbers} under our reference without a marker of ours: somebody has to look."
    return Undecided(asked, needs_person=True)
