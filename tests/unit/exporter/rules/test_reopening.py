"""A revision in the ERP is written again, or unlinked, by order of an approver; nothing else reopens it."""

from dataclasses import replace

from schemas.commitment import ErpDocument
from schemas.fields import FailureClass
from services.exporter.connectors.types import FoundDocument, Landed, Refused, Unknown
from services.exporter.rules.event_handlers import accepted, rejected
from services.exporter.rules.export import CommitmentExports, ExportState
from services.exporter.rules.probe import Create, Update, after_probe
from tests.unit.exporter.builders import (
    NOW,
    accepted_event,
    after_attempt,
    exports_after,
    found_document,
    rejected_event,
)

DOCUMENT = ErpDocument(connection="main", id="d-1", number="PO-d-1")
AGAIN = accepted_event(round=2, reopened=1)
REFUSED = Refused(FailureClass.FIX_DATA, "Line 2: cost code 03-400 is closed.")
ANEW = accepted_event(round=2, reopened=1, replaces=DOCUMENT)


def synced() -> CommitmentExports:
    exports = exports_after()
    return after_attempt(exports, Landed((found_document(exports.by_revision[1].marker),))).state


def next_step(exports: CommitmentExports, *found: FoundDocument) -> object:
    assert exports.current is not None
    replaced = tuple(each.document for each in exports.replaced)
    return after_probe(exports.current, exports.document, found, NOW, replaced)


def test_a_higher_round_alone_does_not_reopen_a_success() -> None:
    decided = accepted(synced(), accepted_event(round=2), NOW, "main")

    assert decided.state.by_revision[1].state is ExportState.SUCCEEDED
    assert [event.data.topic for event in decided.publish] == ["export.succeeded"]


def test_a_reopened_revision_is_written_again_to_its_document() -> None:
    before = synced()
    decided = accepted(before, AGAIN, NOW, "main")

    export = decided.state.by_revision[1]
    assert (export.state, export.reopened, decided.publish, decided.state.due_at) == (ExportState.PENDING, 1, (), NOW)
    assert decided.state.document == DOCUMENT
    assert next_step(decided.state, found_document(before.by_revision[1].marker)) == Update("d-1")
    assert next_step(decided.state, found_document(export.marker)) == Landed((found_document(export.marker),))


def test_what_was_written_again_has_another_marker() -> None:
    first, again = synced().by_revision[1], accepted(synced(), AGAIN, NOW, "main").state.by_revision[1]

    assert again.marker == f"{first.marker}/1"


def test_the_outcome_says_that_it_was_reopened() -> None:
    reopened = accepted(synced(), AGAIN, NOW, "main").state

    (landed,) = after_attempt(reopened, Landed((found_document(),))).publish
    (failed,) = after_attempt(reopened, REFUSED).publish
    (doubt,) = after_attempt(reopened, Unknown("No answer.")).publish

    assert [event.data.reopened for event in (landed, failed, doubt)] == [1, 1, 1]  # type: ignore[attr-defined]


def test_a_document_that_is_no_longer_its_own_is_replaced_by_a_new_one() -> None:
    reopened = accepted(synced(), ANEW, NOW, "main").state

    assert (reopened.document, next_step(reopened)) == (None, Create())
    new = after_attempt(reopened, Landed((found_document(document_id="d-2"),))).state
    assert new.document is not None
    assert new.document.id == "d-2"


def test_a_document_that_is_there_after_all_is_its_own_again() -> None:
    reopened = accepted(synced(), ANEW, NOW, "main").state

    assert next_step(reopened, found_document()) == Update("d-1")
    again = after_attempt(reopened, Landed((found_document(),))).state
    assert again.document == DOCUMENT


