"""What an answer of Tryton's JSON-RPC means: a result, certainly not stored, refused, or unknown.

Tryton rolls its transaction back before it answers with an error of its own kinds, so such an answer to a write means
that nothing was stored. Any other error may also come from the commit itself, or from what follows it.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import httpx2

from services.exporter.connectors.failure_table import FailureTable
from services.exporter.connectors.http_body import text_of
from services.exporter.connectors.http_words import said_in
from services.exporter.connectors.retry_after import retry_after_seconds
from services.exporter.connectors.types import Refused, Transient, Unknown
from services.exporter.connectors.wording import one_line, sentence

FAILURES = FailureTable.of_package("services.exporter.connectors", "tryton.failures.toml")
RATE_LIMIT_SECONDS = 300.0
"""How long Tryton counts failed attempts to sign in, unless its configuration says otherwise."""

_LOST = {408, 502, 503, 504, *range(520, 531)}
_ROLLED_BACK = ("UserError", "UserWarning", "LoginException")
_CONCURRENCY = "ConcurrencyException"


@dataclass(frozen=True, slots=True)
class Result:
    """What a method returned; its changes are committed."""

    value: Any


class Stopped(Exception):  # noqa: N818 - it carries an answer, which need not be an error
    """An operation cannot go on; `answer` is what the exporter gets."""

    def __init__(self, answer: Refused | Transient | Unknown) -> None:
        super().__init__(answer.message)
        self.answer = answer


def answer_of(response: httpx2.Response, table: FailureTable) -> Result | Refused | Transient | Unknown:
    """Return what the response to any call but the sign-in means for a write; Unknown in case of any doubt."""
    status = response.status_code
    if status == httpx2.codes.OK:
        return _rpc_answer(response, table)
    message = said_in(response, "Tryton gave no reason")
    if status == httpx2.codes.TOO_MANY_REQUESTS:
        return Transient(message, "rate_limit", _retry_after(response) or RATE_LIMIT_SECONDS, is_reached=True)
    if status == httpx2.codes.SERVICE_UNAVAILABLE and "retry-after" in response.headers:
        return Transient(message, None, _retry_after(response))
    if status in _LOST:
        return Unknown(message)
    refusal = table.refusal(f"http_{status}", message)
    if httpx2.codes.is_client_error(status):
        return refusal
    return Unknown(message, refusal, is_reached=not httpx2.codes.is_server_error(status))


def unanswered(lost: Transient | Unknown) -> Transient:
    """Return what it means for a call that only reads that no answer to it could be read: it may be asked again."""
    return lost if isinstance(lost, Transient) else Transient(lost.message, is_reached=lost.is_reached)


def without_storing(answer: Refused | Transient | Unknown) -> Refused | Transient:
    """Return `answer` to a call that only reads: what would be unknown of a write is a refusal, or transient."""
    return (answer.refusal or unanswered(answer)) if isinstance(answer, Unknown) else answer


def _rpc_answer(response: httpx2.Response, table: FailureTable) -> Result | Refused | Transient | Unknown:
    try:
        body = json.loads(text_of(response), object_hook=_unpacked)
    except (ValueError, RecursionError, InvalidOperation):
        body = None
    if not isinstance(body, dict) or not body.keys() & {"result", "error"}:
        refusal = table.refusal("no_rpc", "")
        return Unknown(refusal.message, refusal, is_reached=True)
    return _error(body["error"], table) if body.get("error") else Result(body.get("result"))


def _unpacked(member: dict[str, Any]) -> Any:
    return Decimal(member["decimal"]) if member.get("__class__") == "Decimal" else member


def _error(error: Any, table: FailureTable) -> Refused | Transient | Unknown:
    """Return what an error means; Tryton sends the name of its kind and its arguments, or an exception's text."""
    parts = error if isinstance(error, list) and error else [error]
    kind, arguments = str(parts[0]), parts[1] if len(parts) > 1 else ""
    if kind == _CONCURRENCY:
        return Transient(sentence(f"Somebody else has just changed this in Tryton: {arguments}"), kind, is_reached=True)
    if kind in _ROLLED_BACK:
        return table.refusal(kind, _words(kind, arguments))
    refusal = table.refusal("server_error", one_line(kind or _last_line(arguments)))
    return Unknown(refusal.message, refusal, is_reached=True)


def _words(kind: str, arguments: Any) -> str:
    """Return the texts of an error: message and description; a warning and a question have a name before them."""
    texts = arguments if isinstance(arguments, list) else [arguments]
    said = texts[1:3] if kind == "UserWarning" else texts[1:2] if kind == "LoginException" else texts[:2]
    return one_line(" ".join(text for text in said if isinstance(text, str)))


def _last_line(traceback: Any) -> str:
    """Return how a traceback ends: with the error itself."""
    return str(traceback).rstrip().rpartition("\n")[2]


def _retry_after(response: httpx2.Response) -> float:
    return retry_after_seconds(response.headers.get_list("retry-after"), datetime.now(UTC))
