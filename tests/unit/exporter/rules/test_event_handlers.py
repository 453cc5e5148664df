"""How approvers' decisions change a commitment's exports, in any order."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.fields import FailureClass, Owner
from services.exporter.connectors.types import Landed, Refused, Unknown
from services.exporter.rules.event_handlers import accepted, resolved
from services.exporter.rules.export import CommitmentExports, ExportState
from services.pipeline.fold import RefusedError
from tests.unit.exporter.builders import (
    NOW,
    accepted_event,
    after_attempt,
    exports_after,
    found_document,
    leased,
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


def test_an_approvers_evidence_settles_an_export_in_doubt() -> None:
    exports = after_attempt(exports_after(), Unknown("No answer.")).state

    decided = resolved(exports, resolved_event(), NOW)

    (event,) = decided.publish
    assert (event.data.topic, event.data.erp_document.id) == ("export.succeeded", "d-9")
    assert decided.state.by_revision[1].state is ExportState.SUCCEEDED


def test_evidence_does_not_change_the_connection_of_later_revisions() -> None:
    doubtful = after_attempt(exports_after(), Unknown("No answer.")).state
    foreign = resolved_event()
    document = foreign.data.document.model_copy(update={"connection": "of-another-company"})
    foreign = replace(foreign, data=foreign.data.model_copy(update={"document": document}))

    settled = accepted(resolved(doubtful, foreign, NOW).state, accepted_event(2), NOW, "main").state
    assert settled.by_revision[1].state is ExportState.SUCCEEDED
    assert settled.document is not None
    assert (settled.document.connection, settled.connection) == ("main", "main")


def test_evidence_that_arrives_before_its_acceptance_settles_the_export_later() -> None:
    early = resolved(CommitmentExports("c-1"), resolved_event(), NOW).state

    decided = accepted(early, accepted_event(), NOW, "main")

    assert decided.state.by_revision[1].state is ExportState.SUCCEEDED
    assert [event.data.topic for event in decided.publish] == ["export.succeeded"]


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


decisions = st.tuples(st.integers(1, 3), st.integers(1, 3))


@given(
    st.lists(decisions, min_size=1, max_size=8).flatmap(lambda run: st.tuples(st.just(run), st.permutations(run + run)))
)
def test_acceptances_in_any_order_and_number_end_in_the_same_state(
    runs: tuple[Sequence[tuple[int, int]], Sequence[tuple[int, int]]],
) -> None:
    one, other = (exports_after(*(accepted_event(*decision) for decision in run)) for run in runs)

    assert one == other


@given(st.permutations([(1, 1), (1, 2), (2, 1), "evidence", "evidence"]))
def test_acceptances_and_evidence_in_any_order_end_in_the_same_state(run: Sequence[tuple[int, int] | str]) -> None:
    exports = CommitmentExports("c-1")
    for each in run:
        if isinstance(each, str):
            exports = resolved(exports, resolved_event(2), NOW).state
        else:
            exports = accepted(exports, accepted_event(*each), NOW, "main").state

    states = {revision: (export.state, export.round) for revision, export in exports.by_revision.items()}
    assert states == {1: (ExportState.SUPERSEDED, 2), 2: (ExportState.SUCCEEDED, 1)}


def test_only_the_lowest_pending_revision_is_current() -> None:
    exports = exports_after(accepted_event(2), accepted_event(1))

    assert exports.current is not None
    assert exports.current.revision == 1
    assert replace(exports, by_revision={}).current is None


def test_a_lower_revision_waits_while_a_higher_one_is_in_doubt() -> None:
    in_doubt = after_attempt(exports_after(accepted_event(2)), Unknown("No answer.")).state

    exports = accepted(in_doubt, accepted_event(1), NOW, "main").state

    assert exports.current is not None
    assert exports.current.revision == 2
