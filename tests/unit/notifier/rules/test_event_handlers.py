"""Which mails an event queues."""

import pytest

from services.notifier.rules.event_handlers import QueuedMails, queue_mails
from services.pipeline.fold import RefusedError
from tests.unit.notifier.event_builders import NOW, event_of, export_failed, rejected, submission_refused


def test_an_event_queues_its_mails_and_a_repeat_changes_nothing() -> None:
    first = queue_mails(QueuedMails(), event_of(rejected()), NOW)
    again = queue_mails(first.state, event_of(rejected()), NOW)
    assert [mail.recipient.name for mail in first.rows] == ["Ana Gil", "Sam Lee"]
    assert (again.rows, again.is_changed, again.state) == ((), False, first.state)


def test_each_event_of_a_commitment_queues_its_mails() -> None:
    first = queue_mails(QueuedMails(), event_of(rejected()), NOW)
    second = queue_mails(first.state, event_of(export_failed()), NOW)
    assert len(second.rows) == 3
    assert len(second.state.event_ids) == 2


def test_an_event_of_another_company_for_a_known_commitment_is_refused() -> None:
    known = queue_mails(QueuedMails(), event_of(rejected()), NOW).state
    with pytest.raises(RefusedError, match="belongs to company c-1") as refused:
        queue_mails(known, event_of(export_failed(company_id="c-2")), NOW)
    assert refused.value.reason == "other_company"


def test_a_refused_submission_does_not_tell_which_company_a_commitment_belongs_to() -> None:
    misnamed = event_of(submission_refused(company_id="c-2"))
    first = queue_mails(QueuedMails(), misnamed, NOW)
    right = queue_mails(first.state, event_of(rejected()), NOW)
    again = queue_mails(right.state, event_of(submission_refused(company_id="c-2", message_hash="b" * 64)), NOW)
    assert [len(each.rows) for each in (first, right, again)] == [2, 2, 2]
    assert again.state.company_id == "c-1"
