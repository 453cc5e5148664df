"""Makes a connector's answer fit for storing and publishing, whatever an ERP or a connector has put into it."""

import math
from dataclasses import replace

from pydantic import TypeAdapter

from schemas.fields import Code, ErpId, FailureClass, Url, valid_or_none
from services.exporter.connectors.types import (
    ErpCopy,
    Exists,
    FindAnswer,
    FoundDocument,
    Landed,
    ReadAnswer,
    Refused,
    Transient,
    Unknown,
    UnreadableDocument,
    WriteAnswer,
)
from services.exporter.connectors.wording import one_line
from services.exporter.rules.about import About
from services.exporter.rules.failures import UNNAMED_DOCUMENT, unmarked_document

MAX_RETRY_AFTER_SECONDS = 86_400.0
_UNNAMED = About()
_ID: TypeAdapter[str] = TypeAdapter(ErpId)
_CODE: TypeAdapter[str] = TypeAdapter(Code)
_URL: TypeAdapter[str] = TypeAdapter(Url)


def usable_found(answer: FindAnswer) -> FindAnswer:
    """Return `answer` with texts that can be stored; a document without a usable id becomes an UnreadableDocument."""
    if isinstance(answer, tuple):
        return tuple(_document(each) for each in answer)
    return _refused(answer) if isinstance(answer, Refused) else _transient(answer)


def usable_written(answer: WriteAnswer, about: About = _UNNAMED) -> WriteAnswer:
    """Return `answer` with texts that can be stored; Unknown where no document of it can be, as it may have landed."""
    match answer:
        case Landed(documents):
            found = tuple(each for each in map(_document, documents) if isinstance(each, FoundDocument))
            return Landed(found) if found else Unknown("The ERP's document cannot be read.", is_reached=True)
        case Exists(document):
            existing = _document(document)
            if isinstance(existing, FoundDocument):
                return Exists(existing)
            return unmarked_document(about, UNNAMED_DOCUMENT)
        case Refused():
            return _refused(answer)
        case Transient():
            return _transient(answer)
        case Unknown(message, refusal):
            return replace(answer, message=one_line(message), refusal=refusal and _refused(refusal))


def usable_read(answer: ReadAnswer) -> ReadAnswer:
    """Return `answer` with texts that can be stored; a copy without a usable id is a refusal."""
    match answer:
        case ErpCopy(document):
            readable = _document(document)
            if isinstance(readable, FoundDocument):
                return replace(answer, document=readable)
            return Refused(FailureClass.FIX_DATA, f"The ERP answered with {UNNAMED_DOCUMENT}.")
        case Refused():
            return _refused(answer)
        case Transient():
            return _transient(answer)


def _document(document: FoundDocument | UnreadableDocument) -> FoundDocument | UnreadableDocument:
    number = valid_or_none(_CODE, document.number)
    if isinstance(document, UnreadableDocument) or valid_or_none(_ID, document.id) is None:
        return UnreadableDocument(number)
    return replace(document, number=number, url=valid_or_none(_URL, document.url))


def _refused(refused: Refused) -> Refused:
    next_step = refused.next_step and one_line(refused.next_step)
    code = valid_or_none(_CODE, refused.code)
    return replace(refused, message=one_line(refused.message), code=code, next_step=next_step)


def _transient(transient: Transient) -> Transient:
    seconds = transient.retry_after_seconds
    bounded = 0.0 if math.isnan(seconds) else min(max(seconds, 0.0), MAX_RETRY_AFTER_SECONDS)
    code = valid_or_none(_CODE, transient.code)
    return replace(transient, message=one_line(transient.message), code=code, retry_after_seconds=bounded)
