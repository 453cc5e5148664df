"""What an approver's answer does, and how a refused one is explained."""

from collections.abc import Sequence
from datetime import date, timedelta
from functools import partial

import pytest

from schemas.commitment import Person
from schemas.envelope import Event
from schemas.events import CommitmentStatus, DecisionAccepted, DecisionRejected, DecisionResolved, EventData
from schemas.examples.cast import DANA, KIM
from schemas.fields import Status
from schemas.snapshot import Snapshot
from services.approval.rules.answers import (
    Accept,
    AlreadyGranted,
    Answer,
    AnswerResult,
    Blocked,
    Conflict,
    Granted,
    Reject,
    Retry,
    Settle,
)
from services.approval.rules.commands import AnswerContext, carry_out
from services.approval.rules.commitment import CommitmentFacts
from services.approval.rules.finding import Finding
from services.approval.rules.rows import HistoryEntry
from tests.unit.approval.rules.event_builders import (
    CHICAGO,
    EXPORTING,
    FAILED,
    IN_DOUBT,
    NOW,
    A,
    B,
    accepted,
    after,
    document,
    document_by_number,
    failed,
    in_doubt,
    rejected,
    resolved,
    retrieved,
    sent,
    succeeded,
)

LATER = NOW + timedelta(minutes=5)


def carry_out_by(
    by: Person,
    facts: CommitmentFacts,
    answer: Answer,
    snapshot: Snapshot | None = A,
    findings: Sequence[Finding] = (),
) -> AnswerResult:
    return carry_out(facts, answer, AnswerContext(by, CHICAGO, LATER), snapshot=snapshot, findings=findings)


def accept(facts: CommitmentFacts, revision: int = 1, content: Snapshot = A, by: Person = DANA) -> AnswerResult:
    answer = Accept(revision=revision, content_hash=content.content_hash, note="Go.")
    return carry_out_by(by, facts, answer, content)


def reject(
    facts: CommitmentFacts, reason: str = "Use 03-310.", content: Snapshot = A, by: Person = DANA
) -> AnswerResult:
    return carry_out_by(by, facts, Reject(revision=1, content_hash=content.content_hash, reason=reason))


def retry(facts: CommitmentFacts, failed_round: int = 1, content: Snapshot | None = A) -> AnswerResult:
    return carry_out_by(DANA, facts, Retry(revision=1, round=failed_round), content)


def settle_as_absent(facts: CommitmentFacts, round_in_doubt: int = 1) -> AnswerResult:
    return carry_out_by(DANA, facts, Settle(revision=1, round=round_in_doubt, note="No such PO."))


def settle_as_present(
    facts: CommitmentFacts, round_in_doubt: int = 1, number: str = "PO-1001", objection: str = ""
) -> AnswerResult:
    answer = Settle(revision=1, round=round_in_doubt, document=document(number), note="Seen.")
    return carry_out(facts, answer, AnswerContext(DANA, CHICAGO, LATER), objection=objection)


def published(result: AnswerResult) -> tuple[EventData, CommitmentStatus]:
    """The decision of a granted answer, and the status that was published with it."""
    assert isinstance(result, Granted)
    decision, status = (event.data for event in result.decided.publish)
    assert isinstance(status, CommitmentStatus)
    return decision, status


def facts_after(result: AnswerResult) -> CommitmentFacts:
    assert isinstance(result, Granted)
    return result.decided.state


def explanation(result: AnswerResult) -> str:
    assert isinstance(result, Conflict)
    return result.explanation


def test_accepting_orders_the_export_of_exactly_what_was_read() -> None:
    decision, status = published(accept(after(sent())))
    assert isinstance(decision, DecisionAccepted)
    assert (decision.revision, decision.round, decision.content_hash) == (1, 1, A.content_hash)
    assert (decision.commitment, decision.decided_by, decision.note) == (A, DANA, "Go.")
    assert status.status is Status.EXPORTING


def test_an_answer_is_in_the_history_under_the_id_of_its_event() -> None:
    result = accept(after(sent()))
    assert isinstance(result, Granted)
    (entry,) = result.decided.rows
    assert isinstance(entry, HistoryEntry)
    assert (entry.event_id, entry.actor, entry.text) == (
        result.decided.publish[0].id,
        DANA,
        "Dana Ruiz accepted revision 1. Note: Go.",
    )


def test_all_events_of_an_answer_belong_to_its_trace() -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    answer = Accept(revision=1, content_hash=A.content_hash)
    result = carry_out(after(sent()), answer, AnswerContext(DANA, CHICAGO, NOW, trace), snapshot=A)
    assert isinstance(result, Granted)
    assert [event.traceparent for event in result.decided.publish] == [trace, trace]


