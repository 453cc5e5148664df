"""The faults that the ERP can inject, and what the caller then gets."""

from dataclasses import dataclass
from enum import StrEnum

from pydantic import Field

from sandbox.erp.problem import Problem
from sandbox.faults import Fault
from schemas.fields import Code, FailureClass

SLOWEST_SECONDS = 15.0
"""The longest delay of a call: a demo has to wait that long before it knows that nothing was stored."""


class Calls(StrEnum):
    """Which calls a fault hits."""

    WRITES = "writes"
    SEARCHES = "searches"
    EVERY = "every"


class ErpFaultKind(StrEnum):
    """The ways in which a call can fail; `slow` only delays it."""

    SLOW = "slow"
    LATE_ANSWER = "late_answer"
    RESET_CONNECTION = "reset_connection"
    LOSE_REQUEST = "lose_request"
    LOSE_ANSWER = "lose_answer"
    ERROR_BEFORE_STORING = "error_before_storing"
    ERROR_AFTER_STORING = "error_after_storing"
    BAD_GATEWAY_BEFORE = "bad_gateway_before"
    BAD_GATEWAY_AFTER = "bad_gateway_after"
    REFUSE = "refuse"
    UNAVAILABLE = "unavailable"
    TOO_MANY = "too_many"
    REDIRECT = "redirect"
    CONTRADICT = "contradict"
    BROKEN_JSON = "broken_json"
    NOT_JSON = "not_json"
    WRONG_TYPE = "wrong_type"
    HUGE_ANSWER = "huge_answer"
    ENDLESS_ANSWER = "endless_answer"
    STORE_TWICE = "store_twice"
    SHORTEN_REFERENCE = "shorten_reference"


CUT = {ErpFaultKind.LOSE_REQUEST, ErpFaultKind.LOSE_ANSWER, ErpFaultKind.STORE_TWICE}
"""The connection is cut instead of an answer."""

_OF_NEW_DOCUMENTS = {ErpFaultKind.STORE_TWICE, ErpFaultKind.SHORTEN_REFERENCE}
"""They hit nothing but calls that create a document."""

ASKS_TO_WAIT = {ErpFaultKind.UNAVAILABLE, ErpFaultKind.TOO_MANY}


@dataclass(frozen=True)
class Call:
    """What decides whether a fault hits a call."""

    method: str
    reference: str | None

    @property
    def is_search(self) -> bool:
        """Whether the call only reads."""
        return self.method == "GET"


class ErpFault(Fault):
    """A fault; every kind waits `seconds` first, and can be limited to one reference."""

    kind: ErpFaultKind
    calls: Calls = Calls.WRITES
    reference: str | None = None
    seconds: float = Field(default=0, ge=0, le=SLOWEST_SECONDS)
    code: Code = "refused"
    failure_class: FailureClass = FailureClass.FIX_DATA
    message: str = "The ERP was told to refuse this."
    retry_after_seconds: int = Field(default=1, ge=0)

    def matches(self, call: Call) -> bool:
        """Whether this fault hits `call`."""
        if self.kind == ErpFaultKind.RESET_CONNECTION:
            return False  # it hits a connection, of which no call is read
        return self._is_for(call) and self.reference in (None, call.reference)

    @property
    def seconds_before(self) -> float:
        """How long it waits before the call is carried out."""
        return 0 if self.kind == ErpFaultKind.LATE_ANSWER else self.seconds

    @property
    def seconds_after(self) -> float:
        """How long it waits before the answer."""
        return self.seconds - self.seconds_before

    @property
    def problem(self) -> Problem | None:
        """What is answered without carrying out the call; None if the call is carried out, or is contradicted."""
        if self.kind == ErpFaultKind.REFUSE:
            return Problem(422, self.code, "Refused", self.message, self.failure_class)
        return _NOT_CARRIED_OUT.get(self.kind)

    def _is_for(self, call: Call) -> bool:
        if self.kind in _OF_NEW_DOCUMENTS:
            return call.method == "POST"
        return self.calls == Calls.EVERY or (self.calls == Calls.SEARCHES) == call.is_search


INTERNAL_ERROR = Problem(500, "internal", "Something went wrong", "It is not known whether anything was stored.")
BAD_GATEWAY = Problem(502, "bad_gateway", "Bad gateway", "The gateway before the ERP got no answer.")
_NOT_CARRIED_OUT = {
    ErpFaultKind.UNAVAILABLE: Problem(503, "unavailable", "The ERP is down for maintenance", "Nothing was stored."),
    ErpFaultKind.TOO_MANY: Problem(429, "too_many", "Too many calls", "Nothing was stored."),
    ErpFaultKind.ERROR_BEFORE_STORING: INTERNAL_ERROR,
    ErpFaultKind.BAD_GATEWAY_BEFORE: BAD_GATEWAY,
    ErpFaultKind.LOSE_REQUEST: Problem(502, "lost", "The request was lost", "Nobody reads this."),
    ErpFaultKind.REDIRECT: Problem(302, "signed_out", "Sign in first"),
}
