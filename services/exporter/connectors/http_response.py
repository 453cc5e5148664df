"""What an HTTP response of the ERP means: stored, certainly not stored, refused, or unknown."""

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
_FAILURE_CLASSES = {
    400: FailureClass.FIX_DATA,
    409: FailureClass.WAIT_FOR_DEPENDENCY,
    413: FailureClass.FIX_DATA,
    422: FailureClass.FIX_DATA,
}
"""The failure class of a refusal that names none; for every other 4xx it is FIX_SETUP."""


def _none_if_invalid(value: object, validate: ValidatorFunctionWrapHandler) -> object:
    try:
        return validate(value)
    except ValidationError:
        return None


_T = TypeVar("_T")
_Lenient = Annotated[_T | None, WrapValidator(_none_if_invalid)]


class _Body(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True, coerce_numbers_to_str=True)


class _Document(_Body):
    id: Id
    number: Code | None = None
    url: Url | None = None
    reference: str | None = None
    marker: str | None = None

    def found(self) -> FoundDocument:
        return FoundDocument(self.id, self.number, self.url, self.marker)


class _Documents(_Body):
    documents: tuple[_Document, ...]


class _Problem(_Body):
    """The members of problem+json (RFC 9457) that we read, and our own; an invalid one is read as absent."""

    title: _Lenient[str] = None
    detail: _Lenient[str] = None
    code: _Lenient[Code] = None
    failure_class: _Lenient[FailureClass] = None
    document: _Lenient[_Document] = None


def find_answer(response: httpx2.Response, reference: str) -> FindAnswer:
    """Return the listed documents that have this reference; the ERP may list others too."""
    if response.status_code != httpx2.codes.OK:
        return _find_failure(_failure(response))
    try:
        listed = _Documents.model_validate_json(response.content)
    except ValidationError:
        return Transient("The ERP's list of documents cannot be read.", is_reached=True)
    return tuple(each.found() for each in listed.documents if each.reference in (None, reference))


def write_answer(response: httpx2.Response) -> WriteAnswer:
    """Return whether the document was stored; Unknown in case of any doubt."""
    if not httpx2.codes.is_success(response.status_code):
        return _failure(response)
    try:
        document = _Document.model_validate_json(response.content)
    except ValidationError:
        return Unknown(f"The ERP answered {response.status_code}, but its document cannot be read.")
    return Landed((document.found(),))


def _failure(response: httpx2.Response) -> Exists | Refused | Transient | Unknown:
    status = response.status_code
    problem = _problem(response)
    message = _message(problem, status)
    if status == httpx2.codes.CONFLICT and problem.code == "duplicate_reference" and problem.document:
        return Exists(problem.document.found())
    if status == httpx2.codes.TOO_MANY_REQUESTS:
        return Transient(message, problem.code, _retry_after_seconds(response), is_reached=True)
    if status == httpx2.codes.SERVICE_UNAVAILABLE and "retry-after" in response.headers:
        return Transient(message, problem.code, _retry_after_seconds(response))
    if not httpx2.codes.is_client_error(status) or status == httpx2.codes.REQUEST_TIMEOUT:
        return Unknown(message)
    failure_class = problem.failure_class or _FAILURE_CLASSES.get(status, FailureClass.FIX_SETUP)
    if failure_class is FailureClass.RETRY_LATER:
        return Transient(message, problem.code, is_reached=True)
    return Refused(failure_class, message, problem.code)


def _find_failure(failure: Exists | Refused | Transient | Unknown) -> Refused | Transient:
    """Return the failure of a search, which stores nothing: what would be unknown of a write is transient."""
    if isinstance(failure, Exists):
        return Transient("The ERP did not list its documents.")
    return Transient(failure.message) if isinstance(failure, Unknown) else failure


def _problem(response: httpx2.Response) -> _Problem:
    try:
        return _Problem.model_validate_json(response.content)
    except ValidationError:
        return _Problem()


def _message(problem: _Problem, status: int) -> str:
    reason = ". ".join(part.strip().rstrip(".") for part in (problem.title, problem.detail) if part and part.strip())
    sentence = f"{reason}." if reason else "The ERP gave no reason."
    return f"{sentence} (HTTP {status})".replace("\x00", "")[:MAX_MESSAGE_CHARACTERS]


def _retry_after_seconds(response: httpx2.Response) -> float:
    """Return how long the ERP asks us to wait, given in seconds or as a date; 0 where it cannot be read."""
    value = response.headers.get("retry-after", "")
    try:
        seconds = float(value) if value.isdigit() else _seconds_until(value)
    except ValueError:
        return 0.0
    return min(max(seconds, 0.0), MAX_RETRY_AFTER_SECONDS)


def _seconds_until(date: str) -> float:
    return (parsedate_to_datetime(date) - datetime.now(UTC)).total_seconds()
