"""An approver's evidence counts once the ERP has confirmed it; a document that is not there is no evidence."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from schemas.commitment import ErpDocument, Person
from schemas.events import ExportInDoubt
from schemas.fields import FailureClass
from services.exporter.connectors.types import ErpCopy, FoundDocument, Gone, Landed, Refused, Transient, Unknown
from services.exporter.rules.circuit import Circuit
from services.exporter.rules.event_handlers import accepted, resolved
from services.exporter.rules.evidence import MAX_READS, after_reading, asked_for, on_trust
from services.exporter.rules.export import CommitmentExports, ExportState
from services.exporter.rules.outcome import AttemptOutcome, NotSent, Unconfirmed, Undecided, WrongEvidence
from services.exporter.rules.settling import begin_attempt, unless_changed
from tests.unit.exporter.builders import (
    NOW,
    POLICY,
    SECOND,
    accepted_event,
    after_attempt,
    exports_after,
    found_document,
    resolved_event,
)

NAMED = ErpDocument(connection="main", id="PO-9", number="PO-9")
HASH = "0" * 64
GONE = Gone(FailureClass.FIX_SETUP, "There is no such document.")


def doubtful() -> CommitmentExports:
    return after_attempt(exports_after(), Unknown("No answer.")).state


def named(exports: CommitmentExports, evidence: int = 1) -> CommitmentExports:
    return resolved(exports, resolved_event(evidence=evidence), NOW).state


def test_the_document_that_the_erp_shows_counts_with_the_erps_own_id() -> None:
    export = doubtful().by_revision[1]

    outcome = after_reading(export, NAMED, ErpCopy(FoundDocument("d-9", "PO-9")), ())

    assert outcome == Landed((FoundDocument("d-9", "PO-9"),))


def test_a_document_without_a_number_is_asked_for_by_its_id_and_called_so() -> None:
    named = ErpDocument(connection="main", id="1")
    gone = after_reading(doubtful().by_revision[1], named, GONE, ())

    assert asked_for(named) == "1"
    assert gone == WrongEvidence("ID 1 was named as its document, but the ERP has no ID 1.")


@pytest.mark.parametrize(
    ("shown", "is_it"),
    [
        (FoundDocument("2"), True),
        (FoundDocument("2", "PO-7"), True),  # the ERP has given it a number since
        (FoundDocument("9", "2"), False),
        (FoundDocument("9"), False),
    ],
)
def test_an_id_names_the_document_with_that_id_and_never_one_with_that_number(
    shown: FoundDocument, *, is_it: bool
) -> None:
    named = ErpDocument(connection="main", id="2")

    outcome = after_reading(doubtful().by_revision[1], named, ErpCopy(shown, reference="2"), ())

    assert isinstance(outcome, Landed if is_it else WrongEvidence)


def test_a_document_with_our_marker_beside_it_is_shown_as_well() -> None:
    export = doubtful().by_revision[1]
    ours = found_document(export.marker)

    outcome = after_reading(export, NAMED, ErpCopy(FoundDocument("d-9", "PO-9")), (ours, found_document()))

    assert outcome == Landed((FoundDocument("d-9", "PO-9"), ours))


def test_a_document_that_is_found_by_its_own_marker_is_one() -> None:
    export = doubtful().by_revision[1]
    ours = found_document(export.marker)

    named = ErpDocument(connection="main", id="PO-d-1", number="PO-d-1")

    assert after_reading(export, named, ErpCopy(ours), (ours,)) == Landed((ours,))


@pytest.mark.parametrize("marker", [f"c-2/1/{HASH}", f"c/2/1/{HASH}/1", f"c-1/2/1/{HASH}"])
def test_the_document_of_another_commitment_is_no_evidence(marker: str) -> None:
    copy = ErpCopy(FoundDocument("d-9", "PO-9", marker=marker))

    outcome = after_reading(doubtful().by_revision[1], NAMED, copy, ())

    assert isinstance(outcome, WrongEvidence)
    assert outcome.message == f"PO-9 is the document of another commitment: its marker is {marker}."


@pytest.mark.parametrize(
    "copy",
    [
        ErpCopy(FoundDocument("PO-9", "PO-12")),  # its id is what a person read as a number
        ErpCopy(FoundDocument("d-9", "PO-90")),
        ErpCopy(FoundDocument("d-9"), reference="SC-1"),
    ],
)
def test_a_document_that_is_called_otherwise_is_no_evidence(copy: ErpCopy) -> None:
    outcome = after_reading(doubtful().by_revision[1], NAMED, copy, ())

    assert isinstance(outcome, WrongEvidence)
    assert "PO-9 was named as its document, but the ERP shows" in outcome.message


@pytest.mark.parametrize(
    ("named", "copy"),
    [
        (NAMED, ErpCopy(FoundDocument("PO-9"))),
        (NAMED, ErpCopy(FoundDocument("17"), reference="PO-9")),
        (NAMED, ErpCopy(FoundDocument("17", "PO  9".replace("  ", "-")))),
        (ErpDocument(connection="main", id="17", number="PO-9"), ErpCopy(FoundDocument("17", "PO-9 (draft)"))),
    ],
)
def test_a_document_is_called_by_its_number_or_the_id_that_was_given(named: ErpDocument, copy: ErpCopy) -> None:
    assert isinstance(after_reading(doubtful().by_revision[1], named, copy, ()), Landed)


def test_a_document_that_holds_an_earlier_revision_is_no_evidence() -> None:
    update = replace(doubtful().by_revision[1], revision=2)
    again = replace(doubtful().by_revision[1], reopened=1)
    older = ErpCopy(FoundDocument("d-9", "PO-9", marker=f"c-1/1/{HASH}"))

    assert isinstance(after_reading(update, NAMED, older, ()), WrongEvidence)
    assert isinstance(after_reading(again, NAMED, older, ()), WrongEvidence)


def test_an_erp_that_answers_without_showing_it_is_not_asked_for_ever() -> None:
    export, unreadable = doubtful().by_revision[1], Transient("It cannot be read.", is_reached=True)

    assert isinstance(after_reading(export, NAMED, unreadable, ()), Undecided)
    assert after_reading(replace(export, probes=10), NAMED, unreadable, ()) == WrongEvidence(
        "PO-9 was named as its document, but cannot be read. It cannot be read."
    )
    away = Transient("No route.")
    assert isinstance(after_reading(replace(export, probes=10), NAMED, away, ()), Undecided)


@pytest.mark.parametrize("marker", [None, "", "made by hand", "c-1/1/short", f"c-1/1/{HASH}", f"c-1/1/{HASH}/3"])
def test_a_document_without_another_commitments_marker_is_evidence(marker: str | None) -> None:
    copy = ErpCopy(FoundDocument("d-9", "PO-9", marker=marker))

    assert isinstance(after_reading(doubtful().by_revision[1], NAMED, copy, ()), Landed)


def test_a_document_that_the_erp_does_not_have_is_no_evidence() -> None:
    outcome = after_reading(doubtful().by_revision[1], NAMED, GONE, ())

    assert outcome == WrongEvidence("PO-9 was named as its document, but the ERP has no PO-9.")


def test_a_document_that_the_erp_does_not_show_is_no_evidence() -> None:
    refused = Refused(FailureClass.FIX_DATA, "Two documents have this number.")

    outcome = after_reading(doubtful().by_revision[1], NAMED, refused, ())

    assert outcome == WrongEvidence(
        "PO-9 was named as its document, but cannot be read. Two documents have this number."
    )


def test_an_erp_that_does_not_answer_leaves_the_evidence_open() -> None:
    outcome = after_reading(doubtful().by_revision[1], NAMED, Transient("No route.", retry_after_seconds=7.0), ())

    assert outcome == Undecided("Asked for PO-9: No route.", retry_after_seconds=7.0)


@pytest.mark.parametrize(
    "answer",
    [
        Refused(FailureClass.FIX_SETUP, "The token has expired."),
        Refused(FailureClass.RETRY_LATER, "Closed for the night."),
        Transient("Too many requests.", retry_after_seconds=60.0, is_reached=True),
    ],
)
def test_an_erp_that_does_not_let_us_read_says_nothing_of_the_document_however_often(
    answer: Refused | Transient,
) -> None:
    export = replace(doubtful().by_revision[1], probes=1_000)

    outcome = after_reading(export, NAMED, answer, ())

    wait = answer.retry_after_seconds if isinstance(answer, Transient) else 0.0
    assert outcome == Undecided(f"Asked for PO-9: {answer.message}", retry_after_seconds=wait)


def test_why_evidence_waits_is_told_also_while_calls_are_held_back() -> None:
    paused = Circuit(paused_until=NOW + timedelta(minutes=5))

    decided = after_attempt(named(doubtful()), Undecided("Asked for PO-9: HTTP 429."), circuit=paused)

    (event,) = decided.publish
    assert isinstance(event.data, ExportInDoubt)
    assert (event.data.asked.split(" It is")[0], event.data.checks_evidence) == ("Asked for PO-9: HTTP 429.", 1)
    assert event.data.refused_evidence == 0


def test_an_erp_that_does_not_answer_about_evidence_for_long_is_asked_less_often() -> None:
    exports = named(doubtful())
    for _ in range(20):
        exports = after_attempt(exports, Undecided("Asked for PO-9: no route.")).state

    assert exports.due_at == NOW + POLICY.probe_delay(20 - MAX_READS, "c-1")


def test_wrong_evidence_leaves_the_export_in_doubt_and_says_so() -> None:
    exports = named(doubtful())

    decided = after_attempt(exports, WrongEvidence("The ERP has no PO-9."))

    (event,) = decided.publish
    assert isinstance(event.data, ExportInDoubt)
    assert (event.data.asked, event.data.refused_evidence) == ("The ERP has no PO-9.", 1)
    export = decided.state.by_revision[1]
    assert (export.state, decided.state.evidence_for(export)) == (ExportState.IN_DOUBT, None)
    assert export.due_at is not None


def test_other_evidence_after_wrong_one_is_asked_about_again() -> None:
    refused = after_attempt(named(doubtful()), WrongEvidence("The ERP has no PO-9.")).state

    exports = named(refused, evidence=2)

    evidence = exports.evidence_for(exports.by_revision[1])
    assert (evidence and evidence.number, exports.due_at) == (2, NOW)


def test_evidence_that_was_refused_does_not_return_with_a_repeated_event() -> None:
    refused = after_attempt(named(doubtful()), WrongEvidence("The ERP has no PO-9.")).state

    again = resolved(refused, resolved_event(), NOW)

    assert (again.is_changed, again.state) == (False, refused)


def test_the_erp_is_asked_often_while_evidence_is_open() -> None:
    exports = named(doubtful())
    for _ in range(5):
        exports = after_attempt(exports, Undecided("Asked for PO-9: no route.", needs_person=True)).state

    assert exports.due_at == NOW + POLICY.probe_delay(0, "c-1")


def test_an_export_that_was_ordered_again_goes_on_without_wrong_evidence() -> None:
    ordered = accepted(named(doubtful()), accepted_event(round=2), NOW, "main").state

    decided = after_attempt(ordered, WrongEvidence("The ERP has no PO-9."))

    assert (decided.publish, decided.state.by_revision[1].state) == ((), ExportState.PENDING)
    assert decided.state.due_at == NOW


def test_a_persons_word_counts_where_nobody_can_ask() -> None:
    assert on_trust(NAMED) == Landed((FoundDocument("PO-9", "PO-9"),))


@pytest.mark.parametrize(
    ("meanwhile", "outcome", "is_kept"),
    [
        ({}, Unconfirmed("Nobody can say."), True),
        ({"confirmed_by": SECOND}, Unconfirmed("Nobody can say."), False),
        ({"confirmed_by": SECOND}, WrongEvidence("The ERP has no PO-9."), True),
        ({"confirmed_by": SECOND}, on_trust(NAMED), True),
        ({"withdrawn_by": SECOND}, on_trust(NAMED), False),
    ],
)
def test_what_approvers_say_during_a_check_is_not_lost(
    meanwhile: dict[str, Person], outcome: AttemptOutcome, *, is_kept: bool
) -> None:
    exports = begin_attempt(named(doubtful()), uuid4(), NOW + timedelta(minutes=1), POLICY, NOW)
    checked = exports.resolved[1].document
    said = resolved(exports, resolved_event(**meanwhile), NOW).state if meanwhile else exports

    assert unless_changed(said, checked, outcome, is_confirmed=False) == (outcome if is_kept else NotSent())
