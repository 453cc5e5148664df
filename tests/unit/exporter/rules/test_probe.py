"""What to write, given the documents that the ERP has."""

from dataclasses import replace
from datetime import timedelta

import pytest

from schemas.commitment import ErpDocument
from schemas.fields import FailureClass
from services.exporter.connectors.types import (
    FoundDocument,
    Gone,
    Landed,
    Refused,
    Transient,
    Unknown,
    UnreadableDocument,
)
from services.exporter.rules.about import About
from services.exporter.rules.event_handlers import accepted
from services.exporter.rules.export import Export
from services.exporter.rules.marker import marker_of
from services.exporter.rules.outcome import DocumentGone, NotRepeated, Undecided
from services.exporter.rules.probe import Create, Update, after_gone, after_probe, unless_tried_enough
from tests.unit.exporter.builders import NOW, accepted_event, after_attempt, exports_after, found_document, leased

QUIET = timedelta(seconds=30)
KNOWN = ErpDocument(connection="main", id="d-1")


@pytest.fixture
def untried() -> Export:
    """A first attempt of revision 2."""
    return leased(exports_after(accepted_event(2))).by_revision[2]


@pytest.fixture
def in_doubt() -> Export:
    """Revision 2 after a lost answer."""
    return after_attempt(exports_after(accepted_event(2)), Unknown("No answer.")).state.by_revision[2]


GONE = Gone(FailureClass.FIX_SETUP, "There is no document d-1 (HTTP 404).", "not_found")


def test_a_document_that_can_neither_be_updated_nor_found_is_gone(untried: Export, in_doubt: Export) -> None:
    gone = DocumentGone(KNOWN, GONE.message, About("SC-014", "Main books"))
    for export in (untried, in_doubt):
        assert after_gone(export, KNOWN, "d-1", GONE, (), "Main books") == gone
    other = found_document(marker_of("c-1", 1, "0" * 64), "d-2")
    assert after_gone(untried, KNOWN, "d-1", GONE, (other,), "Main books") == gone


def test_a_document_that_is_listed_is_not_gone_but_refused(untried: Export) -> None:
    for listed in (older(untried), UnreadableDocument()):
        assert after_gone(untried, KNOWN, "d-1", GONE, (listed,)) == GONE


def test_what_has_landed_in_the_meantime_has_landed(untried: Export) -> None:
    landed = found_document(untried.marker, "d-2")

    assert after_gone(untried, KNOWN, "d-1", GONE, (landed,)) == Landed((landed,))


def test_nothing_is_gone_while_the_erp_does_not_answer_the_search(untried: Export, in_doubt: Export) -> None:
    lost = Transient("No answer.")

    assert after_gone(untried, KNOWN, "d-1", GONE, lost) == lost
    assert after_gone(in_doubt, KNOWN, "d-1", GONE, lost) == Undecided("No answer.")


def test_a_document_that_nobody_was_told_of_may_vanish_without_a_question(untried: Export) -> None:
    assert after_gone(untried, None, "d-1", GONE, ()) == Transient(GONE.message, GONE.code, is_reached=True)


def test_a_replaced_document_is_created_anew_only_if_it_is_not_there(untried: Export) -> None:
    unmarked = found_document(None, "d-1")

    assert after_probe(untried, None, (), NOW, (KNOWN,)) == Create()
    assert after_probe(untried, None, (unmarked,), NOW, (KNOWN,)) == Update("d-1")
    by_number = ErpDocument(connection="main", id="PO-d-1", number="PO-d-1")
    assert after_probe(untried, None, (unmarked,), NOW, (by_number,)) == Update("d-1")
    assert isinstance(after_probe(untried, None, (found_document(None, "d-2"),), NOW, (KNOWN,)), Refused)


def older(export: Export) -> FoundDocument:
    return found_document(marker_of(export.commitment_id, 1, "0" * 64), "d-1")


