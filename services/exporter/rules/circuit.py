"""The circuit breaker of one ERP connection."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

CONTACT_PRECISION = timedelta(seconds=5)
"""`last_contact` changes at most this often, so that not every call writes the connection's row."""


@dataclass(frozen=True, slots=True)
class Circuit:
    """How the last calls went. While the circuit is open, one trial call is allowed at `try_at`."""

    missed_calls: int = 0
    """Calls in a row without an answer."""

    open_since: datetime | None = None
    try_at: datetime | None = None
    last_contact: datetime | None = None


def free_calls(circuit: Circuit, in_flight: int, max_in_flight: int, now: datetime) -> int:
    """How many calls may begin now: what the limit leaves, or one trial call while the circuit is open."""
    if circuit.open_since is None:
        return max(max_in_flight - in_flight, 0)
    return 1 if circuit.try_at is None or circuit.try_at <= now else 0


def earliest_call(circuit: Circuit, due_at: datetime) -> datetime:
    """When the call for an export that is due at `due_at` may begin: not before the next trial of an open circuit."""
    if circuit.open_since is None or circuit.try_at is None:
        return due_at
    return max(due_at, circuit.try_at)


def start_trial(circuit: Circuit, now: datetime, pause_seconds: float) -> Circuit:
    """The circuit when a call begins: if it is open, no other call may begin for `pause_seconds`."""
    if circuit.open_since is None:
        return circuit
    return replace(circuit, try_at=now + timedelta(seconds=pause_seconds))


def record_answer(circuit: Circuit, now: datetime) -> Circuit:
    """The circuit after the ERP answered: closed."""
    is_recent = circuit.last_contact is not None and now - circuit.last_contact < CONTACT_PRECISION
    return Circuit(last_contact=circuit.last_contact if is_recent else now)


def record_missed_call(circuit: Circuit, now: datetime, max_missed_calls: int, pause_seconds: float) -> Circuit:
    """The circuit after a call without an answer: open after `max_missed_calls` of them in a row."""
    missed_calls = min(circuit.missed_calls + 1, max_missed_calls)
    if missed_calls < max_missed_calls:
        return replace(circuit, missed_calls=missed_calls)
    open_since, try_at = circuit.open_since or now, now + timedelta(seconds=pause_seconds)
    return replace(circuit, missed_calls=missed_calls, open_since=open_since, try_at=try_at)
