"""How the beginning and the outcome of an attempt change a commitment's exports."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.fields import FailureClass, Owner
from services.exporter.connectors.types import FoundDocument, Landed, Refused, Transient, Unknown
from services.exporter.rules.circuit import Circuit
from services.exporter.rules.event_handlers import accepted, rejected, resolved
from services.exporter.rules.export import CommitmentExports, Doubt, ExportState
from services.exporter.rules.outcome import (
    AttemptOutcome,
    Broken,
    DocumentGone,
    NotRepeated,
    NotSent,
    Overruled,
    Undecided,
    WrongTerms,
)
from services.exporter.rules.policy import RetryPolicy
from services.exporter.rules.settling import settle_attempt
from tests.unit.exporter.builders import (
    LEASE,
    NOW,
    POLICY,
    SOON,
    accepted_event,
    after_attempt,
    exports_after,
    found_document,
    lease_token,
    leased,
    rejected_event,
    resolved_event,
)

LANDED = Landed((found_document(),))
REFUSED = Refused(FailureClass.FIX_DATA, "The vendor is not known.", "V-1")
UNKNOWN = Unknown("No answer.")
ANSWERED = Unknown("On hold.", Refused(FailureClass.FIX_SETUP, "On hold.", "V-1"), is_reached=True)


def test_a_leased_export_is_in_flight() -> None:
    exports = leased(exports_after())

    assert exports.by_revision[1].state is ExportState.IN_FLIGHT
    assert exports.due_at == NOW + LEASE


def test_no_attempt_can_begin_where_there_is_no_export() -> None:
    with pytest.raises(ValueError, match="nothing"):
        leased(CommitmentExports("c-1"))


def test_an_export_is_in_doubt_after_its_lease_expired() -> None:
    later = NOW + LEASE

    exports = leased(leased(exports_after()), 2, later)

    export = exports.by_revision[1]
    assert (export.state, export.quiet_until) == (ExportState.IN_DOUBT, later + timedelta(seconds=30))
    assert exports.lease is not None
    assert exports.lease.token == lease_token(2)


def test_an_outcome_is_dropped_once_the_lease_has_changed() -> None:
    taken_over = leased(leased(exports_after()), 2, NOW + LEASE)

    assert settle_attempt(taken_over, lease_token(1), LANDED, POLICY, NOW) is None
    assert settle_attempt(exports_after(), lease_token(1), LANDED, POLICY, NOW) is None


def test_a_landed_revision_is_published_with_its_document() -> None:
    decided = after_attempt(exports_after(), LANDED)

    (event,) = decided.publish
    assert event.data.topic == "export.succeeded"
    assert (event.data.erp_document.id, event.data.erp_document.connection) == ("d-1", "main")
    assert (decided.state.lease, decided.state.due_at) == (None, None)


def test_two_documents_in_the_erp_are_both_published() -> None:
    decided = after_attempt(exports_after(), Landed((found_document(), found_document(document_id="d-2"))))

    assert [event.data.erp_document.id for event in decided.publish] == ["d-1", "d-2"]


def test_the_document_given_as_evidence_is_published_beside_the_one_that_was_found() -> None:
    held = resolved(leased(exports_after()), resolved_event(), NOW).state

    decided = settle_attempt(held, lease_token(), LANDED, POLICY, NOW)

    assert decided is not None
    assert [event.data.erp_document.id for event in decided.publish] == ["d-1", "d-9"]


def test_a_refusal_fails_the_round_and_names_the_owner() -> None:
    decided = after_attempt(exports_after(), REFUSED)

    (event,) = decided.publish
    assert event.data.topic == "export.failed"
    assert (event.data.failure.owner, event.data.failure.code, event.data.failure.in_erp) == (
        "project_manager",
        "V-1",
        False,
    )
    assert (event.data.attempts, event.data.summary.connection) == (1, "main")


def test_a_failed_update_says_that_an_earlier_revision_is_in_the_erp() -> None:
    exports = accepted(after_attempt(exports_after(), LANDED).state, accepted_event(2), NOW, "main").state

    (event,) = after_attempt(exports, REFUSED).publish

    assert event.data.failure.in_erp is True


def test_a_document_that_is_gone_is_named_to_the_approver_with_both_ways_on() -> None:
    exports = accepted(after_attempt(exports_after(), LANDED).state, accepted_event(2), NOW, "main").state
    document = exports.document
    assert document is not None

    (event,) = after_attempt(exports, DocumentGone(document, "There is no document d-1.")).publish

    failure = event.data.failure
    assert (failure.code, failure.failure_class, failure.owner) == (
        "document_gone",
        FailureClass.WAIT_FOR_DEPENDENCY,
        Owner.APPROVER,
    )
    assert (failure.document, failure.in_erp) == (document, False)
    assert failure.message == "The ERP no longer has PO-d-1, the document of this commitment."
    assert "choose Create anew; otherwise restore it" in failure.next_step


def test_what_the_approver_asked_for_in_vain_is_for_an_approver_to_change() -> None:
    (event,) = after_attempt(exports_after(), WrongTerms("accounting_date", "No such day.")).publish

    failure = event.data.failure
    assert (failure.code, failure.failure_class, failure.owner, failure.message) == (
        "accounting_date",
        FailureClass.FIX_DATA,
        Owner.APPROVER,
        "No such day.",
    )
    assert "retry the export with what the ERP takes" in failure.next_step


def test_a_transient_error_is_retried_silently_with_growing_delays() -> None:
    first = after_attempt(exports_after(), Transient("Busy."))
    second = after_attempt(first.state, Transient("Busy."), NOW + SOON)

    assert (first.publish, second.publish) == ((), ())
    assert first.state.due_at == NOW + SOON
    assert second.state.due_at == NOW + 3 * SOON
    assert second.state.by_revision[1].state is ExportState.PENDING


def test_the_erp_can_ask_for_a_longer_delay() -> None:
    decided = after_attempt(exports_after(), Transient("Busy.", retry_after_seconds=90))

    assert decided.state.due_at == NOW + timedelta(seconds=90)


def test_transient_errors_up_to_the_limit_fail_as_retry_later() -> None:
    exports = exports_after()
    for _ in range(POLICY.max_attempts - 1):
        exports = after_attempt(exports, Transient("Busy.")).state

    (event,) = after_attempt(exports, Transient("Busy.")).publish

    assert event.data.failure.failure_class is FailureClass.RETRY_LATER
    assert event.data.attempts == POLICY.max_attempts


def test_a_lost_answer_is_published_as_in_doubt_with_the_next_probe() -> None:
    decided = after_attempt(exports_after(), UNKNOWN)

    (event,) = decided.publish
    assert (event.data.topic, event.data.asked, event.data.probes) == ("export.in_doubt", "No answer.", 0)
    assert event.data.next_probe == NOW + timedelta(seconds=2) == decided.state.due_at
    assert decided.state.by_revision[1].quiet_until == NOW + timedelta(seconds=30)


def test_each_inconclusive_probe_is_published_and_the_next_one_comes_later() -> None:
    in_doubt = after_attempt(exports_after(), UNKNOWN).state

    decided = after_attempt(in_doubt, Undecided("Not there yet."), NOW + 2 * SOON)

    (event,) = decided.publish
    assert (event.data.probes, event.data.since) == (1, NOW)
    assert decided.state.due_at == NOW + 6 * SOON


def test_the_erps_words_are_remembered_and_said_with_every_probe() -> None:
    in_doubt = after_attempt(exports_after(), ANSWERED)
    probed = after_attempt(in_doubt.state, Undecided("Not there yet."), NOW + 2 * SOON)

    assert [event.data.asked for event in in_doubt.publish + probed.publish] == [
        "On hold.",
        "Not there yet. It is in doubt because of this: On hold.",
    ]
    assert probed.state.by_revision[1].doubt == Doubt(message="On hold.", failure_class="fix_setup", code="V-1")


def test_what_has_kept_both_the_write_and_the_question_from_an_answer_is_said_once() -> None:
    in_doubt = after_attempt(exports_after(), UNKNOWN).state

    (event,) = after_attempt(in_doubt, Undecided(UNKNOWN.message), NOW + 2 * SOON).publish

    assert event.data.asked == UNKNOWN.message


def test_a_write_that_is_not_repeated_fails_with_the_erps_words_and_is_no_call() -> None:
    in_doubt = after_attempt(exports_after(), ANSWERED).state

    decided = after_attempt(in_doubt, NotRepeated(REFUSED), NOW + 30 * SOON)

    (event,) = decided.publish
    assert (event.data.topic, event.data.attempts, event.data.failure.message) == (
        "export.failed",
        1,
        "The vendor is not known.",
    )
    assert (decided.state.by_revision[1].state, decided.state.due_at) == (ExportState.FAILED, None)


def test_a_higher_round_forgets_why_the_earlier_one_was_in_doubt() -> None:
    in_doubt = after_attempt(exports_after(), ANSWERED).state

    reopened = accepted(in_doubt, accepted_event(round=2), NOW, "main").state.by_revision[1]

    assert (reopened.state, reopened.doubt, reopened.attempts) == (ExportState.PENDING, None, 0)


def test_a_success_forgets_why_it_was_in_doubt() -> None:
    in_doubt = after_attempt(exports_after(), ANSWERED).state

    assert after_attempt(in_doubt, LANDED).state.by_revision[1].doubt is None


def test_each_lease_that_expires_counts_as_an_attempt_and_keeps_what_is_known_of_the_doubt() -> None:
    dead = leased(leased(exports_after()), 2, NOW + LEASE)
    again = leased(dead, 3, NOW + 2 * LEASE).by_revision[1]
    answered = leased(leased(after_attempt(exports_after(), ANSWERED).state), 2, NOW + LEASE).by_revision[1]

    assert (again.attempts, again.doubt) == (2, Doubt(message="The exporter ended before it knew the ERP's answer."))
    assert (answered.doubt and answered.doubt.message) == "On hold."


def test_a_probe_is_due_at_quiet_until_at_the_latest() -> None:
    policy = RetryPolicy(settle_seconds=25)
    exports = after_attempt(exports_after(), UNKNOWN, policy=policy).state
    for _ in range(3):
        assert exports.due_at is not None
        exports = after_attempt(exports, Undecided("Not there yet."), exports.due_at, policy).state

    assert exports.due_at == NOW + timedelta(seconds=25)


def test_the_erp_can_ask_for_a_longer_delay_before_the_next_probe() -> None:
    in_doubt = after_attempt(exports_after(), UNKNOWN).state

    decided = after_attempt(in_doubt, Undecided("Busy.", retry_after_seconds=3_600), NOW + 2 * SOON)

    assert decided.state.due_at == NOW + 3_602 * SOON


def test_an_export_that_needs_a_person_is_not_probed_again() -> None:
    decided = after_attempt(after_attempt(exports_after(), UNKNOWN).state, Undecided("Look.", needs_person=True))

    (event,) = decided.publish
    assert (event.data.next_probe, decided.state.due_at) == (None, None)


def test_a_reopened_export_waits_silently_until_quiet_until() -> None:
    reopened = accepted(after_attempt(exports_after(), UNKNOWN).state, accepted_event(round=2), NOW, "main").state

    decided = after_attempt(reopened, Undecided("Not there yet."), NOW + 29 * SOON)

    assert decided.publish == ()
    assert decided.state.by_revision[1].state is ExportState.PENDING
    assert decided.state.due_at == NOW + 30 * SOON


@pytest.mark.parametrize("outcome", [REFUSED, UNKNOWN, Transient("Busy.")])
def test_a_round_ordered_meanwhile_replaces_an_outcome_other_than_success(outcome: AttemptOutcome) -> None:
    held = accepted(leased(exports_after()), accepted_event(round=2), NOW, "main").state

    decided = settle_attempt(held, lease_token(), outcome, POLICY, NOW)

    assert decided is not None
    assert decided.publish == ()
    export = decided.state.by_revision[1]
    assert (export.state, export.round, export.attempts) == (ExportState.PENDING, 2, 0)


def test_the_erp_is_asked_soon_about_evidence_that_arrived_meanwhile() -> None:
    held = resolved(leased(exports_after()), resolved_event(), NOW).state

    decided = settle_attempt(held, lease_token(), UNKNOWN, POLICY, NOW)

    assert decided is not None
    assert decided.state.by_revision[1].state is ExportState.IN_DOUBT
    assert decided.state.due_at == NOW + POLICY.probe_delay(0, "c-1")


def test_evidence_by_number_and_the_document_with_that_number_are_published_as_one() -> None:
    document = found_document()
    number = str(document.number)
    held = resolved(leased(exports_after()), resolved_event(document_id=number, number=number), NOW).state

    decided = settle_attempt(held, lease_token(), Landed((document,)), POLICY, NOW)

    assert decided is not None
    assert [event.data.erp_document.id for event in decided.publish] == [document.id]


def test_an_export_that_was_not_sent_is_due_again_at_once() -> None:
    decided = after_attempt(exports_after(), NotSent())

    assert (decided.publish, decided.state.due_at, decided.state.by_revision[1].attempts) == ((), NOW, 0)


def test_a_success_silently_supersedes_a_failed_lower_revision() -> None:
    failed = after_attempt(exports_after(), REFUSED).state

    decided = after_attempt(accepted(failed, accepted_event(2), NOW, "main").state, LANDED)

    assert decided.state.by_revision[1].state is ExportState.SUPERSEDED
    assert [event.data.revision for event in decided.publish] == [2]


def test_a_broken_connector_is_retried_with_growing_delays_and_then_fails_for_its_admin() -> None:
    broken = Broken("The connector failed with an error of its own.")
    first = after_attempt(exports_after(), broken)
    second = after_attempt(first.state, broken, NOW + SOON)
    last = after_attempt(second.state, broken, NOW + 3 * SOON)

    assert (first.state.due_at, second.state.due_at) == (NOW + SOON, NOW + 3 * SOON)
    assert (first.publish, second.publish) == ((), ())
    (event,) = last.publish
    assert event.data.topic == "export.failed"
    assert (event.data.failure.failure_class, event.data.failure.owner, event.data.failure.code) == (
        "fix_setup",
        "erp_admin",
        "connector_broken",
    )


@pytest.mark.parametrize("outcome", [REFUSED, UNKNOWN, Transient("Busy."), Overruled()])
def test_a_rejection_that_arrived_meanwhile_is_the_last_word_unless_the_revision_has_landed(
    outcome: AttemptOutcome,
) -> None:
    held = rejected(leased(exports_after()), rejected_event(), NOW).state

    decided = settle_attempt(held, lease_token(), outcome, POLICY, NOW)

    assert decided is not None
    assert decided.publish == ()
    export = decided.state.by_revision[1]
    assert (export.state, export.is_closed) == (
        (ExportState.IN_DOUBT, False) if outcome is UNKNOWN else (ExportState.FAILED, True)
    )


def test_a_revision_that_landed_although_it_was_rejected_is_published() -> None:
    held = rejected(leased(exports_after()), rejected_event(), NOW).state

    decided = settle_attempt(held, lease_token(), LANDED, POLICY, NOW)

    assert decided is not None
    assert [event.data.topic for event in decided.publish] == ["export.succeeded"]


outcomes = st.sampled_from(
    [
        LANDED,
        Landed((FoundDocument("d-2"),)),
        REFUSED,
        UNKNOWN,
        Transient("Busy."),
        ANSWERED,
        NotRepeated(REFUSED),
        Undecided("Not yet."),
        Undecided("Look.", needs_person=True),
        NotSent(),
        Broken("KeyError"),
        Overruled(),
    ]
)
steps = st.one_of(
    st.tuples(st.just("accept"), st.integers(1, 3), st.integers(1, 3)),
    st.tuples(st.just("resolve"), st.integers(1, 3), st.just(0)),
    st.tuples(st.just("reject"), st.integers(1, 3), st.integers(0, 3)),
    st.tuples(st.just("begin"), st.just(0), st.just(0)),
    st.tuples(st.just("settle"), outcomes, st.booleans()),
)


@settings(max_examples=300)
@given(st.lists(steps, max_size=25))
def test_one_revision_at_most_is_open_and_a_pending_one_is_due_unless_another_is_open(steps: list[tuple]) -> None:  # type: ignore[type-arg]
    exports, now, leases = CommitmentExports("c-1"), NOW, 1
    for name, one, two in steps:
        now += timedelta(minutes=2)
        if name == "accept":
            exports = accepted(exports, accepted_event(one, two), now, "main").state
        elif name == "resolve":
            exports = resolved(exports, resolved_event(one), now).state
        elif name == "reject":
            exports = rejected(exports, rejected_event(one, two), now).state
        elif name == "begin" and exports.due_at is not None and exports.due_at <= now:
            leases += 1
            exports = leased(exports, leases, now)
        elif name == "settle" and (decided := settle_attempt(exports, lease_token(leases - two), one, POLICY, now)):
            exports = decided.state
        assert_consistent(exports)


def assert_consistent(exports: CommitmentExports) -> None:
    opened = [
        each for each in exports.by_revision.values() if each.state in (ExportState.IN_FLIGHT, ExportState.IN_DOUBT)
    ]
    assert len(opened) <= 1
    if exports.lease:
        assert [each.revision for each in opened] == [exports.lease.revision]
    elif exports.due_at is None:
        pending = [each for each in exports.by_revision.values() if each.state is ExportState.PENDING]
        assert not pending or opened


DOWN = Circuit(missed_calls=5, open_since=NOW, try_at=NOW + LEASE)
PAUSED = Circuit(paused_until=NOW + LEASE)
UNREACHED, TOLD_TO_WAIT = Transient("No answer."), Transient("Wait.", retry_after_seconds=60, is_reached=True)


@pytest.mark.parametrize(("circuit", "outcome"), [(DOWN, UNREACHED), (PAUSED, TOLD_TO_WAIT)])
def test_an_outage_is_no_attempt_and_the_export_keeps_its_place(circuit: Circuit, outcome: Transient) -> None:
    exports = exports_after()
    for number in range(2 * POLICY.max_attempts):
        decided = after_attempt(exports, outcome, NOW + number * SOON, circuit=circuit)
        exports = decided.state
        assert decided.publish == ()

    export = exports.by_revision[1]
    assert (export.state, export.attempts, export.due_at) == (ExportState.PENDING, 0, export.accepted_at)


def test_an_answer_about_one_document_counts_also_during_a_pause() -> None:
    busy = Transient("The document is being edited.", is_reached=True)

    assert after_attempt(exports_after(), busy, circuit=PAUSED).state.by_revision[1].attempts == 1


def test_what_is_in_doubt_is_not_published_again_while_the_erp_is_down() -> None:
    in_doubt = after_attempt(exports_after(), UNKNOWN).state

    decided = after_attempt(in_doubt, Undecided("No answer."), NOW + SOON, circuit=DOWN)

    assert (decided.publish, decided.state.by_revision[1].probes) == ((), 0)
    assert decided.state.by_revision[1].state is ExportState.IN_DOUBT


def test_an_export_is_not_given_up_while_the_erp_has_been_silent_to_everybody() -> None:
    exports = exports_after()
    for number in range(1, 2 * POLICY.max_attempts):
        exports = after_attempt(exports, UNREACHED, circuit=Circuit(missed_calls=number)).state

    assert exports.by_revision[1].state is ExportState.PENDING


def test_an_export_that_alone_is_not_answered_is_given_up() -> None:
    exports = exports_after()
    for _ in range(POLICY.max_attempts):
        exports = after_attempt(exports, UNREACHED, circuit=Circuit(missed_calls=1)).state

    assert exports.by_revision[1].state is ExportState.FAILED
