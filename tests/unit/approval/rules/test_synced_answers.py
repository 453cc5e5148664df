"""A synced commitment is exported again, unlinked, or left as the ERP has it; never by an answer to something else."""

import pytest

from schemas.commitment import Person
from schemas.events import Change, CommitmentStatus, DecisionAccepted, DecisionDriftAccepted, DecisionRejected
from schemas.examples.cast import DANA, KIM
from schemas.fields import Ribbon, Status
from services.approval.rules.answers import (
    Accept,
    AcceptDrift,
    AlreadyGranted,
    Answer,
    AnswerResult,
    Conflict,
    ExportAgain,
    Granted,
    Reject,
    Retry,
)
from services.approval.rules.commands import AnswerContext, carry_out
from services.approval.rules.commitment import CommitmentFacts, current_status
from services.approval.rules.rows import HistoryEntry
from services.approval.rules.status import locked_fields, message
from tests.unit.approval.rules.event_builders import (
    CHICAGO,
    FAILED,
    HANDLE,
    NOW,
    SYNCED,
    A,
    accepted,
    after,
    document,
    drifted,
    failed,
    in_doubt,
    rejected,
    sent,
    succeeded,
)

AGAIN = ExportAgain(revision=1, reopened=0, document="id-of-PO-1001", note="Line 2 was changed by hand.")
ANEW = AGAIN.model_copy(update={"replaces": True})
UNLINK = Reject(
    revision=1, content_hash=A.content_hash, reason="It was linked to another order.", unlinks="id-of-PO-1001"
)
LEAVE = AcceptDrift(revision=1, version=1, note="Change order 1.")


def answer_by(by: Person, facts: CommitmentFacts, answer: Answer) -> AnswerResult:
    return carry_out(facts, answer, AnswerContext(by, CHICAGO, NOW), snapshot=A)


def granted(facts: CommitmentFacts, answer: Answer) -> Granted:
    result = answer_by(DANA, facts, answer)
    assert isinstance(result, Granted)
    return result


def status_of(facts: CommitmentFacts) -> Status:
    current = current_status(facts)
    assert current is not None
    return current.status


def words(facts: CommitmentFacts) -> str:
    current = current_status(facts)
    assert current is not None
    return message(facts, current, "QuickBooks")


def history_of(result: Granted) -> str:
    (line,) = (row for row in result.decided.rows if isinstance(row, HistoryEntry))
    return line.text


def test_exporting_again_orders_the_approved_content_once_more() -> None:
    result = granted(after(*SYNCED), AGAIN)

    order = result.decided.publish[0].data
    assert isinstance(order, DecisionAccepted)
    assert (order.round, order.reopened, order.replaces, order.content_hash) == (2, 1, None, A.content_hash)
    assert (status_of(result.decided.state), result.decided.state.document) == (Status.EXPORTING, document())
    assert history_of(result) == "Dana Ruiz ordered to export revision 1 again. Note: Line 2 was changed by hand."


def test_a_new_document_takes_the_place_of_one_that_is_not_its_own() -> None:
    result = granted(after(*SYNCED), ANEW)

    assert result.decided.state.document is None
    assert history_of(result) == (
        "Dana Ruiz ordered a new document in place of PO-1001. Note: Line 2 was changed by hand."
    )
    new = after(succeeded(1, 2, "PO-1002", reopened=1), known=result.decided.state)
    assert (status_of(new), new.document, len(new.erp_ids)) == (Status.SYNCED, document("PO-1002"), 1)


def test_a_late_success_of_before_does_not_end_an_export_that_was_ordered_again() -> None:
    ordered = granted(after(*SYNCED), AGAIN).decided.state

    assert status_of(after(succeeded(1, 1), known=ordered)) is Status.EXPORTING
    assert status_of(after(in_doubt(1, 2, reopened=1), known=ordered)) is Status.IN_DOUBT
    assert status_of(after(succeeded(1, 2, reopened=1), known=ordered)) is Status.SYNCED


def test_an_export_again_that_failed_is_retried_or_rejected_like_any_other() -> None:
    ordered = granted(after(*SYNCED), AGAIN).decided.state
    broken = after(failed(1, 2, reopened=1), known=ordered)

    retried = granted(broken, Retry(revision=1, round=2)).decided
    given_back = granted(broken, UNLINK).decided

    order, rejection = retried.publish[0].data, given_back.publish[0].data
    assert isinstance(order, DecisionAccepted)
    assert isinstance(rejection, DecisionRejected)
    assert (order.round, order.reopened) == (3, 1)
    assert (rejection.round, rejection.reopened, status_of(given_back.state)) == (2, 1, Status.REJECTED)


