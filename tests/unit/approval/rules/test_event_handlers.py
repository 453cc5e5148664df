"""The rows and status events that an event produces, and the events that are refused."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from schemas.envelope import Event, new_event
from schemas.events import CommitmentStatus, EventData, MailSettled, SubmissionRefused
from schemas.examples.cast import ANA, SAM
from schemas.fields import MailOutcome, Status
from schemas.topics import BY_NAME
from services.approval.handlers import (
    CONNECTION_HANDLERS,
    HANDLERS,
    PEOPLE_HANDLERS,
    PREFERENCE_HANDLERS,
    REFERENCE_HANDLERS,
)
from services.approval.rules.commitment import CommitmentFacts
from services.approval.rules.rows import HistoryEntry, StoredRow, SubmissionRow
from services.pipeline.fold import Decided, RefusedError
from tests.unit.approval.rules.event_builders import (
    COMPANY,
    HANDLE,
    ID,
    NOW,
    A,
    B,
    accepted,
    after,
    failed,
    in_doubt,
    rejected,
    resolved,
    retrieved,
    sent,
    succeeded,
)


def decided(event: Event[EventData], *before: Event[EventData]) -> Decided[CommitmentFacts, StoredRow]:
    return HANDLE[type(event.data)](after(*before), event, NOW)


def statuses(decision: Decided[CommitmentFacts, StoredRow]) -> list[Status]:
    return [event.data.status for event in decision.publish if isinstance(event.data, CommitmentStatus)]


def mail(company_id: str = COMPANY, commitment_id: str | None = ID, kind: str = "rejected") -> Event[MailSettled]:
    data = MailSettled(
        company_id=company_id,
        event_id="3a5f0c1e-0000-5000-8000-000000000001",
        kind=kind,
        recipient=ANA,
        recipient_id=ANA.id,
        commitment_id=commitment_id,
        outcome=MailOutcome.SENT,
        settled_at=NOW,
    )
    return new_event(data, source="test", time=NOW)


def test_every_topic_that_approval_reads_has_one_handler() -> None:
    of_commitments = [on.data_type.topic for on in HANDLERS]
    others = (*PEOPLE_HANDLERS, *PREFERENCE_HANDLERS, *CONNECTION_HANDLERS, *REFERENCE_HANDLERS)
    of_others = {on.data_type.topic for on in others}
    assert len(of_commitments) == len(set(of_commitments))
    assert of_others | set(of_commitments) == set(BY_NAME) - {
        "approval.requested",
        "commitment.status",
        "digest.ready",
    }


def test_a_submission_is_stored_verbatim_and_published_as_a_status() -> None:
    decision = decided(sent(note="Please hurry."))
    submission, entry = decision.rows
    assert isinstance(submission, SubmissionRow)
    assert isinstance(entry, HistoryEntry)
    assert (submission.text, submission.content_hash, submission.note) == (A.text, A.content_hash, "Please hurry.")
    assert entry.text == "Sam Lee sent revision 1. Note: Please hurry."
    assert statuses(decision) == [Status.READY]


def test_a_submission_that_came_too_late_to_matter_is_still_stored() -> None:
    decision = decided(sent(1), sent(3), rejected(3))
    assert not decision.is_changed
    assert [type(row) for row in decision.rows] == [SubmissionRow]


@pytest.mark.parametrize("event", [sent(), retrieved(), accepted(), in_doubt(), failed(), succeeded(), rejected()])
def test_a_repeated_event_changes_nothing(event: Event[EventData]) -> None:
    known = after(sent(), event)
    assert decided(event, sent(), event) == Decided(known, is_changed=False)


def test_facts_before_the_submission_are_published_with_it() -> None:
    assert statuses(decided(retrieved())) == []
    assert statuses(decided(sent(), retrieved())) == [Status.RETRIEVED]


def test_a_late_retrieve_publishes_the_status_again() -> None:
    decision = decided(retrieved(), sent(), accepted())
    (entry,) = decision.rows
    assert statuses(decision) == [Status.EXPORTING]
    assert isinstance(entry, HistoryEntry)
    assert entry.text == "Sam Lee retrieved revision 1. It came too late: the revision had been answered."


def test_a_status_event_continues_the_trace_of_its_cause() -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    assert [event.traceparent for event in decided(replace(sent(), traceparent=trace)).publish] == [trace]


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (sent(2, B), "Sam Lee re-sent it as revision 2."),
        (retrieved(), "Sam Lee retrieved revision 1."),
        (accepted(), "Dana Ruiz accepted revision 1."),
        (accepted(1, 2), "Dana Ruiz ordered export 2 of revision 1."),
        (rejected(), "Dana Ruiz rejected revision 1: Use 03-310."),
        (resolved(), "Dana Ruiz named PO-1001 as the ERP's document of revision 1."),
        (in_doubt(), "The ERP did not confirm revision 1. PO by reference: no answer."),
        (failed(), "Revision 1 was not exported. Vendor ACME is not active."),
        (succeeded(), "Revision 1 is in the ERP as PO-1001."),
        (mail(), "Mail to Ana Gil about the rejection: sent."),
        (mail(kind="approval_overdue"), "Mail to Ana Gil about approval overdue: sent."),
    ],
)
def test_the_history_says_what_happened(event: Event[EventData], words: str) -> None:
    entry = decided(event, sent()).rows[-1]
    assert isinstance(entry, HistoryEntry)
    assert (entry.text, entry.event_id, entry.kind) == (words, event.id, event.data.topic)


def test_a_mail_changes_only_the_history() -> None:
    decision = decided(mail(), sent())
    assert (decision.state, decision.publish, decision.is_changed) == (after(sent()), (), False)


def test_the_mail_of_a_daily_summary_belongs_to_no_commitment() -> None:
    known = CommitmentFacts(ANA.id)
    assert HANDLE[MailSettled](known, mail(commitment_id=None), NOW) == Decided(known, is_changed=False)


def refused_submission(company_id: str = COMPANY, **members: Any) -> Event[SubmissionRefused]:
    plain = {"company_id": company_id, "commitment_id": ID, "message_hash": "a" * 64, "reason": "too_large"}
    told = {"message": "SC-014 did not reach accounting: 2001 lines.", "next_step": "Make it smaller."}
    return new_event(SubmissionRefused.model_validate(plain | told | members), source="test", time=NOW)


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"revision": 2, "sent_by": SAM}, "What Sam Lee sent as revision 2 could not be taken."),
        ({}, "What was sent as a revision could not be taken."),
    ],
)
def test_what_could_not_be_taken_changes_only_the_history(members: dict[str, Any], words: str) -> None:
    decision = decided(refused_submission(**members), sent())
    assert (decision.state, decision.publish, decision.is_changed) == (after(sent()), (), False)
    (entry,) = decision.rows
    assert isinstance(entry, HistoryEntry)
    assert entry.text == f"{words} SC-014 did not reach accounting: 2001 lines."


def test_what_another_company_sent_is_not_noted() -> None:
    assert decided(refused_submission("company-999"), sent()) == Decided(after(sent()), is_changed=False)
    about_it = mail("company-999", kind="submission_refused")
    assert decided(about_it, sent()) == Decided(after(sent()), is_changed=False)


def test_an_event_of_another_company_is_refused() -> None:
    stranger = retrieved()
    stranger = replace(stranger, data=stranger.data.model_copy(update={"company_id": "company-999"}))
    with pytest.raises(RefusedError, match="belongs to another company") as refused:
        decided(stranger, sent())
    assert refused.value.reason == "other_company"
    with pytest.raises(RefusedError):
        decided(mail("company-999"), sent())


def test_the_status_version_rises_even_if_the_clock_does_not() -> None:
    first = after(sent(), now=NOW + timedelta(hours=1))
    second = after(retrieved(), known=first)
    assert second.status_version == first.status_version + 1