@pytest.mark.parametrize(
    ("events", "content"),
    [
        ((sent(),), B),
        ((sent(), sent(1, B)), A),
        ((sent(), sent(2)), A),
        ((sent(), retrieved()), A),
        ((sent(), rejected()), A),
        ((sent(), accepted(by=KIM)), A),
        ((sent(), accepted(by=KIM), in_doubt()), A),
        ((sent(), accepted(by=KIM), failed()), A),
        ((sent(), accepted(by=KIM), succeeded()), A),
        ((retrieved(),), A),
    ],
)
def test_only_the_single_content_of_a_waiting_revision_is_accepted(
    events: tuple[Event[EventData], ...], content: Snapshot
) -> None:
    assert isinstance(accept(after(*events), content=content), Conflict)


def test_content_that_is_not_stored_is_not_accepted() -> None:
    answer = Accept(revision=1, content_hash=A.content_hash)
    assert isinstance(carry_out_by(DANA, after(sent()), answer, None), Conflict)
    assert isinstance(carry_out_by(DANA, after(sent()), answer, B), Conflict)


def test_a_blocking_finding_prevents_acceptance_and_a_warning_does_not() -> None:
    finding = Finding("total", "SC-014 cannot be accepted.")
    warning = Finding("number", "It would be cut.", is_blocking=False)
    checked = partial(carry_out_by, DANA, after(sent()), Accept(revision=1, content_hash=A.content_hash))
    blocked = checked(findings=[warning, finding])
    assert isinstance(blocked, Blocked)
    assert blocked.findings == (finding,)
    assert isinstance(checked(findings=[warning]), Granted)


@pytest.mark.parametrize(
    ("events", "export_round"), [((sent(),), 0), ((sent(), sent(1, B)), 0), (FAILED, 1), ((*FAILED, failed(1, 2)), 2)]
)
def test_a_waiting_or_failed_revision_is_rejected_in_its_round(
    events: tuple[Event[EventData], ...], export_round: int
) -> None:
    decision, status = published(reject(after(*events)))
    assert isinstance(decision, DecisionRejected)
    assert (decision.revision, decision.round, decision.reason) == (1, export_round, "Use 03-310.")
    assert (status.status, status.editable) == (Status.REJECTED, True)


@pytest.mark.parametrize("events", [EXPORTING, IN_DOUBT, (*EXPORTING, succeeded()), (sent(), retrieved())])
def test_a_revision_that_does_not_wait_is_not_rejected(events: tuple[Event[EventData], ...]) -> None:
    assert isinstance(reject(after(*events)), Conflict)


def test_content_that_nobody_sent_is_not_rejected() -> None:
    assert isinstance(reject(after(sent()), content=B), Conflict)


def test_a_retry_is_the_next_round_of_the_approved_content() -> None:
    accepted_by_kim = Accept(
        revision=1, content_hash=A.content_hash, erp_code="4400", accounting_date=date(2026, 11, 30)
    )
    first = carry_out_by(KIM, after(sent()), accepted_by_kim)
    decision, status = published(retry(after(failed(), known=facts_after(first))))
    assert isinstance(decision, DecisionAccepted)
    assert (decision.round, decision.content_hash, decision.decided_by) == (2, A.content_hash, DANA)
    assert (decision.erp_code, decision.accounting_date) == ("4400", date(2026, 11, 30))
    assert status.status is Status.EXPORTING


@pytest.mark.parametrize(
    ("events", "failed_round", "content"),
    [
        ((sent(),), 1, A),
        (EXPORTING, 1, A),
        (IN_DOUBT, 1, A),
        (FAILED, 2, A),
        (FAILED, 1, B),
        (FAILED, 1, None),
        ((*FAILED, rejected(1, 1)), 1, A),
        ((*FAILED, sent(2)), 1, A),
        ((sent(), failed()), 1, A),
    ],
)
def test_only_the_failed_round_of_the_approved_content_is_retried(
    events: tuple[Event[EventData], ...], failed_round: int, content: Snapshot | None
) -> None:
    assert isinstance(retry(after(*events), failed_round, content), Conflict)


def test_settling_as_absent_orders_the_next_round() -> None:
    decision, status = published(settle_as_absent(after(*IN_DOUBT)))
    assert isinstance(decision, DecisionAccepted)
    assert (decision.round, decision.why, decision.note) == (2, "No such PO.", None)
    assert status.status is Status.EXPORTING


def test_an_export_settled_as_present_stays_in_doubt_until_the_exporter_confirms() -> None:
    settled = settle_as_present(after(*IN_DOUBT))
    decision, status = published(settled)
    assert isinstance(decision, DecisionResolved)
    assert (decision.round, decision.document, decision.note) == (1, document(), "Seen.")
    assert status.status is Status.IN_DOUBT
    assert isinstance(settle_as_absent(facts_after(settled)), Conflict)
    assert isinstance(settle_as_present(facts_after(settled), number="PO-1002"), Conflict)


