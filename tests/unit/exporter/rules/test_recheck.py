"""When the ERP is asked again after a doubt, and what a late document leads to."""

from dataclasses import replace
from datetime import timedelta

import pytest

from schemas.commitment import ErpDocument
from schemas.fields import FailureClass
from services.exporter.connectors.types import FindAnswer, FoundDocument, Landed, Refused, Transient, Unknown
from services.exporter.rules.event_handlers import accepted, rejected, resolved
from services.exporter.rules.export import CommitmentExports, ExportState
from services.exporter.rules.outcome import NotRepeated, Undecided, WrongEvidence
from services.exporter.rules.policy import RECHECK_RETRY, RECHECKS
from services.exporter.rules.probe import Create, Update, unless_tried_enough
from services.exporter.rules.recheck import Looked, Recheck, after_look, first_rechecks
from tests.unit.exporter.builders import (
    NOW,
    accepted_event,
    after_attempt,
    exports_after,
    found_document,
    rejected_event,
    resolved_event,
)

LATER = NOW + timedelta(minutes=1)


def in_doubt() -> CommitmentExports:
    return after_attempt(exports_after(), Unknown("lost")).state


def given_up() -> CommitmentExports:
    return after_attempt(in_doubt(), NotRepeated(Refused(FailureClass.RETRY_LATER, "given up"))).state


def retried_in_books() -> CommitmentExports:
    """A write was lost in `main`, and the next round goes to `books`."""
    return accepted(given_up(), accepted_event(round=2), NOW, "books").state


def landed(exports: CommitmentExports, document_id: str = "d-1") -> CommitmentExports:
    return after_attempt(exports, Landed((written(exports, document_id),))).state


def written(exports: CommitmentExports, document_id: str, revision: int = 1) -> FoundDocument:
    return found_document(exports.by_revision[revision].marker, document_id)


def looked_at(before: CommitmentExports, after: CommitmentExports) -> set[str]:
    """The connections on which looks begin."""
    return {each.connection for each in first_rechecks(before, after)}


def look(exports: CommitmentExports, found: FindAnswer, recheck: Recheck | None = None) -> Looked:
    return after_look(exports, recheck or Recheck("c-1", "co-1", "main", LATER), found, LATER)


def test_a_success_without_a_doubt_is_not_looked_at_again() -> None:
    before = exports_after()

    assert first_rechecks(before, landed(before)) == ()


def test_a_success_after_a_doubt_is_looked_at_after_a_minute() -> None:
    before = in_doubt()

    assert first_rechecks(before, landed(before)) == (Recheck("c-1", "co-1", "main", NOW + timedelta(minutes=1)),)


def test_evidence_that_ends_a_doubt_is_looked_at_too() -> None:
    before = resolved(in_doubt(), resolved_event(), NOW).state
    confirmed = after_attempt(before, Landed((FoundDocument("d-9", "PO-9"),))).state

    assert looked_at(before, confirmed) == {"main"}


def test_a_failure_after_a_doubt_is_looked_at_too() -> None:
    assert looked_at(in_doubt(), given_up()) == {"main"}


def test_an_update_that_lands_late_ends_the_failure_of_its_export() -> None:
    second = accepted(landed(exports_after()), accepted_event(2), NOW, "main").state
    lost = after_attempt(second, Unknown("lost")).state
    failed = after_attempt(lost, NotRepeated(Refused(FailureClass.FIX_DATA, "Refused."))).state
    looked = look(failed, (written(failed, "d-1", 2),))

    assert failed.by_revision[2].state is ExportState.FAILED
    assert looked.exports.by_revision[2].state is ExportState.IN_DOUBT
    assert landed(looked.exports).by_revision[2].state is ExportState.SUCCEEDED
    assert not looked.is_overwritten


def test_an_update_that_lands_late_on_a_later_revision_is_noticed() -> None:
    exports = after_attempt(exports_after(), Unknown("lost")).state
    third = landed(accepted(landed(exports), accepted_event(3), NOW, "main").state)

    assert not look(third, (written(third, "d-1", 3),)).is_overwritten
    assert look(third, (written(third, "d-1", 1),)).is_overwritten
    assert look(third, (written(third, "d-1", 1),)).publish == ()
    assert not look(third, (written(third, "d-2", 1),)).is_overwritten  # another document, which is told


def test_what_stays_in_doubt_is_not_looked_at_for_it_is_probed() -> None:
    assert first_rechecks(exports_after(), in_doubt()) == ()


def test_a_retry_after_a_doubt_is_looked_at_again_once_it_succeeds() -> None:
    ordered = accepted(given_up(), accepted_event(round=2), NOW, "main").state

    assert looked_at(ordered, landed(ordered)) == {"main"}


