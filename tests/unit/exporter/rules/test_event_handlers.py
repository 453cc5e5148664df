"""How approvers' decisions change a commitment's exports, in any order."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.commitment import ErpDocument
from schemas.envelope import Event, new_event
from schemas.events import DecisionDriftAccepted, DecisionRejected
from schemas.fields import FailureClass, Owner
from services.exporter.connectors.types import Landed, Refused, Unknown
from services.exporter.rules.approvers_words import AcceptedDrift
from services.exporter.rules.drift import told
from services.exporter.rules.event_handlers import accepted, drift_accepted, rejected, resolved
from services.exporter.rules.export import CommitmentExports, ExportState
from services.pipeline.fold import RefusedError
from tests.unit.exporter.builders import (
    APPROVER,
    NOW,
    accepted_event,
    after_attempt,
    exports_after,
    found_document,
    leased,
    rejected_event,
    resolved_event,
)

REFUSED = Refused(FailureClass.FIX_DATA, "The vendor is not known.")


def test_an_accepted_revision_is_pending_and_due_at_once() -> None:
    decided = accepted(CommitmentExports("c-1"), accepted_event(), NOW, "main")

    export = decided.state.by_revision[1]
    assert (export.state, export.round, export.due_at, export.connection) == (ExportState.PENDING, 1, NOW, "main")
    assert decided.state.due_at == NOW
    assert decided.publish == ()


def test_the_approved_text_is_kept_verbatim() -> None:
    event = accepted_event()

    (row,) = accepted(CommitmentExports("c-1"), event, NOW, "main").rows

    assert (row.revision, row.round, row.text) == (1, 1, event.data.commitment.text)


def test_the_same_acceptance_again_changes_nothing() -> None:
    exports = exports_after()

    again = accepted(exports, accepted_event(), NOW, "main")

    assert again.state is exports
    assert (again.is_changed, again.rows, again.publish) == (False, (), ())


def test_an_export_without_a_connection_fails_at_once_as_fix_setup() -> None:
    decided = accepted(CommitmentExports("c-1"), accepted_event(), NOW, None)

    (event,) = decided.publish
    assert event.data.topic == "export.failed"
    assert event.data.failure.failure_class is FailureClass.FIX_SETUP
    assert event.data.failure.owner is Owner.ERP_ADMIN
    assert decided.state.by_revision[1].state is ExportState.FAILED
    assert decided.state.due_at is None


def test_a_higher_round_reopens_an_export_that_failed_without_a_connection() -> None:
    exports = exports_after(connection=None)

    reopened = accepted(exports, accepted_event(round=2), NOW, "main").state.by_revision[1]

    assert (reopened.state, reopened.round, reopened.connection, reopened.failure) == (
        ExportState.PENDING,
        2,
        "main",
        None,
    )


@pytest.mark.parametrize("outcome", [REFUSED, Unknown("No answer.")])
def test_a_higher_round_reopens_an_export_that_failed_or_is_in_doubt(outcome: Refused | Unknown) -> None:
    exports = after_attempt(exports_after(), outcome).state

    reopened = accepted(exports, accepted_event(round=2), NOW, "main").state.by_revision[1]

    assert (reopened.state, reopened.round, reopened.attempts) == (ExportState.PENDING, 2, 0)
    assert reopened.quiet_until == exports.by_revision[1].quiet_until


def test_a_higher_round_waits_while_the_export_is_leased() -> None:
    held = leased(exports_after())

    decided = accepted(held, accepted_event(round=2), NOW, "main")

    export = decided.state.by_revision[1]
    assert (export.state, export.round, export.ordered_round) == (ExportState.IN_FLIGHT, 1, 2)


def test_another_round_of_a_revision_in_the_erp_is_answered_with_its_success() -> None:
    exports = after_attempt(exports_after(), Landed((found_document(),))).state

    decided = accepted(exports, accepted_event(round=2), NOW, "main")

    assert decided.state.by_revision[1].state is ExportState.SUCCEEDED
    assert [event.data.topic for event in decided.publish] == ["export.succeeded"]


def test_a_revision_below_the_highest_success_is_not_exported_but_answered_with_that_success() -> None:
    exports = after_attempt(exports_after(accepted_event(2)), Landed((found_document(),))).state

    decided = accepted(exports, accepted_event(1), NOW, "main")

    assert decided.state.by_revision[1].state is ExportState.SUPERSEDED
    assert decided.state.due_at is None
    assert [(event.data.topic, event.data.revision) for event in decided.publish] == [("export.succeeded", 2)]


def test_an_update_goes_to_the_documents_erp_even_if_the_company_is_now_routed_elsewhere() -> None:
    exports = after_attempt(exports_after(), Landed((found_document(),))).state

    later = accepted(exports, accepted_event(2), NOW, "other").state

    assert later.connection == "main"


def test_an_acceptance_of_another_company_is_refused() -> None:
    with pytest.raises(RefusedError) as refusal:
        accepted(exports_after(), accepted_event(2, company_id="co-2"), NOW, "main")

    assert refusal.value.reason == "other_company"


def test_the_erp_is_asked_at_once_about_an_approvers_evidence() -> None:
    exports = after_attempt(exports_after(), Unknown("No answer.")).state
    assert exports.due_at is not None
    assert exports.due_at > NOW

    decided = resolved(exports, resolved_event(), NOW)

    assert (decided.publish, decided.state.due_at) == ((), NOW)
    assert decided.state.by_revision[1].state is ExportState.IN_DOUBT
    assert decided.state.evidence_for(decided.state.by_revision[1]) is not None


def test_evidence_does_not_change_the_connection_of_later_revisions() -> None:
    doubtful = after_attempt(exports_after(), Unknown("No answer.")).state
    foreign = resolved_event()
    document = foreign.data.document.model_copy(update={"connection": "of-another-company"})
    foreign = replace(foreign, data=foreign.data.model_copy(update={"document": document}))

    settled = after_attempt(resolved(doubtful, foreign, NOW).state, Landed((found_document(),))).state
    later = accepted(settled, accepted_event(2), NOW, "main").state
    assert later.document is not None
    assert (later.document.connection, later.connection) == ("main", "main")


def test_evidence_that_arrives_before_its_acceptance_waits_for_the_first_attempt() -> None:
    early = resolved(CommitmentExports("c-1"), resolved_event(), NOW).state

    decided = accepted(early, accepted_event(), NOW, "main")

    export = decided.state.by_revision[1]
    assert (export.state, decided.publish) == (ExportState.PENDING, ())
    assert decided.state.evidence_for(export) is not None


def test_a_failed_export_is_not_taken_up_by_late_evidence_alone() -> None:
    failed = after_attempt(exports_after(), REFUSED).state

    decided = resolved(failed, resolved_event(), NOW)

    assert (decided.state.by_revision[1].state, decided.state.due_at) == (ExportState.FAILED, None)


def test_evidence_waits_while_the_export_is_leased() -> None:
    waiting = resolved(leased(exports_after()), resolved_event(), NOW)

    assert waiting.publish == ()
    assert waiting.state.by_revision[1].state is ExportState.IN_FLIGHT


def test_evidence_of_a_second_document_is_published() -> None:
    exports = after_attempt(exports_after(), Landed((found_document(),))).state

    decided = resolved(exports, resolved_event(document_id="d-2"), NOW)

    assert [event.data.erp_document.id for event in decided.publish] == ["d-2"]
    assert decided.state.document is not None
    assert decided.state.document.id == "d-1"


def test_evidence_that_names_the_known_document_by_its_number_is_no_second_one() -> None:
    exports = after_attempt(exports_after(), Landed((found_document(),))).state
    assert exports.document is not None
    assert exports.document.number is not None

    number = exports.document.number
    decided = resolved(exports, resolved_event(document_id=number, number=number), NOW)

    assert decided.publish == ()


def test_the_same_evidence_again_changes_nothing() -> None:
    exports = resolved(exports_after(), resolved_event(), NOW).state

    again = resolved(exports, resolved_event(), NOW)

    assert (again.is_changed, again.publish) == (False, ())


def replacing(revision: int, round: int, document_id: str = "d-1") -> Event[Any]:  # noqa: A002 - the contract's word
    document = ErpDocument(connection="main", id=document_id, number=f"PO-{document_id}")
    return accepted_event(revision, round, replaces=document)


def test_a_replaced_document_is_the_commitments_no_more_but_its_erp_stays() -> None:
    exports = after_attempt(exports_after(), Landed((found_document(),))).state

    ordered = accepted(exports, replacing(2, 2), NOW, "other").state

    assert exports.document is not None
    assert (ordered.document, ordered.connection) == (None, "main")


def test_another_document_stays_the_commitments() -> None:
    exports = after_attempt(exports_after(), Landed((found_document(),))).state

    assert accepted(exports, replacing(2, 2, "d-2"), NOW, "main").state.document == exports.document


def test_a_replaced_document_that_was_there_after_all_is_the_commitments_again() -> None:
    exports = after_attempt(exports_after(), Landed((found_document(),))).state
    ordered = accepted(exports, replacing(2, 2), NOW, "main").state

    written = after_attempt(ordered, Landed((found_document(),))).state

    assert written.document is not None
    assert written.document.id == "d-1"


def test_a_later_round_or_revision_remembers_that_the_document_was_replaced() -> None:
    exports = after_attempt(exports_after(), Landed((found_document(),))).state
    failed = after_attempt(accepted(exports, replacing(2, 2), NOW, "main").state, REFUSED).state

    for order in (accepted_event(2, 3), accepted_event(3)):
        assert accepted(failed, order, NOW, "main").state.document is None


def test_an_order_that_comes_late_still_says_that_the_document_is_gone() -> None:
    exports = after_attempt(exports_after(), Landed((found_document(),))).state
    later = accepted(exports, accepted_event(2, 3), NOW, "main").state

    late = accepted(later, replacing(2, 2), NOW, "main")

    assert (late.state.document, late.is_changed, late.publish) == (None, True, ())
    assert late.state.by_revision == later.by_revision
    assert not accepted(late.state, replacing(2, 2), NOW, "main").is_changed


def test_an_order_is_due_at_once_although_this_hosts_clock_is_ahead() -> None:
    ahead = NOW + timedelta(minutes=2)

    ordered = accepted(CommitmentExports("c-1"), accepted_event(), ahead, "main").state
    failed = after_attempt(exports_after(), REFUSED).state
    retried = accepted(failed, accepted_event(round=2), ahead, "main").state

    assert (ordered.due_at, retried.due_at) == (NOW, NOW)


def test_an_order_is_due_at_once_although_the_approvers_host_is_ahead() -> None:
    event = accepted_event(time=NOW + timedelta(minutes=2))

    assert accepted(CommitmentExports("c-1"), event, NOW, "main").state.due_at == NOW


def test_an_order_that_is_known_to_be_rejected_is_not_carried_out() -> None:
    early = rejected(CommitmentExports("c-1"), rejected_event(), NOW).state

    decided = accepted(early, accepted_event(), NOW, "main")

    assert (decided.publish, decided.state.due_at) == ((), None)
    assert decided.state.by_revision[1].is_closed


def test_a_rejection_withdraws_an_order_that_waits() -> None:
    decided = rejected(exports_after(), rejected_event(), NOW)

    assert (decided.publish, decided.state.due_at, decided.state.by_revision[1].is_closed) == ((), None, True)


@pytest.mark.parametrize("rejection", [rejected_event(round=0), rejected_event(1, 1)])
def test_an_order_of_a_later_round_or_revision_than_the_rejection_is_carried_out(
    rejection: Event[DecisionRejected],
) -> None:
    order = accepted_event(1, 1) if rejection.data.round == 0 else accepted_event(1, 2)

    exports = exports_after(rejection, order, accepted_event(2))

    assert [exports.by_revision[revision].state for revision in (1, 2)] == [ExportState.PENDING, ExportState.PENDING]
    assert not exports.by_revision[1].is_closed


def test_a_failed_export_is_closed_once_it_is_rejected() -> None:
    failed = after_attempt(exports_after(), REFUSED).state
    assert not failed.by_revision[1].is_closed

    closed = rejected(failed, rejected_event(), NOW).state

    export = closed.by_revision[1]
    assert (export.state, export.is_closed, export.failure) == (
        ExportState.FAILED,
        True,
        failed.by_revision[1].failure,
    )


def test_a_failed_export_is_closed_once_a_later_revision_is_accepted() -> None:
    failed = after_attempt(exports_after(), REFUSED).state

    later = accepted(failed, accepted_event(2), NOW, "main").state

    assert later.by_revision[1].is_closed
    assert not later.by_revision[2].is_closed


def test_what_is_in_doubt_stays_in_doubt_when_it_is_rejected() -> None:
    doubtful = after_attempt(exports_after(), Unknown("No answer.")).state

    exports = rejected(doubtful, rejected_event(), NOW).state

    assert exports.by_revision[1].state is ExportState.IN_DOUBT
    assert exports.due_at == doubtful.due_at


def test_a_rejection_waits_while_the_export_is_leased() -> None:
    held = rejected(leased(exports_after()), rejected_event(), NOW).state

    assert held.by_revision[1].state is ExportState.IN_FLIGHT


def test_the_same_rejection_again_changes_nothing() -> None:
    exports = rejected(exports_after(), rejected_event(), NOW).state

    again = rejected(exports, rejected_event(), NOW)

    assert (again.state is exports, again.is_changed, again.publish) == (True, False, ())


def test_a_rejection_by_another_company_is_refused() -> None:
    with pytest.raises(RefusedError):
        rejected(exports_after(), rejected_event(company_id="co-2"), NOW)


orders = st.builds(accepted_event, st.integers(1, 3), st.integers(1, 3)) | st.builds(
    replacing, st.integers(1, 3), st.integers(1, 3), st.sampled_from(("d-1", "d-2"))
)
rejections = st.builds(rejected_event, st.integers(1, 3), st.integers(0, 3))


@given(
    st.lists(st.one_of(orders, rejections), min_size=1, max_size=8).flatmap(
        lambda run: st.tuples(st.just(run), st.permutations(run + run))
    )
)
def test_decisions_in_any_order_and_number_end_in_the_same_state(
    runs: tuple[Sequence[Event[Any]], Sequence[Event[Any]]],
) -> None:
    one, other = (exports_after(*run) for run in runs)

    assert one == other


def left_as_it_is(version: int, company_id: str = "co-1") -> Event[DecisionDriftAccepted]:
    data = DecisionDriftAccepted(
        company_id=company_id,
        project_id="pr-1",
        commitment_id="c-1",
        revision=1,
        version=version,
        is_missing=True,
        decided_by=APPROVER,
        note="It was closed.",
    )
    return new_event(data, source="countersign/approval", time=NOW)


def test_of_what_approvers_left_as_it_is_the_last_word_is_kept_in_any_order() -> None:
    once = drift_accepted(CommitmentExports("c-1"), left_as_it_is(7), NOW)
    earlier, repeated = (drift_accepted(once.state, left_as_it_is(version), NOW) for version in (6, 7))

    assert once.state.accepted_drift == AcceptedDrift(7, 1, 0, told(is_missing=True, changes=()))
    assert (earlier.is_changed, repeated.is_changed, once.publish) == (False, False, ())
    assert drift_accepted(once.state, left_as_it_is(8), NOW).is_changed


def test_what_another_company_leaves_as_it_is_is_refused() -> None:
    with pytest.raises(RefusedError):
        drift_accepted(exports_after(), left_as_it_is(1, "co-2"), NOW)