def test_evidence_to_which_there_is_an_objection_is_not_recorded() -> None:
    assert explanation(settle_as_present(after(*IN_DOUBT), objection="It is SC-2's.")) == "It is SC-2's."


def test_the_same_evidence_again_is_granted_whatever_is_objected_by_now() -> None:
    settled = facts_after(settle_as_present(after(*IN_DOUBT)))
    assert isinstance(settle_as_present(settled, objection="It is SC-2's."), AlreadyGranted)


def test_evidence_by_number_for_a_known_document_is_granted_already() -> None:
    answer = Settle(revision=1, round=1, document=document_by_number(), note="Seen.")
    assert isinstance(carry_out_by(DANA, after(*IN_DOUBT, succeeded()), answer), AlreadyGranted)


@pytest.mark.parametrize("events", [(sent(),), EXPORTING, FAILED, (*IN_DOUBT, in_doubt(1, 2))])
def test_only_the_round_in_doubt_is_settled(events: tuple[Event[EventData], ...]) -> None:
    assert isinstance(settle_as_absent(after(*events)), Conflict)
    assert isinstance(settle_as_present(after(*events)), Conflict)


def test_the_same_answer_by_the_same_person_is_granted_once() -> None:
    assert isinstance(accept(facts_after(accept(after(sent())))), AlreadyGranted)
    assert isinstance(reject(facts_after(reject(after(sent())))), AlreadyGranted)
    assert isinstance(retry(facts_after(retry(after(*FAILED)))), AlreadyGranted)
    assert isinstance(settle_as_absent(facts_after(settle_as_absent(after(*IN_DOUBT)))), AlreadyGranted)
    assert isinstance(settle_as_present(facts_after(settle_as_present(after(*IN_DOUBT)))), AlreadyGranted)
    assert isinstance(settle_as_present(after(*IN_DOUBT, succeeded())), AlreadyGranted)


def test_a_repeated_retry_orders_no_third_round_after_the_second_failed() -> None:
    assert isinstance(retry(after(failed(1, 2), known=facts_after(retry(after(*FAILED))))), AlreadyGranted)


def test_a_different_answer_is_not_a_repetition() -> None:
    assert isinstance(reject(facts_after(reject(after(sent()))), reason="Another."), Conflict)
    assert isinstance(reject(facts_after(reject(after(sent()))), by=KIM), Conflict)
    assert isinstance(accept(facts_after(accept(after(sent()))), by=KIM), Conflict)
    assert isinstance(accept(after(*FAILED, rejected(1, 1))), Conflict)


@pytest.mark.parametrize(
    ("events", "words"),
    [
        (EXPORTING, "Dana Ruiz accepted SC-014 at 09:15. Your answer was not recorded."),
        ((*EXPORTING, succeeded()), "Dana Ruiz accepted SC-014 at 09:15. Your answer was not recorded."),
        (
            (*FAILED, accepted(1, 2)),
            "Dana Ruiz ordered another export of SC-014 at 09:15. Your answer was not recorded.",
        ),
        ((*IN_DOUBT, resolved()), "Dana Ruiz found SC-014 in the ERP at 09:15. Your answer was not recorded."),
        ((sent(), rejected()), "Dana Ruiz rejected SC-014 at 09:15. Your answer was not recorded."),
        (
            (sent(), rejected(at=NOW - timedelta(days=1))),
            "Dana Ruiz rejected SC-014 at 09:15 on 2026-11-21. Your answer was not recorded.",
        ),
        (
            (sent(), retrieved()),
            "Sam Lee retrieved SC-014 at 09:15. It no longer waits. Your answer was not recorded.",
        ),
        ((sent(), sent(3)), "SC-014 is now revision 3; you read revision 1. Nothing was exported."),
        (
            (sent(), sent(1, B)),
            "Revision 1 of SC-014 arrived twice with different content. Your answer was not recorded.",
        ),
        ((sent(1, B),), "The content of SC-014 is not the one that you read. Your answer was not recorded."),
        ((sent(), failed()), "SC-014 has been accepted. Your answer was not recorded."),
    ],
)
def test_a_conflict_explains_what_has_happened(events: tuple[Event[EventData], ...], words: str) -> None:
    assert explanation(accept(after(*events), by=KIM)) == words


def test_a_conflict_explains_that_the_revision_waits_for_an_export() -> None:
    assert explanation(accept(after(*EXPORTING, sent(2)), revision=2)) == (
        "Revision 2 of SC-014 waits for the outcome of revision 1. Your answer was not recorded."
    )


def test_a_conflict_explains_that_the_commitment_was_never_sent() -> None:
    assert explanation(accept(after(retrieved()))) == (
        "Commitment commitment-8841 has not been sent. Your answer was not recorded."
    )