def test_it_can_be_exported_again_more_than_once_but_each_order_counts_once() -> None:
    once = after(succeeded(1, 2, reopened=1), known=granted(after(*SYNCED), AGAIN).decided.state)

    assert isinstance(answer_by(DANA, once, AGAIN), Conflict | AlreadyGranted)
    twice = granted(once, AGAIN.model_copy(update={"reopened": 1})).decided.publish[0].data
    assert isinstance(twice, DecisionAccepted)
    assert (twice.round, twice.reopened) == (3, 2)


def test_the_same_order_again_is_granted_and_another_persons_is_not() -> None:
    ordered = granted(after(*SYNCED), AGAIN).decided.state

    assert isinstance(answer_by(DANA, ordered, AGAIN), AlreadyGranted)
    assert isinstance(answer_by(KIM, ordered, AGAIN), Conflict)
    assert isinstance(answer_by(DANA, ordered, ANEW), Conflict)


def test_unlinking_gives_the_commitment_back_with_nothing_locked() -> None:
    result = granted(after(*SYNCED), UNLINK)

    decision = result.decided.publish[0].data
    assert isinstance(decision, DecisionRejected)
    assert (decision.unlinks, decision.round, decision.reopened) == (document(), 2, 1)
    (status,) = (each.data for each in result.decided.publish if isinstance(each.data, CommitmentStatus))
    assert (status.status, status.ribbon, status.editable) == (Status.REJECTED, Ribbon.YELLOW, True)
    assert (status.locked_fields, status.erp_document) == ((), None)
    assert history_of(result) == (
        "Dana Ruiz unlinked it from PO-1001 and rejected revision 1: It was linked to another order."
    )
    again = after(sent(2), accepted(2), succeeded(2, number="PO-1002"), known=result.decided.state)
    assert (status_of(again), again.document, len(again.erp_ids)) == (Status.SYNCED, document("PO-1002"), 1)


def test_an_update_that_waits_may_be_rejected_and_unlinked_at_once() -> None:
    facts = after(*SYNCED, sent(2))

    given_back = granted(facts, UNLINK.model_copy(update={"revision": 2})).decided.state
    rejected_only = granted(facts, UNLINK.model_copy(update={"revision": 2, "unlinks": None})).decided.state

    assert (given_back.document, locked_fields(given_back)) == (None, ())
    assert rejected_only.document == document()


@pytest.mark.parametrize(
    ("facts", "answer"),
    [
        pytest.param(after(*SYNCED), UNLINK.model_copy(update={"unlinks": None}), id="reject without unlinking"),
        pytest.param(after(*SYNCED), UNLINK.model_copy(update={"unlinks": "PO-9"}), id="unlink another document"),
        pytest.param(after(*SYNCED), AGAIN.model_copy(update={"document": "PO-9"}), id="another document again"),
        pytest.param(after(*SYNCED), AGAIN.model_copy(update={"reopened": 1}), id="read at another time"),
        pytest.param(after(*SYNCED, sent(2)), AGAIN, id="a newer revision waits"),
        pytest.param(after(*FAILED), AGAIN, id="failed"),
        pytest.param(after(sent(), rejected()), UNLINK, id="rejected"),
        pytest.param(after(*SYNCED), Retry(revision=1, round=1), id="retry what is synced"),
        pytest.param(after(*SYNCED), LEAVE, id="nothing differs"),
        pytest.param(after(*SYNCED, drifted(version=2)), LEAVE, id="something else differs"),
    ],
)
def test_nothing_else_is_granted(facts: CommitmentFacts, answer: Answer) -> None:
    assert isinstance(answer_by(DANA, facts, answer), Conflict)


def test_what_differs_is_said_until_somebody_decides() -> None:
    facts = after(*SYNCED, drifted())

    assert words(facts) == (
        "SC-014 is synced with QuickBooks as PO-1001. It no longer agrees with QuickBooks: Total was USD 480,250.00, "
        "is USD 470,250.00. An accounting approver decides what is right."
    )
    assert "the ERP no longer has it" in words(after(drifted(version=2, is_missing=True), known=facts))
    assert words(after(drifted(version=2, differences=()), known=facts)) == (
        "SC-014 is synced with QuickBooks as PO-1001."
    )


def test_a_difference_that_was_accepted_is_not_said_again_until_it_is_another_one() -> None:
    result = granted(after(*SYNCED, drifted()), LEAVE)

    decision = result.decided.publish[0].data
    assert isinstance(decision, DecisionDriftAccepted)
    assert (decision.version, len(decision.differences)) == (1, 1)
    left = result.decided.state
    assert (left.open_drift, status_of(left)) == (None, Status.SYNCED)
    assert history_of(result) == (
        "Dana Ruiz left it as the ERP has it: Total was USD 480,250.00, is USD 470,250.00. Note: Change order 1."
    )
    assert after(drifted(version=5), known=left).open_drift is None
    other = (Change(field="Total", before="USD 480,250.00", after="USD 1.00"),)
    assert after(drifted(version=6, differences=other), known=left).open_drift is not None
    assert isinstance(answer_by(DANA, left, LEAVE), AlreadyGranted)