def test_a_document_known_only_by_its_number_is_updated_under_its_id(untried: Export) -> None:
    known = ErpDocument(connection="main", id="PO-d-1", number="PO-d-1")

    assert after_probe(untried, known, (found_document(document_id="d-7"), older(untried)), NOW) == Update("d-1")


def test_the_first_attempt_creates_a_document_where_there_is_none(untried: Export) -> None:
    assert after_probe(untried, None, (), NOW) == Create()


def test_our_marker_means_landed(untried: Export, in_doubt: Export) -> None:
    for export in (untried, in_doubt):
        found = found_document(export.marker)
        assert after_probe(export, None, (found_document(), found), NOW) == Landed((found,))


def test_a_later_revisions_marker_means_landed(untried: Export) -> None:
    later = found_document(marker_of("c-1", 3, "0" * 64))

    assert after_probe(untried, None, (later,), NOW) == Landed((later,))


def test_an_older_marker_means_update(untried: Export) -> None:
    assert after_probe(untried, None, (older(untried),), NOW) == Update("d-1")


def test_the_same_revision_with_other_content_means_update(untried: Export) -> None:
    disputed = found_document(marker_of("c-1", 2, "0" * 64))

    assert after_probe(untried, None, (disputed,), NOW) == Update("d-1")


def test_a_known_document_is_updated_even_if_the_erp_does_not_list_it(untried: Export) -> None:
    assert after_probe(untried, KNOWN, (), NOW) == Update("d-1")


@pytest.mark.parametrize("found", ["nothing", "older"])
def test_after_a_lost_answer_only_our_marker_proves_anything_before_quiet_until(in_doubt: Export, found: str) -> None:
    answer = () if found == "nothing" else (older(in_doubt),)

    early = after_probe(in_doubt, None, answer, NOW + QUIET - timedelta(milliseconds=1))
    late = after_probe(in_doubt, None, answer, NOW + QUIET)

    assert isinstance(early, Undecided)
    assert late == (Create() if found == "nothing" else Update("d-1"))


def test_a_reopened_export_still_waits_until_quiet_until() -> None:
    exports = after_attempt(exports_after(accepted_event(2)), Unknown("No answer.")).state
    reopened = leased(accepted(exports, accepted_event(2, 2), NOW, "main").state).by_revision[2]

    assert isinstance(after_probe(reopened, None, (), NOW), Undecided)
    assert after_probe(reopened, None, (), NOW + QUIET) == Create()


def test_in_doubt_a_document_without_a_marker_needs_a_person(in_doubt: Export) -> None:
    undecided = after_probe(in_doubt, None, (found_document(),), NOW + QUIET)

    assert isinstance(undecided, Undecided)
    assert undecided.needs_person


def test_no_second_document_is_created_beside_one_without_a_marker(untried: Export) -> None:
    refused = after_probe(untried, None, (found_document(),), NOW)

    assert isinstance(refused, Refused)
    assert refused.failure_class is FailureClass.FIX_SETUP
    assert "PO-d-1" in refused.message


def test_a_message_names_the_first_of_many_documents(untried: Export, in_doubt: Export) -> None:
    many = tuple(FoundDocument(str(number), "x" * 255) for number in range(1_000))

    refused, undecided = after_probe(untried, None, many, NOW), after_probe(in_doubt, None, many, NOW + QUIET)

    assert isinstance(refused, Refused)
    assert isinstance(undecided, Undecided)
    for message in (refused.message, undecided.asked):
        assert "and 990 more" in message
        assert len(message) < 4_000


def test_a_marker_of_another_commitment_is_not_ours(untried: Export) -> None:
    assert isinstance(after_probe(untried, None, (found_document(marker_of("c-10", 1, "0" * 64)),), NOW), Refused)


