"""What an HTTP response of the ERP means: stored, certainly not stored, refused, or unknown."""

import re
from datetime import UTC, datetime

import httpx2

from schemas.events import DOCUMENT_GONE
from schemas.fields import FailureClass
from services.exporter.connectors.http_body import json_of
from services.exporter.connectors.http_document import document_in, documents_in
from services.exporter.connectors.http_failure import HttpFailures, problem_in
from services.exporter.connectors.http_words import has_error, said_in, words_of
from services.exporter.connectors.retry_after import retry_after_seconds
from services.exporter.connectors.types import (
    Exists,
    FindAnswer,
    Gone,
    Landed,
    Refused,
    Transient,
    Unknown,
    WriteAnswer,
)
from services.exporter.connectors.wording import one_line, sentence

_STORED = {httpx2.codes.OK, httpx2.codes.CREATED, httpx2.codes.NON_AUTHORITATIVE_INFORMATION}
_LOST = {408, 502, 503, 504, *range(520, 531)}
"""Statuses of gateways and proxies: the ERP's own answer was lost on its way, or there was none."""

_GONE = (httpx2.codes.NOT_FOUND, httpx2.codes.GONE)
_GONE_CODES = (DOCUMENT_GONE, "other_reference")


def find_answer(response: httpx2.Response, reference: str, failures: HttpFailures | None = None) -> FindAnswer:
    """Return the listed documents that may have this reference; the ERP may list others too."""
    if response.status_code != httpx2.codes.OK:
        return find_failure(response, failures)
    body = json_of(response)
    listed = body.get("documents") if isinstance(body, dict) else None
    if not isinstance(listed, list) or has_error(body):
        erp = (failures or HttpFailures()).erp
        return Transient(said_in(response, f"{erp} answered without a list of documents"), is_reached=True)
    return documents_in(listed, reference)


def find_failure(response: httpx2.Response, failures: HttpFailures | None = None) -> Refused | Transient:
    """Return the failure of a search, which stores nothing: what would be unknown of a write is transient."""
    failures = failures or HttpFailures()
    failure = _failure(response, failures)
    if isinstance(failure, Exists):
        return Transient(f"{failures.erp} did not list its documents.")
    return Transient(failure.message, is_reached=failure.is_reached) if isinstance(failure, Unknown) else failure


def is_missing(response: httpx2.Response) -> bool:
    """Whether the ERP says that there is no document with the id in the address, or that it is another contract's."""
    return response.status_code in _GONE or problem_in(response).code in _GONE_CODES


def write_answer(
    response: httpx2.Response, failures: HttpFailures | None = None, number: str | None = None
) -> WriteAnswer:
    """Return whether the document was stored; Unknown in case of any doubt.

    `failures` says what a refusal means, in words that name the commitment's `number`.
    """
    failures = failures or HttpFailures()
    if not httpx2.codes.is_success(response.status_code):
        return _failure(response, failures, number)
    body = json_of(response)
    if response.status_code in _STORED and not has_error(body) and (document := document_in(body)):
        return Landed((document,))
    return _unclear(response, failures, number)


def update_answer(
    response: httpx2.Response, failures: HttpFailures | None = None, number: str | None = None
) -> WriteAnswer:
    """Return the answer to a write to an existing document: Gone if the ERP says that there is none."""
    answer = write_answer(response, failures, number)
    if not isinstance(answer, Refused):
        return answer
    return Gone(answer.failure_class, said_in(response), answer.code) if is_missing(response) else answer


def _failure(
    response: httpx2.Response, failures: HttpFailures, number: str | None = None
) -> Exists | Refused | Transient | Unknown:
    status = response.status_code
    problem, message = problem_in(response), said_in(response, f"{failures.erp} gave no reason")
    existing = problem.document.found() if problem.document else None
    if status == httpx2.codes.CONFLICT and problem.code == "duplicate_reference" and existing:
        return Exists(existing)
    if status == httpx2.codes.SERVICE_UNAVAILABLE and "retry-after" in response.headers:
        return Transient(message, problem.code, _retry_after(response))
    if not httpx2.codes.is_client_error(status) or status == httpx2.codes.REQUEST_TIMEOUT:
        return Unknown(message) if status in _LOST else _unclear(response, failures, number)
    refused = failures.refused(problem, status, message, number)
    if status == httpx2.codes.TOO_MANY_REQUESTS or refused.failure_class is FailureClass.RETRY_LATER:
        return Transient(refused.message, problem.code, _retry_after(response), is_reached=True)
    return refused


def _unclear(response: httpx2.Response, failures: HttpFailures, number: str | None) -> Unknown:
    """The ERP has answered completely, but showed no document; its words say why, or at least its status does."""
    status, problem = response.status_code, problem_in(response)
    message = said_in(response, _without_words(response, failures.erp))
    if httpx2.codes.is_success(status) and not has_error(json_of(response)) and words_of(response):
        message = sentence(f"{failures.erp} answered without a document: {message}")
    is_reached = not httpx2.codes.is_server_error(status)  # a server that fails for all is spared by the circuit
    refused = failures.refused(problem, problem.status or status, message, number)
    return Unknown(message, refused, is_reached=is_reached)


def _without_words(response: httpx2.Response, erp: str) -> str:
    """Return what an answer means that says nothing itself."""
    if response.status_code == httpx2.codes.ACCEPTED:
        return f"{erp} took it for later and showed no document"
    if httpx2.codes.is_redirect(response.status_code) and (location := response.headers.get("location")):
        return one_line(f"{erp} redirects to {re.split('[?#]', location)[0]}")  # the rest may hold tokens
    if httpx2.codes.is_success(response.status_code):
        return f"{erp} answered without a document"
    return f"{erp} gave no reason"


def _retry_after(response: httpx2.Response) -> float:
    return retry_after_seconds(response.headers.get_list("retry-after"), datetime.now(UTC))