def test_a_difference_of_before_an_export_is_over() -> None:
    facts = after(*SYNCED, drifted())

    exported_again = after(succeeded(1, 2, reopened=1), known=granted(facts, AGAIN).decided.state)
    updated = after(sent(2), accepted(2), succeeded(2), known=facts)

    assert (exported_again.open_drift, updated.open_drift) == (None, None)


def test_what_was_accepted_of_one_revision_is_said_of_the_next_one() -> None:
    left = granted(after(*SYNCED, drifted()), LEAVE).decided.state

    updated = after(sent(2), accepted(2), succeeded(2), drifted(2, version=9), known=left)

    assert left.open_drift is None
    assert updated.open_drift is not None


TWO = after(*SYNCED, succeeded(number="PO-1002"))
TO_THE_SECOND = AGAIN.model_copy(update={"document": "id-of-PO-1002"})


def order_of(result: Granted) -> DecisionAccepted:
    order = result.decided.publish[0].data
    assert isinstance(order, DecisionAccepted)
    return order


@pytest.mark.parametrize("number", ["PO-1001", "PO-1002"])
def test_of_two_documents_the_chosen_one_is_written_to(number: str) -> None:
    result = granted(TWO, AGAIN.model_copy(update={"document": f"id-of-{number}"}))

    assert (order_of(result).updates, order_of(result).replaces) == (document(number), None)
    assert history_of(result) == (
        f"Dana Ruiz ordered to export revision 1 again to {number}. Note: Line 2 was changed by hand."
    )
    done = after(succeeded(1, 2, number, reopened=1), known=result.decided.state)
    assert done.document == document(number)


@pytest.mark.parametrize(("wrong", "other"), [("PO-1001", "PO-1002"), ("PO-1002", "PO-1001")])
def test_of_two_documents_the_other_is_written_to_if_the_chosen_one_is_not_its_own(wrong: str, other: str) -> None:
    result = granted(TWO, ANEW.model_copy(update={"document": f"id-of-{wrong}"}))

    assert (order_of(result).updates, order_of(result).replaces) == (document(other), document(wrong))
    assert history_of(result) == (
        f"Dana Ruiz ordered to export revision 1 again to {other}, since {wrong} is not its document. "
        "Note: Line 2 was changed by hand."
    )


def test_an_order_for_another_of_two_documents_is_not_the_same_order() -> None:
    ordered = granted(TWO, TO_THE_SECOND).decided.state

    assert isinstance(answer_by(DANA, ordered, TO_THE_SECOND), AlreadyGranted)
    assert isinstance(answer_by(DANA, ordered, AGAIN), Conflict)


def test_an_order_names_no_document_to_write_to_if_there_is_one_only() -> None:
    assert order_of(granted(after(*SYNCED), AGAIN)).updates is None


def test_an_order_names_what_was_unlinked_before() -> None:
    given_back = granted(after(*SYNCED), UNLINK).decided.state
    resent = after(sent(2), known=given_back)
    accepting = Accept(revision=2, content_hash=A.content_hash)

    (unlinked,) = order_of(granted(resent, accepting)).unlinked

    assert (unlinked.document, unlinked.revision, unlinked.reopened) == (document(), 1, 1)


def test_an_unlinked_document_may_be_found_again_until_the_commitment_has_another_one() -> None:
    unlinked = rejected(1, 2, unlinks=document(), reopened=1)
    waiting = after(*SYNCED, unlinked, sent(2))
    written = after(*SYNCED, unlinked, sent(2), accepted(2), succeeded(2, number="PO-7"))

    assert (waiting.unlinked_documents, written.unlinked_documents) == ((document(),), ())


def test_an_unlinked_document_that_the_comparison_found_missing_is_not_found_again() -> None:
    unlinked = rejected(1, 2, unlinks=document(), reopened=1)

    assert after(*SYNCED, drifted(is_missing=True), unlinked, sent(2)).unlinked_documents == ()
    assert after(*SYNCED, drifted(), unlinked, sent(2)).unlinked_documents == (document(),)


def test_an_order_alone_tells_what_was_unlinked_before() -> None:
    given_back = granted(after(*SYNCED), UNLINK).decided.state
    result = granted(after(sent(2), known=given_back), Accept(revision=2, content_hash=A.content_hash))

    assert HANDLE[DecisionAccepted](after(*SYNCED), result.decided.publish[0], NOW).state.document is None
