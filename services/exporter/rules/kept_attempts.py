"""What is kept of an attempt, for those who ask why an export is where it is."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import assert_never
from uuid import UUID

from schemas.story import AttemptKind
from services.exporter.connectors.types import Landed, Refused, Transient, Unknown
from services.exporter.rules.export import CommitmentExports, Export, ExportState
from services.exporter.rules.outcome import (
    AttemptOutcome,
    Broken,
    ConnectionGone,
    DocumentGone,
    NotRepeated,
    NotSent,
    Overruled,
    Unconfirmed,
    Undecided,
    WrongEvidence,
    WrongTerms,
)
from services.exporter.rules.settling import PROCESS_ENDED


@dataclass(frozen=True, slots=True)
class KeptAttempt:
    """One attempt under one lease: what the ERP answered, in its own words, and when the next one is due.

    `calls` is 0 also where nobody knows how many there were, since the process ended in the middle of the attempt.
    """

    commitment_id: str
    token: UUID
    company_id: str
    revision: int
    round: int
    connection: str | None
    outcome: AttemptKind
    is_probe: bool
    calls: int
    code: str | None
    message: str | None
    ended_at: datetime
    next_at: datetime | None


def kept_attempt(
    before: Export, after: Export, token: UUID, outcome: AttemptOutcome, calls: int, now: datetime
) -> KeptAttempt | None:
    """What is kept of an attempt that ended with `outcome`; None if it asked nobody and decided nothing.

    It was a probe if the export was in doubt before.
    """
    if isinstance(outcome, NotSent):
        return None
    return KeptAttempt(
        commitment_id=after.commitment_id,
        token=token,
        company_id=after.company_id,
        revision=after.revision,
        round=before.round,
        connection=after.connection,
        outcome=_kind(outcome),
        is_probe=before.state is ExportState.IN_DOUBT,
        calls=calls,
        code=_code(outcome),
        message=_message(outcome),
        ended_at=now,
        next_at=after.due_at,
    )


def abandoned_attempt(before: CommitmentExports, now: datetime) -> KeptAttempt | None:
    """What is kept of the attempt whose lease has expired when the export is leased again `now`; None without one."""
    if before.lease is None:
        return None
    export = before.by_revision[before.lease.revision]
    kept = kept_attempt(export, export, before.lease.token, Unknown(PROCESS_ENDED), 0, now)
    return kept and replace(kept, next_at=None)  # the next one begins now


def _kind(outcome: AttemptOutcome) -> AttemptKind:
    match outcome:
        case Landed():
            return AttemptKind.IN_ERP
        case Refused() | DocumentGone() | ConnectionGone() | WrongTerms() | NotRepeated():
            return AttemptKind.FAILED
        case Transient() | Broken():
            return AttemptKind.PUT_OFF
        case Unknown():
            return AttemptKind.ANSWER_LOST
        case Undecided() | Unconfirmed() | WrongEvidence():
            return AttemptKind.NOT_DECIDED
        case Overruled() | NotSent():
            return AttemptKind.NOT_WRITTEN
        case _:
            assert_never(outcome)


def _message(outcome: AttemptOutcome) -> str | None:
    match outcome:
        case Landed(documents):
            return ", ".join(document.name for document in documents)
        case NotRepeated(refused):
            return refused.message
        case Undecided(asked) | Unconfirmed(asked):
            return asked
        case Overruled() | NotSent():
            return None
        case _:
            return outcome.message


def _code(outcome: AttemptOutcome) -> str | None:
    match outcome:
        case Refused(code=code) | Transient(code=code) | WrongTerms(code=code) | NotRepeated(Refused(code=code)):
            return code
        case Unknown(refusal=Refused(code=code)):
            return code
        case _:
            return None
