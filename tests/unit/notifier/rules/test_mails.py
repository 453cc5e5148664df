"""Who gets a mail, once, under which name, and until when."""

from datetime import date, timedelta

import pytest

from schemas.commitment import Person
from services.notifier.rules.mails import MailData, is_expired, mails_of, message_id, subject, thread_id
from tests.unit.notifier.occasions import (
    ALL,
    ANA,
    DANA,
    NOW,
    SAM,
    SUMMARY,
    digest_ready,
    event_of,
    export_failed,
    mail_of,
    rejected,
    resent,
)


def told(data: MailData) -> list[str]:
    return [mail.recipient.name for mail in mails_of(event_of(data), NOW)]


def test_a_rejection_goes_to_creator_and_sender() -> None:
    assert told(rejected()) == ["Ana Gil", "Sam Lee"]


def test_a_failed_export_goes_to_creator_sender_and_approver() -> None:
    assert told(export_failed()) == ["Ana Gil", "Sam Lee", "Dana Ruiz"]


def test_a_resent_revision_goes_to_the_approver_who_rejected_it() -> None:
    assert told(resent()) == ["Dana Ruiz"]


def test_a_daily_summary_goes_to_its_reader() -> None:
    assert told(digest_ready()) == ["Dana Ruiz"]


def test_one_person_in_two_roles_gets_one_mail() -> None:
    assert told(rejected(SUMMARY.model_copy(update={"creator": SAM}))) == ["Sam Lee"]


def test_two_people_behind_one_address_get_one_mail_whatever_its_case() -> None:
    shared = Person(id="p-other", name="Site Office", email="SAM.LEE@pm.example")
    assert told(rejected(SUMMARY.model_copy(update={"creator": shared}))) == ["Site Office"]


def test_an_approver_who_also_sent_it_gets_one_mail_about_the_failure() -> None:
    assert told(export_failed(decided_by=SAM)) == ["Ana Gil", "Sam Lee"]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (rejected(), "Rejected: SC-014 Concrete works (Riverside Tower)"),
        (export_failed(), "Export failed: SC-014 Concrete works (Riverside Tower)"),
        (resent(), "Re-sent: SC-014 Concrete works (Riverside Tower), revision 2"),
        (digest_ready(), "ERP Integrations Daily Summary"),
    ],
)
def test_the_subject_names_occasion_item_and_project(data: MailData, expected: str) -> None:
    assert subject(mail_of(data)) == expected


def test_white_space_in_a_title_is_collapsed() -> None:
    spread = SUMMARY.model_copy(update={"title": " Concrete\r\nBcc: all@pm.example\t\u2028works "})
    assert subject(mail_of(rejected(spread))) == "Rejected: SC-014 Concrete Bcc: all@pm.example works (Riverside Tower)"


def test_a_title_without_a_readable_character_leaves_no_gap() -> None:
    blank = SUMMARY.model_copy(update={"title": " \u0007\u202e "})
    assert subject(mail_of(rejected(blank))) == "Rejected: SC-014 (Riverside Tower)"


def test_a_very_long_title_is_cut() -> None:
    long = SUMMARY.model_copy(update={"title": "x" * 500})
    assert subject(mail_of(rejected(long))) == f"Rejected: SC-014 {'x' * 149}… (Riverside Tower)"


@pytest.mark.parametrize("data", ALL)
def test_a_repeat_of_an_event_gives_the_same_message_ids(data: MailData) -> None:
    first, again = mails_of(event_of(data), NOW), mails_of(event_of(data), NOW + timedelta(days=1))
    ids = [message_id(mail, "desk.example") for mail in first]
    assert ids == [message_id(mail, "desk.example") for mail in again]
    assert len(set(ids)) == len(ids)
    assert all(each.startswith("<") and each.endswith("@desk.example>") for each in ids)


def test_every_mail_about_a_commitment_is_in_its_thread() -> None:
    threads = {thread_id(mail_of(data), "desk.example") for data in (rejected(), export_failed(), resent())}
    assert len(threads) == 1
    assert thread_id(mail_of(rejected(commitment_id="8842")), "desk.example") not in threads


def test_the_summaries_of_two_days_or_two_people_are_not_one_thread() -> None:
    variants = (digest_ready(), digest_ready(local_date=date(2026, 11, 23)), digest_ready(recipient=ANA))
    assert len({thread_id(mail_of(data), "desk.example") for data in variants}) == len(variants)


def test_a_daily_summary_is_of_use_for_a_day_from_when_it_was_due() -> None:
    late = mail_of(digest_ready(), time=NOW + timedelta(hours=5))
    assert not is_expired(late, NOW + timedelta(hours=24) - timedelta(seconds=1))
    assert is_expired(late, NOW + timedelta(hours=24))


@pytest.mark.parametrize("data", [rejected(), export_failed(), resent()])
def test_other_mails_are_of_use_for_a_week_from_the_event(data: MailData) -> None:
    assert not is_expired(mail_of(data), NOW + timedelta(days=7) - timedelta(seconds=1))
    assert is_expired(mail_of(data), NOW + timedelta(days=7))


def test_only_the_daily_summary_is_about_no_commitment() -> None:
    assert [mail_of(data).commitment_id for data in ALL] == ["8841", "8841", "8841", None]
    assert mail_of(resent()).recipient == DANA
