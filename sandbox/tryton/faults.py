"""The faults of a network, and of a proxy, between Countersign and Tryton."""

from dataclasses import dataclass
from enum import StrEnum

from pydantic import Field

from sandbox.erp.faults import Calls
from sandbox.faults import Fault

WRITES = ("create", "write", "delete")


class TrytonFaultKind(StrEnum):
    """The ways in which a call can fail; `slow` only delays it, before Tryton gets it."""

    SLOW = "slow"
    LATE_ANSWER = "late_answer"
    LOSE_REQUEST = "lose_request"
    LOSE_ANSWER = "lose_answer"
    BAD_GATEWAY_BEFORE = "bad_gateway_before"
    BAD_GATEWAY_AFTER = "bad_gateway_after"
    UNAVAILABLE = "unavailable"
    TOO_MANY = "too_many"
    REFUSE = "refuse"


BEFORE_TRYTON = {
    TrytonFaultKind.LOSE_REQUEST,
    TrytonFaultKind.BAD_GATEWAY_BEFORE,
    TrytonFaultKind.UNAVAILABLE,
    TrytonFaultKind.TOO_MANY,
    TrytonFaultKind.REFUSE,
}
"""Tryton does not get calls with these faults."""
CUT = {TrytonFaultKind.LOSE_REQUEST, TrytonFaultKind.LOSE_ANSWER}
STATUSES = {
    TrytonFaultKind.BAD_GATEWAY_BEFORE: 502,
    TrytonFaultKind.BAD_GATEWAY_AFTER: 502,
    TrytonFaultKind.UNAVAILABLE: 503,
    TrytonFaultKind.TOO_MANY: 429,
}


@dataclass(frozen=True, slots=True)
class RpcCall:
    """What decides whether a fault hits a call: its method, and the reference of the purchase that it is about."""

    method: str
    reference: str | None

    @property
    def is_write(self) -> bool:
        """Whether the call changes a purchase."""
        model, _, name = self.method.rpartition(".")
        return model == "model.purchase.purchase" and name in WRITES

    @property
    def is_search(self) -> bool:
        """Whether the call reads; signing in is neither a search nor a write."""
        return self.method.startswith("model.") and not self.is_write


class TrytonFault(Fault):
    """A fault; every kind waits `seconds` first, or before the answer if that is late."""

    kind: TrytonFaultKind
    calls: Calls = Calls.WRITES
    reference: str | None = None
    seconds: float = Field(default=0, ge=0, le=600)
    message: str = "Tryton was told to refuse this."
    retry_after_seconds: int = Field(default=1, ge=0)

    def matches(self, call: RpcCall) -> bool:
        """Whether this fault hits `call`."""
        is_kind = {Calls.EVERY: True, Calls.WRITES: call.is_write, Calls.SEARCHES: call.is_search}[self.calls]
        return is_kind and self.reference in (None, call.reference)
