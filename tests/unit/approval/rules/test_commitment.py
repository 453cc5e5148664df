"""The current status that follows from each combination of events."""

from datetime import timedelta
from itertools import permutations

import pytest
from pydantic import TypeAdapter

from schemas.commitment import Commitment
from schemas.envelope import Event, new_event
from schemas.events import EventData
from schemas.examples.cast import CONCRETE_1, snapshot
from schemas.fields import Status
from schemas.snapshot import Snapshot
from services.approval.rules.commitment import CommitmentFacts, current_status
from tests.unit.approval.rules.event_builders import (
    ID,
    NOW,
    B,
    accepted,
    after,
    confirmed,
    document,
    failed,
    in_doubt,
    rejected,
    resolved,
    retrieved,
    sent,
    status_after,
    succeeded,
)

LATER = NOW + timedelta(hours=1)


def titled(title: str) -> Snapshot:
    return snapshot(Commitment.model_validate(CONCRETE_1.model_dump() | {"title": title}))


@pytest.mark.parametrize(
    ("events", "status", "revision", "waiting_revision"),
    [
        ((sent(),), Status.READY, 1, None),
        ((sent(), sent(2)), Status.READY, 2, None),
        ((sent(2), sent()), Status.READY, 2, None),
        ((sent(), sent(1, B)), Status.DISPUTED, 1, None),
        ((sent(), sent(1, B), sent(2)), Status.READY, 2, None),
        ((sent(), retrieved()), Status.RETRIEVED, 1, None),
        ((retrieved(), sent()), Status.RETRIEVED, 1, None),
        ((sent(), sent(1, B), retrieved()), Status.RETRIEVED, 1, None),
        ((sent(), retrieved(), sent(2)), Status.READY, 2, None),
        ((sent(), accepted()), Status.EXPORTING, 1, None),
        ((sent(), accepted(), retrieved()), Status.EXPORTING, 1, None),
        ((sent(), accepted(), sent(2)), Status.EXPORTING, 1, 2),
        ((sent(), accepted(), sent(2), retrieved(2)), Status.EXPORTING, 1, None),
        ((sent(), accepted(), in_doubt(), sent(2)), Status.IN_DOUBT, 1, 2),
        ((sent(), accepted(), in_doubt(), resolved()), Status.IN_DOUBT, 1, None),
        ((sent(), accepted(), in_doubt(), failed()), Status.FAILED, 1, None),
        ((sent(), accepted(), failed(), in_doubt()), Status.FAILED, 1, None),
        ((sent(), accepted(), failed(), accepted(1, 2)), Status.EXPORTING, 1, None),
        ((sent(), accepted(), failed(), sent(2)), Status.READY, 2, None),
        ((sent(), accepted(), failed(), rejected(1, 1)), Status.REJECTED, 1, None),
        ((sent(), rejected()), Status.REJECTED, 1, None),
        ((sent(), rejected(), retrieved()), Status.REJECTED, 1, None),
        ((sent(), rejected(), sent(2)), Status.READY, 2, None),
        ((sent(), accepted(), succeeded()), Status.SYNCED, 1, None),
        ((sent(), accepted(), failed(), accepted(1, 2), succeeded(1, 1)), Status.SYNCED, 1, None),
        ((sent(), accepted(), succeeded(), sent(2)), Status.READY, 2, None),
        ((sent(2), accepted(2), succeeded(1), succeeded(2)), Status.SYNCED, 2, None),
    ],
)
def test_the_status_follows_from_the_facts(
    events: tuple[Event[EventData], ...], status: Status, revision: int, waiting_revision: int | None
) -> None:
    shown = status_after(*events)
    assert (shown.status, shown.revision, shown.waiting_revision) == (status, revision, waiting_revision)


@pytest.mark.parametrize("event", [retrieved(), accepted(), in_doubt(), failed(), succeeded(), rejected()])
def test_facts_before_the_submission_are_kept_and_not_shown(event: Event[EventData]) -> None:
    facts = after(event)
    assert facts != CommitmentFacts(ID)
    assert current_status(facts) is None


def test_an_export_is_shown_as_the_revision_that_was_accepted_while_a_newer_one_waits() -> None:
    shown = status_after(
        sent(1, titled("Concrete works")), accepted(), sent(2, titled("Concrete works, north")), in_doubt()
    )
    assert shown.summary.title == "Concrete works"


def test_a_ruling_on_a_revision_that_has_not_arrived_is_shown_with_the_latest_submission() -> None:
    shown = status_after(sent(1, titled("Concrete works")), succeeded(2))
    assert (shown.revision, shown.summary.title) == (2, "Concrete works")


def test_revisions_below_the_ruling_are_dropped() -> None:
    facts = after(sent(1), sent(2), sent(3), rejected(3), sent(4), sent(1))
    assert [submitted.revision for submitted in facts.submissions] == [3, 4]


def test_a_doubt_dates_from_the_lost_answer_and_shows_the_latest_probe() -> None:
    ruling = status_after(sent(), accepted(), in_doubt(probes=3, at=LATER), in_doubt(probes=2)).ruling
    assert ruling is not None
    assert ruling.doubt is not None
    assert (ruling.since, ruling.doubt.probes) == (NOW, 3)


def test_a_status_dates_from_the_event_not_from_its_arrival() -> None:
    assert status_after(sent(at=NOW)).since == NOW
    assert status_after(sent(at=NOW), retrieved(at=LATER)).since == LATER
    assert status_after(sent(at=NOW), rejected(at=LATER)).since == LATER


def test_the_document_is_the_one_that_was_written_last() -> None:
    facts = after(sent(), succeeded(2, number="PO-1001-2"), succeeded(1))
    assert facts.document == document("PO-1001-2")


def test_two_erp_ids_stay_visible() -> None:
    assert len(after(sent(), succeeded(number="PO-1"), succeeded(number="PO-2")).erp_ids) == 2


@pytest.mark.parametrize("events", [*permutations([confirmed(), succeeded(), succeeded(2)])])
def test_a_document_known_by_number_is_the_one_with_that_number_and_an_id(events: tuple[Event[EventData], ...]) -> None:
    facts = after(sent(), *events)
    assert facts.erp_ids == {("quickbooks", "id-of-PO-1001")}
    assert facts.document == document()


def test_documents_with_other_numbers_or_two_ids_are_different_ones() -> None:
    assert len(after(sent(), confirmed(number="PO-1"), succeeded(number="PO-2")).erp_ids) == 2
    twin = succeeded().data.model_copy(update={"erp_document": document().model_copy(update={"id": "another"})})
    facts = after(sent(), confirmed(), succeeded(), new_event(twin, source="test", time=NOW))
    assert facts.erp_ids == {("quickbooks", "id-of-PO-1001"), ("quickbooks", "another")}


def test_the_approved_terms_are_kept_for_a_retry() -> None:
    approved = after(sent(), accepted(), failed()).approved
    assert approved is not None
    assert (approved.revision, approved.round, approved.content_hash) == (1, 1, sent().data.commitment.content_hash)


@pytest.mark.parametrize(
    "events",
    [
        (),
        (sent(), sent(1, B), sent(2), retrieved(2)),
        (sent(), accepted(), in_doubt(probes=2), resolved()),
        (sent(), accepted(), failed()),
        (sent(), rejected(), succeeded()),
    ],
)
def test_stored_facts_load_unchanged(events: tuple[Event[EventData], ...]) -> None:
    stored = TypeAdapter(CommitmentFacts)
    facts = after(*events)
    assert stored.validate_json(stored.dump_json(facts)) == facts
