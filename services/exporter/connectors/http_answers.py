"""What an HTTP answer of the ERP means: stored, surely not stored, refused, or unknown."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Annotated, TypeVar

import httpx2
from pydantic import BaseModel, ConfigDict, ValidationError, ValidatorFunctionWrapHandler, WrapValidator

from schemas.fields import Code, FailureClass, Id, Url
from services.exporter.connectors.types import (
    Exists,
    FindAnswer,
    FoundDocument,
    Landed,
    Refused,
    Transient,
    Unknown,
    WriteAnswer,
)

MAX_MESSAGE_CHARACTERS = 2_000
MAX_RETRY_AFTER_SECONDS = 3_600.0
_HTTP_OK = range(200, 300)
_REFUSALS = {
    400: FailureClass.FIX_DATA,
    409: FailureClass.WAIT_FOR_DEPENDENCY,
    413: FailureClass.FIX_DATA,
    422: FailureClass.FIX_DATA,
}
"""What a refusal means where the ERP does not say; every other 4xx is a matter of set-up."""


def _or_nothing(value: object, read: ValidatorFunctionWrapHandler) -> object:
    try:
        return read(value)
    except ValidationError:
        return None


_T = TypeVar("_T")
_Lenient = Annotated[_T | None, WrapValidator(_or_nothing)]


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True, coerce_numbers_to_str=True)


class _Document(_Answer):
    id: Id
    number: Code | None = None
    url: Url | None = None
    reference: str | None = None
    marker: str | None = None

    def found(self) -> FoundDocument:
        return FoundDocument(self.id, self.number, self.url, self.marker)


class _Documents(_Answer):
    documents: tuple[_Document, ...]


class _Problem(_Answer):
    """The members of problem+json (RFC 9457) that we read, and our own; an odd one does not spoil the others."""

    title: _Lenient[str] = None
    detail: _Lenient[str] = None
    code: _Lenient[Code] = None
    failure_class: _Lenient[FailureClass] = None
    document: _Lenient[_Document] = None


def read_found(answer: httpx2.Response, reference: str) -> FindAnswer:
    """The documents in `answer` that carry `reference`; an ERP that lists others beside them does no harm."""
    if answer.status_code != httpx2.codes.OK:
        refused = _refusal(answer)
        return refused if isinstance(refused, Refused) else _not_stored(refused)
    try:
        listed = _Documents.model_validate_json(answer.content)
    except ValidationError:
        return Transient("The ERP's list of documents cannot be read.", is_reached=True)
    return tuple(each.found() for each in listed.documents if each.reference in (None, reference))


def read_written(answer: httpx2.Response) -> WriteAnswer:
    """What became of a document that was sent; whatever leaves room for doubt is Unknown."""
    if answer.status_code not in _HTTP_OK:
        return _refusal(answer)
    try:
        document = _Document.model_validate_json(answer.content)
    except ValidationError:
        return Unknown(f"The ERP answered {answer.status_code}, but its document cannot be read.")
    return Landed((document.found(),))


def _refusal(answer: httpx2.Response) -> Exists | Refused | Transient | Unknown:
    status = answer.status_code
    problem = _problem(answer)
    message = _message(problem, status)
    if status == httpx2.codes.CONFLICT and problem.code == "duplicate_reference" and problem.document:
        return Exists(problem.document.found())
    if status == httpx2.codes.TOO_MANY_REQUESTS or (
        status == httpx2.codes.SERVICE_UNAVAILABLE and "retry-after" in answer.headers
    ):
        is_reached = status == httpx2.codes.TOO_MANY_REQUESTS
        return Transient(message, problem.code, _retry_after_seconds(answer), is_reached)
    if not httpx2.codes.is_client_error(status) or status == httpx2.codes.REQUEST_TIMEOUT:
        return Unknown(message)
    failure_class = problem.failure_class or _REFUSALS.get(status, FailureClass.FIX_SETUP)
    if failure_class is FailureClass.RETRY_LATER:
        return Transient(message, problem.code, is_reached=True)
    return Refused(failure_class, message, problem.code)


def _not_stored(outcome: Exists | Transient | Unknown) -> Transient:
    """An odd answer to a question, which stores nothing."""
    if isinstance(outcome, Transient):
        return outcome
    return Transient(outcome.message if isinstance(outcome, Unknown) else "The ERP did not list its documents.")


def _problem(answer: httpx2.Response) -> _Problem:
    try:
        return _Problem.model_validate_json(answer.content)
    except ValidationError:
        return _Problem()


def _message(problem: _Problem, status: int) -> str:
    said = ". ".join(part.strip().rstrip(".") for part in (problem.title, problem.detail) if part and part.strip())
    told = f"{said}." if said else "The ERP gave no reason."
    return f"{told} (HTTP {status})".replace("\x00", "")[:MAX_MESSAGE_CHARACTERS]


def _retry_after_seconds(answer: httpx2.Response) -> float:
    """The wait that the ERP asks for, in seconds or as a date; 0 where it cannot be read."""
    given = answer.headers.get("retry-after", "")
    try:
        seconds = float(given) if given.isdigit() else _seconds_until(given)
    except ValueError:
        return 0.0
    return min(max(seconds, 0.0), MAX_RETRY_AFTER_SECONDS)


def _seconds_until(date: str) -> float:
    return (parsedate_to_datetime(date) - datetime.now(UTC)).total_seconds()
