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
    LOSE_ANSWER = "lose_answer"
    ERROR_BEFORE_STORING = "error_before_storing"
    ERROR_AFTER_STORING = "error_after_storing"
    REFUSE = "refuse"
    UNAVAILABLE = "unavailable"


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
        is_kind_of_call = self.calls == Calls.EVERY or (self.calls == Calls.SEARCHES) == call.is_search
        return is_kind_of_call and self.reference in (None, call.reference)

    @property
    def problem(self) -> Problem | None:
        """What is answered without carrying out the call; None if the call is carried out."""
        match self.kind:
            case ErpFaultKind.REFUSE:
                return Problem(422, self.code, "Refused", self.message, self.failure_class)
            case ErpFaultKind.UNAVAILABLE:
                return Problem(503, "unavailable", "The ERP is down for maintenance", "Nothing was stored.")
            case ErpFaultKind.ERROR_BEFORE_STORING:
                return INTERNAL_ERROR
            case _:
                return None


INTERNAL_ERROR = Problem(500, "internal", "Something went wrong", "It is not known whether anything was stored.")
