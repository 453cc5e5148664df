"""The circuit breaker of one ERP connection: when calls are held back, and how they resume."""

import math
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from services.exporter.connectors.protocol import ConnectionSettings
from services.exporter.connectors.types import FindAnswer, ReadAnswer, Transient, Unknown, WriteAnswer
from services.exporter.connectors.wording import one_line
from services.exporter.rules.call_rate import CALLS_PER_EXPORT, CallRate
from services.exporter.rules.policy import backoff_seconds
from services.exporter.rules.spread import spread

CONTACT_PRECISION = timedelta(seconds=5)
"""`last_contact` changes at most this often, so that not every call writes the connection's row."""

MAX_PAUSE_SECONDS = 300.0
MAX_RETRY_AFTER_SECONDS = 86_400.0
_PAUSE_SPREAD = 0.25
_FURTHEST = timedelta(seconds=2 * MAX_RETRY_AFTER_SECONDS)


@dataclass(frozen=True, slots=True)
class CircuitPolicy:
    """The limits of one connection; the pause of an open circuit doubles with each trial."""

    name: str = ""
    max_in_flight: int = 16
    max_missed_calls: int = 5
    pause_seconds: float = 10.0
    rate: CallRate | None = None

    def pause(self, trials: int) -> timedelta:
        """How long to wait for the next trial after so many of them failed; several connections do not wait alike."""
        most = max(MAX_PAUSE_SECONDS, self.pause_seconds)
        seconds = backoff_seconds(trials + 1, self.pause_seconds, most)
        return timedelta(seconds=spread(seconds, f"{self.name}/{trials}", _PAUSE_SPREAD))


def circuit_policy(settings: ConnectionSettings) -> CircuitPolicy:
    """The limits in a connection's settings."""
    rate = CallRate(settings.max_calls_per_minute) if settings.max_calls_per_minute else None
    return CircuitPolicy(settings.name, settings.max_in_flight, settings.max_missed_calls, settings.pause_seconds, rate)


@dataclass(frozen=True, slots=True)
class Heard:
    """What the calls of one attempt showed of the ERP: whether it answered the last one, and what it asked for."""

    is_reached: bool
    retry_after_seconds: float = 0.0
    message: str | None = None

    @classmethod
    def of(cls, answer: FindAnswer | ReadAnswer | WriteAnswer) -> "Heard":
        """What one answer shows."""
        if isinstance(answer, Unknown):
            return cls(answer.is_reached, message=one_line(answer.message))
        if not isinstance(answer, Transient):
            return cls(is_reached=True)
        seconds = answer.retry_after_seconds
        bounded = 0.0 if math.isnan(seconds) else min(max(seconds, 0.0), MAX_RETRY_AFTER_SECONDS)
        return cls(answer.is_reached, bounded, one_line(answer.message))


@dataclass(frozen=True, slots=True)
class Circuit:
    """How the last calls to one ERP went. While the circuit is open, one trial call is allowed at `try_at`."""

    missed_calls: int = 0
    """Calls in a row without an answer."""

    open_since: datetime | None = None
    try_at: datetime | None = None
    trials: int = 0
    """Trials since the circuit opened; after it has closed, until the ERP has recovered."""

    allowed: int | None = None
    """How many calls may run at the same time while the ERP recovers; None for as many as the connection's limit."""

    paused_until: datetime | None = None
    """The ERP asked to be left alone until then."""

    reason: str | None = None
    """Why calls are held back: what the last call without an answer, or the ERP itself, said."""

    last_contact: datetime | None = None
    full_at: datetime | None = None
    """With a limit of calls per minute: when the bucket of calls is full again."""

    def is_held_back(self, now: datetime) -> bool:
        """Whether the ERP is down, or has asked to be left alone: no export is to blame then."""
        return self.open_since is not None or (self.paused_until is not None and self.paused_until > now)

    def next_call(self, now: datetime) -> datetime | None:
        """When the next call may begin; None if calls are not held back."""
        if not self.is_held_back(now):
            return None
        trial = self.try_at if self.open_since is not None else None
        return max((each for each in (trial, self.paused_until) if each), default=None)


def plausible(circuit: Circuit, now: datetime) -> Circuit:
    """The circuit as it was stored, without times that nobody can have meant: those over two days ahead.

    After a clock that was set back, or with a damaged row, they would hold back calls for years. The longest pause is a
    day, counted by a process whose `now` may be a little later.
    """
    last = now + _FURTHEST
    if all(each is None or each <= last for each in (circuit.try_at, circuit.paused_until, circuit.full_at)):
        return circuit
    try_at, paused_until, full_at = (
        each if each is not None and each <= last else None
        for each in (circuit.try_at, circuit.paused_until, circuit.full_at)
    )
    return replace(circuit, try_at=try_at, paused_until=paused_until, full_at=full_at)