def test_it_can_be_reopened_more_than_once() -> None:
    once = after_attempt(
        accepted(synced(), ANEW, NOW, "main").state, Landed((found_document(document_id="d-2"),))
    ).state
    second = DOCUMENT.model_copy(update={"id": "d-2", "number": "PO-d-2"})

    twice = accepted(once, accepted_event(round=3, reopened=2, replaces=second), NOW, "main").state

    assert (twice.document, twice.by_revision[1].state) == (None, ExportState.PENDING)


def test_an_order_that_was_overtaken_by_a_reopening_changes_nothing() -> None:
    reopened = accepted(synced(), AGAIN, NOW, "main").state

    again = accepted(reopened, AGAIN, NOW, "main")
    earlier = accepted(reopened, accepted_event(), NOW, "main")

    assert (again.is_changed, earlier.is_changed) == (False, False)


def test_a_success_of_before_does_not_end_a_reopening() -> None:
    waiting = exports_after()
    held = after_attempt(waiting, Unknown("No answer.")).state
    reopened = accepted(held, AGAIN, NOW, "main").state

    assert (reopened.by_revision[1].state, reopened.by_revision[1].reopened) == (ExportState.PENDING, 1)
    assert next_step(replace(reopened), found_document(waiting.by_revision[1].marker)) != Landed(
        (found_document(waiting.by_revision[1].marker),)
    )


def test_a_revision_that_is_given_back_leaves_its_document_to_the_erp() -> None:
    unlinked = rejected(synced(), rejected_event(round=2, unlinks=DOCUMENT, reopened=1), NOW).state
    later = accepted(unlinked, accepted_event(2), NOW, "main").state

    assert (unlinked.document, unlinked.due_at) == (None, None)
    assert (later.document, next_step(later)) == (None, Create())


def test_a_rejected_update_may_unlink_the_document_as_well() -> None:
    waiting = accepted(synced(), accepted_event(2), NOW, "main").state

    unlinked = rejected(waiting, rejected_event(2, unlinks=DOCUMENT), NOW).state

    assert unlinked.document is None
    assert unlinked.by_revision[2].state is ExportState.FAILED


def test_what_was_unlinked_counts_in_whatever_order_the_decisions_are_read() -> None:
    unlinked = {"document": DOCUMENT, "revision": 1, "reopened": 1}
    rejection, order = rejected_event(round=2, unlinks=DOCUMENT, reopened=1), accepted_event(2, unlinked=(unlinked,))

    overtaken = accepted(synced(), order, NOW, "main").state
    in_turn = accepted(rejected(synced(), rejection, NOW).state, order, NOW, "main").state

    assert (overtaken.document, next_step(overtaken)) == (None, Create())
    assert rejected(overtaken, rejection, NOW).state == in_turn


def test_of_two_documents_the_one_that_the_order_names_is_written_to() -> None:
    late = DOCUMENT.model_copy(update={"id": "d-2", "number": "PO-d-2"})
    both = (found_document(), found_document(document_id="d-2"))

    reopened = accepted(synced(), accepted_event(round=2, reopened=1, updates=late), NOW, "main").state
    restored = accepted(CommitmentExports("c-1"), accepted_event(round=2, reopened=1, updates=late), NOW, "main").state

    assert next_step(reopened, *both) == next_step(restored, *both) == Update("d-2")


def test_a_retry_goes_to_the_document_that_was_chosen_before() -> None:
    late = DOCUMENT.model_copy(update={"id": "d-2", "number": "PO-d-2"})
    reopened = accepted(synced(), accepted_event(round=2, reopened=1, updates=late), NOW, "main").state

    retried = accepted(after_attempt(reopened, REFUSED).state, accepted_event(round=3, reopened=1), NOW, "main").state

    assert retried.document == late


def test_another_document_is_written_to_before_one_that_was_unlinked_and_is_there_after_all() -> None:
    reopened = accepted(synced(), ANEW, NOW, "main").state

    marker = synced().by_revision[1].marker
    assert next_step(reopened, found_document(marker), found_document(marker, "d-2")) == Update("d-2")
