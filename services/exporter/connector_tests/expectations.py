"""What a conformance test expects of an answer, and the sentence with which it fails."""

import math
from typing import Any, TypeVar

from pydantic import TypeAdapter

from schemas.fields import ErpId, valid_or_none
from services.exporter.connectors.types import (
    ErpCopy,
    Exists,
    FoundDocument,
    Landed,
    Refused,
    Transient,
    Unknown,
    UnreadableDocument,
)

T = TypeVar("T")
FIND_ANSWERS = (tuple, Refused, Transient)
WRITE_ANSWERS = (Landed, Exists, Refused, Transient, Unknown)
READ_ANSWERS = (ErpCopy, Refused, Transient)
CHECK_ANSWERS = (tuple,)

_ID: TypeAdapter[str] = TypeAdapter(ErpId)
_SHOWN_CHARACTERS = 300


def expect(condition: object, otherwise: str) -> None:
    """Fail the test with the sentence `otherwise` unless `condition` holds."""
    if not condition:
        raise AssertionError(otherwise)


def expect_answer(answer: Any, expected: type[T] | tuple[type[T], ...], because: str) -> T:
    """Return `answer` if it is of an `expected` type; `because` says why nothing else is right."""
    types = expected if isinstance(expected, tuple) else (expected,)
    if isinstance(answer, types):
        return answer
    names = " or ".join(each.__name__ for each in types)
    raise AssertionError(f"The answer must be {names}, since {because}; it is {shown(answer)}.")


def expect_id(document: FoundDocument | UnreadableDocument) -> str:
    """Return the id of `document`, which must be a text that the exporter can store."""
    name = document.id if isinstance(document, FoundDocument) else None
    expect(valid_or_none(_ID, name) == name is not None, f"The document needs an id that is text: {shown(document)}.")
    return str(name)


def sound_problem(answer: Any) -> str | None:
    """Return what is wrong with the parts of `answer`; None if the exporter can use it."""
    if problem := next(filter(None, map(_document_problem, _documents(answer))), None):
        return problem
    if isinstance(answer, (Refused, Transient, Unknown)) and not answer.message.strip():
        return "has an empty message; people read it"
    if isinstance(answer, Transient) and not 0 <= answer.retry_after_seconds < math.inf:
        return f"asks to wait for {answer.retry_after_seconds} seconds"
    return None


def _document_problem(document: Any) -> str | None:
    if not isinstance(document, (FoundDocument, UnreadableDocument)):
        return f"holds {shown(document)}, which is no document"
    document_id: Any = "" if isinstance(document, UnreadableDocument) else document.id
    return None if isinstance(document_id, str) else f"has the id {shown(document_id)}, which is no text"


def shown(value: object) -> str:
    """Return `value` as a message shows it."""
    text = repr(value)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"


def _documents(answer: Any) -> tuple[Any, ...]:
    match answer:
        case Landed(documents):
            return documents
        case Exists(document):
            return (document,)
        case ErpCopy():
            return (answer.document,)
        case tuple():
            return answer
        case _:
            return ()