def free_calls(circuit: Circuit, in_flight: int, policy: CircuitPolicy, now: datetime) -> int:
    """How many exports may be taken up now: what the limits leave, or one as a trial while the circuit is open."""
    if circuit.paused_until is not None and circuit.paused_until > now:
        return 0
    free = max(_calls_at_a_time(circuit, policy, now) - in_flight, 0)
    if policy.rate is None:
        return free
    return min(free, policy.rate.free_calls(circuit.full_at, now) // CALLS_PER_EXPORT)


def may_hand_on(circuit: Circuit, policy: CircuitPolicy, now: datetime) -> bool:
    """Whether an export may take the place of one that has ended, without a look at what else is under way."""
    return policy.rate is None and circuit.allowed is None and not circuit.is_held_back(now)


def _calls_at_a_time(circuit: Circuit, policy: CircuitPolicy, now: datetime) -> int:
    """A trial begins only once no other call is under way, and is the only one."""
    if circuit.open_since is not None:
        return 1 if circuit.try_at is None or circuit.try_at <= now else 0
    return policy.max_in_flight if circuit.allowed is None else min(circuit.allowed, policy.max_in_flight)


def earliest_call(circuit: Circuit, due_at: datetime, policy: CircuitPolicy, now: datetime) -> datetime:
    """When the call for an export that is due at `due_at` may begin: not while calls are held back."""
    trial = circuit.try_at if circuit.open_since is not None else None
    refilled = policy.rate.free_at(circuit.full_at, CALLS_PER_EXPORT, now) if policy.rate else None
    return max(each for each in (due_at, trial, circuit.paused_until, refilled) if each is not None)


def start_trial(circuit: Circuit, now: datetime, policy: CircuitPolicy) -> Circuit:
    """The circuit when a call begins: if it is open, this is a trial."""
    if circuit.open_since is None:
        return circuit
    return replace(circuit, trials=circuit.trials + 1, try_at=now + policy.pause(circuit.trials))


def charged(circuit: Circuit, calls: int, policy: CircuitPolicy, now: datetime) -> Circuit:
    """The circuit after `calls` more than were charged were begun, or fewer if negative; without a limit, as it was."""
    if policy.rate is None or calls == 0:
        return circuit
    return replace(circuit, full_at=policy.rate.charge(circuit.full_at, calls, now))


def after_call(circuit: Circuit, heard: Heard, policy: CircuitPolicy, now: datetime) -> Circuit:
    """The circuit after a call: nearer to open if it was not answered; and paused for as long as the ERP asks."""
    after = record_answer(circuit, now, policy) if heard.is_reached else record_missed_call(circuit, heard, policy, now)
    if heard.retry_after_seconds <= 0:
        return after
    asked_for = now + timedelta(seconds=heard.retry_after_seconds)
    return replace(
        after, paused_until=max(asked_for, circuit.paused_until or asked_for), reason=heard.message, allowed=1
    )


def record_answer(circuit: Circuit, now: datetime, policy: CircuitPolicy) -> Circuit:
    """The circuit after the ERP answered: closed. After an outage, each answer allows one more call at a time."""
    is_recent = circuit.last_contact is not None and abs(now - circuit.last_contact) < CONTACT_PRECISION
    last_contact = circuit.last_contact if is_recent else now
    is_paused = circuit.paused_until is not None and circuit.paused_until > now
    closed = Circuit(last_contact=last_contact, full_at=circuit.full_at)
    if is_paused:
        return replace(closed, paused_until=circuit.paused_until, reason=circuit.reason, allowed=1)
    allowed = 2 if circuit.open_since is not None else (circuit.allowed or policy.max_in_flight) + 1
    if allowed > policy.max_in_flight:
        return closed
    return replace(closed, trials=circuit.trials, allowed=allowed)


def record_missed_call(circuit: Circuit, heard: Heard, policy: CircuitPolicy, now: datetime) -> Circuit:
    """The circuit after a call without an answer: open after `max_missed_calls` of them in a row."""
    missed_calls = min(circuit.missed_calls + 1, policy.max_missed_calls)
    missed = replace(circuit, missed_calls=missed_calls, reason=heard.message)
    if missed_calls < policy.max_missed_calls:
        return missed
    return replace(missed, open_since=circuit.open_since or now, try_at=now + policy.pause(circuit.trials), allowed=1)
