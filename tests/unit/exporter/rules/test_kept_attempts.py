"""What is kept of an attempt: its kind, what the ERP said, and when the next one is due."""

from dataclasses import replace
from uuid import UUID

import pytest

from schemas.commitment import ErpDocument
from schemas.fields import FailureClass
from schemas.story import AttemptKind
from services.exporter.connectors.types import FoundDocument, Landed, Refused, Transient, Unknown
from services.exporter.rules.event_handlers import accepted
from services.exporter.rules.export import CommitmentExports, ExportState
from services.exporter.rules.kept_attempts import KeptAttempt, abandoned_attempt, kept_attempt
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
from services.exporter.rules.policy import RetryPolicy
from services.exporter.rules.settling import PROCESS_ENDED, begin_attempt
from tests.unit.exporter.builders import NOW, SOON, accepted_event

TOKEN = UUID(int=1)
LATER = NOW + 2 * SOON
EXPORT = accepted(CommitmentExports("c-1"), accepted_event(), NOW, "main").state.by_revision[1]
DOCUMENT = ErpDocument(connection="main", id="d-1", number="PO-1")
LOCKED = Refused(FailureClass.RETRY_LATER, "The record is locked.", "3176")
KINDS: list[tuple[AttemptOutcome, AttemptKind, str | None, str | None]] = [
    (Landed((FoundDocument("d-1", "PO-1"), FoundDocument("d-2"))), AttemptKind.IN_ERP, None, "PO-1, ID d-2"),
    (LOCKED, AttemptKind.FAILED, "3176", "The record is locked."),
    (NotRepeated(LOCKED), AttemptKind.FAILED, "3176", "The record is locked."),
    (DocumentGone(DOCUMENT, "It is gone."), AttemptKind.FAILED, None, "It is gone."),
    (WrongTerms("period_closed", "Closed."), AttemptKind.FAILED, "period_closed", "Closed."),
    (Transient("Busy.", "3180"), AttemptKind.PUT_OFF, "3180", "Busy."),
    (Broken("A defect."), AttemptKind.PUT_OFF, None, "A defect."),
    (Unknown("Reset.", LOCKED), AttemptKind.ANSWER_LOST, "3176", "Reset."),
    (Unknown("Reset."), AttemptKind.ANSWER_LOST, None, "Reset."),
    (Undecided("Not there yet."), AttemptKind.NOT_DECIDED, None, "Not there yet."),
    (Unconfirmed("A second one."), AttemptKind.NOT_DECIDED, None, "A second one."),
    (WrongEvidence("Another's."), AttemptKind.NOT_DECIDED, None, "Another's."),
    (Overruled(), AttemptKind.NOT_WRITTEN, None, None),
]


def begun(token: UUID) -> CommitmentExports:
    waiting = accepted(CommitmentExports("c-1"), accepted_event(), NOW, "main").state
    return begin_attempt(waiting, token, NOW + SOON, RetryPolicy(), NOW)


def kept(outcome: AttemptOutcome, *, was: ExportState = ExportState.IN_FLIGHT) -> KeptAttempt | None:
    after = EXPORT.moved_to(ExportState.PENDING, NOW, due_at=NOW + SOON)
    return kept_attempt(replace(EXPORT, state=was), after, TOKEN, outcome, 2, NOW)


@pytest.mark.parametrize(("outcome", "kind", "code", "message"), KINDS, ids=lambda each: type(each).__name__)
def test_every_outcome_is_kept_in_the_words_of_the_erp(
    outcome: AttemptOutcome, kind: AttemptKind, code: str | None, message: str | None
) -> None:
    found = kept(outcome)
    assert found is not None
    assert (found.outcome, found.code, found.message) == (kind, code, message)
    assert (found.calls, found.ended_at, found.next_at, found.is_probe) == (2, NOW, NOW + SOON, False)


def test_an_erp_that_was_left_is_kept_as_a_failure() -> None:
    found = kept(ConnectionGone(DOCUMENT, "SC-014"))
    assert found is not None
    assert found.message == "PO-1, the document of SC-014, is in main, which is no longer configured."


def test_what_asks_about_a_lost_answer_is_a_probe() -> None:
    found = kept(Undecided("Not there yet."), was=ExportState.IN_DOUBT)
    assert found is not None
    assert found.is_probe


def test_an_attempt_that_asked_nobody_is_not_kept() -> None:
    assert kept(NotSent()) is None


def test_an_attempt_whose_process_ended_is_kept_as_a_lost_answer() -> None:
    leased = begun(TOKEN)
    found = abandoned_attempt(leased, LATER)
    assert found is not None
    assert (found.token, found.outcome, found.is_probe) == (TOKEN, AttemptKind.ANSWER_LOST, False)
    assert (found.message, found.calls, found.ended_at, found.next_at) == (PROCESS_ENDED, 0, LATER, None)
    probing = abandoned_attempt(begin_attempt(leased, UUID(int=2), LATER + SOON, RetryPolicy(), LATER), LATER)
    assert probing is not None
    assert (probing.token, probing.is_probe) == (UUID(int=2), True)


def test_without_a_lease_no_attempt_was_abandoned() -> None:
    assert abandoned_attempt(replace(begun(TOKEN), lease=None), LATER) is None