def test_the_looks_become_rarer_and_end() -> None:
    exports = landed(in_doubt())
    recheck, waits = Recheck("c-1", "co-1", "main", LATER), [RECHECKS[0]]
    while following := look(exports, (written(exports, "d-1"),), recheck).following:
        waits.append(following.due_at - LATER)
        recheck = following

    assert tuple(waits) == RECHECKS
    assert list(RECHECKS) == sorted(RECHECKS)


def test_one_document_is_nothing_new() -> None:
    exports = landed(in_doubt())

    assert look(exports, (written(exports, "d-1"),)).publish == ()


def test_a_late_second_document_is_told_once() -> None:
    exports = landed(in_doubt())
    both = (written(exports, "d-1"), written(exports, "d-2"))
    first = look(exports, both)

    (event,) = first.publish
    assert (event.data.topic, event.data.revision, event.data.erp_document.id) == ("export.succeeded", 1, "d-2")
    assert look(exports, both, first.following).publish == ()


def test_a_late_document_of_an_earlier_revision_is_told_as_that_revision() -> None:
    first = landed(in_doubt())
    second = landed(accepted(first, accepted_event(2), NOW, "main").state)
    found = (written(second, "d-1", 2), written(second, "d-2", 1))

    (event,) = look(second, found).publish
    assert (event.data.revision, event.data.erp_document.id) == (1, "d-2")


def test_a_late_document_beside_an_approvers_evidence_is_told() -> None:
    named = resolved(in_doubt(), resolved_event(document_id="d-9"), NOW).state
    exports = after_attempt(named, Landed((FoundDocument("d-9", "PO-9"),))).state

    (event,) = look(exports, (written(exports, "d-1"),)).publish
    assert event.data.erp_document.id == "d-1"


def test_a_document_without_our_marker_is_not_ours() -> None:
    exports = landed(in_doubt())

    assert look(exports, (written(exports, "d-1"), found_document("somebody's", "d-2"))).late == ()


def test_a_look_that_was_not_answered_is_repeated_without_being_counted() -> None:
    following = look(landed(in_doubt()), Transient("no answer")).following

    assert following == Recheck("c-1", "co-1", "main", LATER + RECHECK_RETRY)


def test_a_refused_look_counts_so_that_it_ends() -> None:
    following = look(landed(in_doubt()), Refused(FailureClass.FIX_SETUP, "no rights")).following

    assert following is not None
    assert following.looks == 1


@pytest.mark.parametrize("is_rejected", [False, True])
def test_a_failed_export_whose_document_turns_up_is_in_doubt_again(*, is_rejected: bool) -> None:
    exports = given_up()
    if is_rejected:
        exports = rejected(exports, rejected_event(), NOW).state
    looked = look(exports, (written(exports, "d-1"),))

    assert looked.publish == ()
    assert looked.exports.by_revision[1].state is ExportState.IN_DOUBT
    assert landed(looked.exports).by_revision[1].state is ExportState.SUCCEEDED


@pytest.mark.parametrize("is_rejected", [False, True])
@pytest.mark.parametrize(
    "outcome",
    [
        Undecided("Somebody has to look.", needs_person=True),
        Undecided("It is not there yet."),
        Undecided("The token is not accepted.", retry_after_seconds=60),
    ],
)
def test_a_doubt_that_people_do_not_see_ends_where_it_began(outcome: Undecided, *, is_rejected: bool) -> None:
    """Else the next revision would wait behind it for an answer that nobody can give."""
    exports = given_up()
    if is_rejected:
        exports = rejected(exports, rejected_event(), NOW).state
    doubted = look(exports, (written(exports, "d-1"),)).exports
    followed = accepted(doubted, accepted_event(2), NOW, "main").state

    decided = after_attempt(followed, outcome)

    assert decided.publish == ()
    assert decided.state.by_revision[1].state is ExportState.FAILED
    assert decided.state.by_revision[1].failure == exports.by_revision[1].failure
    assert decided.state.current == decided.state.by_revision[2]
    assert looked_at(followed, decided.state) == {"main"}


def test_nothing_is_written_where_a_document_that_had_turned_up_is_gone_again() -> None:
    exports = given_up()
    (doubted,) = look(exports, (written(exports, "d-1"),)).exports.by_revision.values()

    assert isinstance(unless_tried_enough(doubted, Create(), max_attempts=99), Undecided)
    assert isinstance(unless_tried_enough(doubted, Update("d-1"), max_attempts=99), Undecided)


def test_a_failed_export_waits_while_another_revision_is_under_way() -> None:
    failed = given_up()
    second = accepted(failed, accepted_event(2), NOW, "main").state
    busy = replace(
        second, by_revision={**second.by_revision, 2: second.by_revision[2].moved_to(ExportState.IN_DOUBT, NOW)}
    )

    looked = look(busy, (written(busy, "d-1"),))
    assert looked.exports == busy

    again = look(second, (written(second, "d-1"),), looked.following)
    assert again.exports.by_revision[1].state is ExportState.IN_DOUBT