def test_a_failed_probe_ends_a_first_attempt_but_leaves_an_export_in_doubt(untried: Export, in_doubt: Export) -> None:
    for obstacle, seconds in ((Refused(FailureClass.FIX_SETUP, "No access."), 0), (Transient("Busy.", None, 7), 7)):
        assert after_probe(untried, None, obstacle, NOW) == obstacle
        undecided = Undecided(obstacle.message, retry_after_seconds=seconds)
        assert after_probe(in_doubt, None, obstacle, NOW) == undecided


def test_a_commitment_id_may_contain_slashes(untried: Export) -> None:
    export = replace(untried, commitment_id="a/1/b")
    found = found_document(marker_of("a/1/b", 1, "0" * 64))

    assert after_probe(export, None, (found,), NOW) == Update("d-1")


def test_a_document_that_cannot_be_read_hides_neither_ours_nor_that_something_is_there(
    untried: Export, in_doubt: Export
) -> None:
    unreadable, landed = UnreadableDocument("PO-7"), found_document(untried.marker)

    for export in (untried, in_doubt):
        assert after_probe(export, None, (unreadable, landed), NOW) == Landed((landed,))
        assert after_probe(export, None, (unreadable, older(export)), NOW + QUIET) == Update("d-1")
        assert after_probe(export, KNOWN, (unreadable,), NOW + QUIET) == Update("d-1")
    refused = after_probe(untried, None, (unreadable, UnreadableDocument()), NOW)
    assert isinstance(refused, Refused)
    assert "PO-7, a document whose id cannot be read" in refused.message
    undecided = after_probe(in_doubt, None, (unreadable,), NOW + QUIET)
    assert isinstance(undecided, Undecided)
    assert undecided.needs_person


def test_a_document_known_by_a_number_that_is_its_id_is_updated_under_its_id(untried: Export) -> None:
    known = ErpDocument(connection="main", id="PO-17", number="PO 17")

    assert after_probe(untried, known, (FoundDocument("PO 17"),), NOW) == Update("PO 17")


ANSWERED = Unknown("Vendor is on hold.", Refused(FailureClass.FIX_DATA, "Vendor is on hold.", "V-1"), is_reached=True)


@pytest.mark.parametrize("step", [Create(), Update("d-1")])
def test_a_write_that_the_erp_has_answered_is_not_repeated(step: Create | Update) -> None:
    answered = after_attempt(exports_after(), ANSWERED).state.by_revision[1]

    outcome = unless_tried_enough(answered, step, 10)

    assert isinstance(outcome, NotRepeated)
    assert (outcome.refused.failure_class, outcome.refused.code) == (FailureClass.FIX_DATA, "V-1")
    assert outcome.refused.message.endswith("It had answered to the write: Vendor is on hold.")


@pytest.mark.parametrize("step", [Create(), Update("d-1")])
def test_a_lost_write_is_repeated_up_to_the_limit(in_doubt: Export, step: Create | Update) -> None:
    assert unless_tried_enough(replace(in_doubt, attempts=9), step, 10) == step

    outcome = unless_tried_enough(replace(in_doubt, attempts=10), step, 10, "Main books")

    assert isinstance(outcome, NotRepeated)
    assert outcome.refused == Refused(
        FailureClass.RETRY_LATER,
        "Main books could not take SC-014 in 10 attempts. No answer.",
        "given_up",
        next_step="Retry the export once Main books is available again. If this stays, show the message to the ERP "
        "admin.",
    )


def test_a_doubt_that_an_earlier_release_stored_has_the_same_limit(in_doubt: Export) -> None:
    stored = replace(in_doubt, doubt=None, attempts=10)

    assert unless_tried_enough(replace(stored, attempts=1), Create(), 10) == Create()
    assert isinstance(unless_tried_enough(stored, Create(), 10), NotRepeated)


def test_only_the_repetition_of_a_write_is_limited(untried: Export, in_doubt: Export) -> None:
    tried = replace(untried, attempts=10)
    landed = Landed((found_document(),))

    assert unless_tried_enough(tried, Create(), 10) == Create()
    assert unless_tried_enough(replace(in_doubt, attempts=10), landed, 10) == landed
