"""Judges what the ERP answered when it was asked for the document that an approver had named."""

from decimal import Decimal

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
from services.exporter.connectors.wording import one_line
from services.exporter.rules.about import About
from services.exporter.rules.export import Export
from services.exporter.rules.marker import is_of_another, written_as
from services.exporter.rules.outcome import AttemptOutcome, Unconfirmed, Undecided, WrongEvidence
from services.pipeline.formats import money

MAX_READS = 10
"""How often an ERP that answers may fail to show the document that was named."""


def asked_for(document: ErpDocument) -> str:
    """What the ERP is asked for: its own id if a person gave one, else the number that they read."""
    return document.number or document.id if document.is_known_by_number else document.id


def after_reading(
    export: Export,
    named: ErpDocument,
    read: ReadAnswer,
    found: FindAnswer,
    *,
    is_confirmed: bool = False,
    about: About = About(),  # noqa: B008 - it is frozen
) -> AttemptOutcome:
    """Decide whether the document `named` counts, from what `read` and `find` answered.

    With it counts every document that has this revision's marker: two of them must not go unnoticed. A document with
    another commitment's marker, or with that of an earlier revision, never counts. One that is called otherwise than
    ours, or has another total, counts once a second approver has confirmed it. An ERP that does not let us read says
    nothing about it, however often; then too, a second approver's word counts.
    """
    name = named.name
    match read:
        case ErpCopy(document):
            landed = Landed((document, *_landed_besides(export, document, found)))
            return _objection(export, named, read, about, is_confirmed=is_confirmed) or landed
        case Gone():
            return WrongEvidence(f"{name} was named as its document, but the ERP has no {name}.")
        case Transient() | Refused() if is_confirmed and _is_unreadable(read):
            return on_trust(named)
        case Transient() | Refused() if _is_asked_again(export, read):
            wait = read.retry_after_seconds if isinstance(read, Transient) else 0.0
            return Undecided(f"Asked for {name}: {read.message}", retry_after_seconds=wait)
        case _:
            return WrongEvidence(f"{name} was named as its document, but cannot be read. {read.message}")


def _objection(
    export: Export, named: ErpDocument, copy: ErpCopy, about: About, *, is_confirmed: bool
) -> WrongEvidence | Unconfirmed | None:
    """Return why the document that the ERP shows does not count, or not yet; None if it does."""
    if wrong := _why_not(export, named, copy):
        return WrongEvidence(wrong)
    contradiction = "" if is_confirmed else _contradiction(export, named, copy)
    return Unconfirmed(f"{shown_words(copy, about)} {contradiction}") if contradiction else None


def cannot_ask(named: ErpDocument, about: About) -> Unconfirmed:
    """The outcome where the ERP shows no documents."""
    return Unconfirmed(f"{about.begin} does not show its documents, so it cannot be asked for {named.name}.")


def nobody_to_ask(named: ErpDocument, connection: str | None) -> Unconfirmed:
    """The outcome where the ERP of the export is no longer configured."""
    where = connection or "The ERP"
    return Unconfirmed(f"{where} is no longer configured, so it cannot be asked for {named.name}.")


def shown_words(copy: ErpCopy, about: About) -> str:
    """What the ERP shows for the document that was named, as far as it tells it."""
    total = "" if copy.total is None else (money(copy.total, copy.currency) if copy.currency else str(copy.total))
    reference = f"reference {one_line(copy.reference)}" if copy.reference else ""
    told = ", ".join(each for each in (total, reference) if each)
    return f"{about.begin} shows {copy.document.name}{f': {told}' if told else ''}."


def other_reference(export: Export, copy: ErpCopy) -> str | None:
    """The reference of a document that is not, by its marker, this commitment's; None if it is ours or none."""
    if not copy.reference or written_as(copy.document.marker, export.commitment_id) is not None:
        return None
    ours = {id_of_number(export.commitment_id), id_of_number(export.summary.number)}
    return None if id_of_number(copy.reference) in ours else copy.reference


def _contradiction(export: Export, named: ErpDocument, copy: ErpCopy) -> str:
    """What speaks against a document without our marker, in words; empty if nothing does."""
    if written_as(copy.document.marker, export.commitment_id) is not None:
        return ""
    summary = export.summary
    is_other_amount = copy.total is not None and copy.total != Decimal(summary.total)
    if is_other_amount or copy.currency not in (None, summary.currency):
        return f"{summary.number} is {money(summary.total, summary.currency)}."
    reference = other_reference(export, copy)
    is_named = reference is not None and id_of_number(reference) in (named.id, id_of_number(named.number or named.id))
    return f"{summary.number} has another reference." if reference and not is_named else ""


def of_another(document: FoundDocument, holder: str) -> WrongEvidence:
    """The outcome where the document that was found is that of `holder`, as people call it."""
    return WrongEvidence(f"{document.name} is already the document of {holder}.")


def _is_unreadable(read: Refused | Transient) -> bool:
    """Whether the ERP said nothing about the document, rather than that it is not to be found by this name."""
    return isinstance(read, Transient) or read.failure_class is not FailureClass.FIX_DATA


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
    """The outcome where nobody can ask the ERP: the word of two people counts."""
    return Landed((FoundDocument(named.id, named.number, named.url),))


def _landed_besides(export: Export, document: FoundDocument, found: FindAnswer) -> tuple[FoundDocument, ...]:
    listed = found if isinstance(found, tuple) else ()
    readable = (each for each in listed if isinstance(each, FoundDocument))
    return tuple(each for each in readable if each.marker == export.marker and each.id != document.id)