def reopened(exports: CommitmentExports) -> CommitmentExports:
    return accepted(exports, accepted_event(round=2, reopened=1), NOW, "main").state


def test_a_late_document_of_before_does_not_end_what_was_ordered_again() -> None:
    first = landed(in_doubt())
    late = written(first, "d-2")
    second = landed(accepted(first, accepted_event(2), NOW, "main").state, "d-1")
    again = accepted(second, accepted_event(2, 2, reopened=1), NOW, "main").state

    (event,) = look(again, (written(second, "d-3", 2),)).publish
    assert (event.data.revision, event.data.reopened, event.data.erp_document.id) == (2, 0, "d-3")
    assert look(reopened(first), (late,)).exports == reopened(first)


def test_a_failed_export_is_taken_up_again_by_its_own_document_only() -> None:
    failed = after_attempt(reopened(landed(in_doubt())), Refused(FailureClass.FIX_DATA, "Closed period.")).state
    before, own = written(landed(in_doubt()), "d-2"), written(failed, "d-2")

    assert look(failed, (before,)).exports == failed
    assert look(failed, (own,)).exports.by_revision[1].state is ExportState.IN_DOUBT


def test_evidence_that_was_refused_and_turns_up_later_is_told() -> None:
    named = resolved(in_doubt(), resolved_event(document_id="d-9"), NOW).state
    refused = after_attempt(named, WrongEvidence("The ERP has no PO-9.")).state
    exports = landed(refused)

    (event,) = look(exports, (written(exports, "d-9"),)).publish
    assert event.data.erp_document.id == "d-9"


def test_looks_go_to_the_erp_that_lost_a_write_and_not_to_the_one_with_the_next_revision() -> None:
    before = accepted(given_up(), accepted_event(2), NOW, "books").state
    after = landed(before)

    assert after.document is not None
    assert after.document.connection == "books"
    assert looked_at(before, after) == {"main"}


def test_a_retry_in_another_erp_leaves_the_looks_in_the_first_one_as_they_are() -> None:
    assert looked_at(given_up(), retried_in_books()) == set()
    assert "main" not in looked_at(retried_in_books(), landed(retried_in_books()))


def test_what_is_sent_elsewhere_before_its_doubt_has_ended_is_looked_for_where_it_was() -> None:
    again = accepted(in_doubt(), accepted_event(round=2), NOW, "main").state
    document = ErpDocument(connection="main", id="d-0")
    moved = accepted(again, accepted_event(round=3, replaces=document, moves=True), NOW, "books").state

    assert moved.by_revision[1].connection == "books"
    assert looked_at(again, moved) == {"main"}


def test_a_late_document_in_an_erp_that_the_commitment_has_left_is_told_with_that_erp() -> None:
    exports = landed(retried_in_books(), "d-1")

    (event,) = look(exports, (written(exports, "d-1"),)).publish
    assert (event.data.revision, event.data.erp_document.connection, event.data.erp_document.id) == (1, "main", "d-1")


def test_a_document_under_another_name_of_the_connection_is_nothing_new() -> None:
    exports = landed(retried_in_books(), "d-1")
    found, recheck = (written(exports, "d-1"),), Recheck("c-1", "co-1", "main", LATER)

    assert after_look(exports, recheck, found, LATER, ("books", "main")).late == ()


def test_a_retry_that_failed_elsewhere_is_asked_about_where_its_document_turned_up() -> None:
    failed = after_attempt(retried_in_books(), Refused(FailureClass.FIX_DATA, "Closed period.")).state
    looked = look(failed, (written(failed, "d-1"),))

    assert failed.by_revision[1].connection == "books"
    assert looked.exports.connection == "main"
    assert looked.exports.by_revision[1].connection == "main"
    assert landed(looked.exports).document == ErpDocument(connection="main", id="d-1", number="PO-d-1")


def test_a_failed_update_in_another_erp_is_not_asked_about_where_its_document_is_not() -> None:
    document = ErpDocument(connection="books", id="d-5")
    again = accepted(given_up(), accepted_event(round=2, updates=document), NOW, "books").state
    failed = after_attempt(again, Refused(FailureClass.FIX_DATA, "Closed period.")).state

    assert look(failed, (written(failed, "d-1"),)).exports == failed


def test_looks_go_on_while_nobody_can_be_told_of_what_they_found() -> None:
    waiting = retried_in_books()
    recheck = Recheck("c-1", "co-1", "main", LATER)
    for _ in range(2 * len(RECHECKS)):
        looked = look(waiting, (written(waiting, "d-1"),), recheck)
        assert looked.publish == ()
        assert looked.following is not None
        recheck = looked.following

    assert recheck.due_at == LATER + RECHECKS[-1]
    assert [each.id for each in look(landed(waiting, "d-7"), (written(waiting, "d-1"),), recheck).late] == ["d-1"]
