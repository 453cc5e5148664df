"""The approver who rejected a revision is asked again when its correction waits."""

from itertools import permutations

import pytest

from schemas.commitment import Person
from schemas.envelope import Event
from schemas.events import Change, EventData
from schemas.examples.cast import DANA
from services.approval.rules.approval_requests import ApprovalRequest, approval_requested, new_approval_request
from services.approval.rules.commitment import CommitmentFacts
from tests.unit.approval.rules.event_builders import (
    ID,
    NOW,
    B,
    accepted,
    after,
    failed,
    rejected,
    retrieved,
    sent,
    succeeded,
)


def requests(*events: Event[EventData]) -> list[tuple[int, int, str, Person]]:
    """The requests that arise while `events` are handled one by one."""
    found, before = [], CommitmentFacts(ID)
    for event in events:
        now_known = after(event, known=before)
        request = new_approval_request(before, now_known)
        found += [request] if request else []
        before = now_known
    return [(each.revision, each.previous_revision, each.previous_reason, each.approver) for each in found]


def test_the_approver_who_rejected_is_asked_once_in_any_order_of_events() -> None:
    for events in permutations((sent(1), rejected(1), sent(2, B))):
        assert requests(*events, *events) == [(2, 1, "Use 03-310.", DANA)]


def test_every_further_revision_is_requested() -> None:
    asked = requests(sent(1), rejected(1), sent(2, B), retrieved(2), sent(3))
    assert [(revision, previous) for revision, previous, *_ in asked] == [(2, 1), (3, 1)]


def test_a_rejected_failed_export_is_requested_when_it_is_re_sent() -> None:
    assert len(requests(sent(1), accepted(), failed(), rejected(1, 1), sent(2, B))) == 1


@pytest.mark.parametrize(
    "events",
    [
        (sent(1), sent(2, B)),
        (sent(1), rejected(1)),
        (sent(1), retrieved(1), sent(2, B)),
        (sent(1), accepted(), failed(), sent(2, B)),
        (sent(1), accepted(), succeeded(), sent(2, B)),
        (sent(1), rejected(1), retrieved(2), sent(2, B)),
        (rejected(1), retrieved(2)),
    ],
)
def test_nobody_is_asked_unless_a_newer_revision_waits_after_a_rejection(
    events: tuple[Event[EventData], ...],
) -> None:
    assert requests(*events) == []


def test_the_event_has_the_rejected_revision_the_reason_and_the_changes() -> None:
    before, waiting = after(sent(1), rejected(1)), after(sent(1), rejected(1), sent(2, B))
    request = new_approval_request(before, waiting)
    assert isinstance(request, ApprovalRequest)
    change = Change(field="Line 3 cost code", before="03-300", after="03-310")
    event = approval_requested(waiting, request, NOW, changes=[change], note="Moved.")
    assert (event.data.revision, event.data.previous_revision, event.data.approver) == (2, 1, DANA)
    assert (event.data.changes, event.data.note, event.data.previous_reason) == ((change,), "Moved.", "Use 03-310.")
    assert (event.subject, event.data.summary.number) == (ID, "SC-014")
