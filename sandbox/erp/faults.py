"""What can go wrong with a call to the ERP, and what the caller then gets."""

from dataclasses import dataclass
from enum import StrEnum

from pydantic import Field

from sandbox.erp.problem import Problem
from sandbox.faults import Fault
from schemas.fields import Code, FailureClass


class Calls(StrEnum):
    """Which calls a fault is for."""

    WRITES = "writes"
    SEARCHES = "searches"
    EVERY = "every"


class ErpFaultKind(StrEnum):
    """The ways in which the ERP fails; `slow` only takes its time."""

    SLOW = "slow"
    LOSE_ANSWER = "lose_answer"
    ERROR_BEFORE_STORING = "error_before_storing"
    ERROR_AFTER_STORING = "error_after_storing"
    REFUSE = "refuse"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True)
class Call:
    """What a fault may look at."""

    method: str
    reference: str | None

    @property
    def is_search(self) -> bool:
        """Whether nothing is to be written."""
        return self.method == "GET"


class ErpFault(Fault):
    """A fault; every kind waits `seconds` before it does anything, and may be for one reference only."""

    kind: ErpFaultKind
    calls: Calls = Calls.WRITES
    reference: str | None = None
    seconds: float = Field(default=0, ge=0, le=600)
    code: Code = "refused"
    failure_class: FailureClass = FailureClass.FIX_DATA
    message: str = "The ERP was told to refuse this."
    retry_after_seconds: int = Field(default=1, ge=0)

    def fits(self, call: Call) -> bool:
        """Whether this fault happens to `call`."""
        is_meant = self.calls == Calls.EVERY or (self.calls == Calls.SEARCHES) == call.is_search
        return is_meant and self.reference in (None, call.reference)

    @property
    def instead(self) -> Problem | None:
        """What is answered without doing anything; None where the call is carried out."""
        match self.kind:
            case ErpFaultKind.REFUSE:
                return Problem(422, self.code, "Refused", self.message, self.failure_class)
            case ErpFaultKind.UNAVAILABLE:
                return Problem(503, "unavailable", "The ERP is down for maintenance", "Nothing was stored.")
            case ErpFaultKind.ERROR_BEFORE_STORING:
                return BROKEN
            case _:
                return None


BROKEN = Problem(500, "internal", "Something went wrong", "It is not known whether anything was stored.")
