"""Who gets a mail, its subject and ids, and when it expires."""

from datetime import date, timedelta

import pytest

from schemas.commitment import Person
from schemas.events import DigestReady
from services.notifier.rules.mails.mail import mails_of, message_id, thread_id
from services.notifier.rules.mails.mail_type import MailData
from tests.unit.notifier.event_builders import (
    ANA,
    DANA,
    NOW,
    ONE_OF_EACH,
    SAM,
    SUMMARY,
    digest_ready,
    event_of,
    export_failed,
    mail_of,
    recipients_of,
    rejected,
    resent,
)


def test_one_person_in_two_roles_gets_one_mail() -> None:
    assert recipients_of(rejected(SUMMARY.model_copy(update={"creator": SAM}))) == ["Sam Lee"]


@pytest.mark.parametrize("email", [None, "sam.lee@localhost", "sam!lee@pm.example"])
def test_a_person_who_is_also_named_without_a_usable_address_gets_the_mail(email: str | None) -> None:
    creator = SAM.model_copy(update={"email": email})
    (mail,) = mails_of(event_of(rejected(SUMMARY.model_copy(update={"creator": creator}))), NOW)
    assert mail.recipient == SAM


def test_two_people_who_share_an_address_get_one_mail_whatever_its_case() -> None:
    shared = Person(id="p-other", name="Site Office", email="SAM.LEE@pm.example")
    assert recipients_of(rejected(SUMMARY.model_copy(update={"creator": shared}))) == ["Site Office"]


@pytest.mark.parametrize(
    ("creator", "sender", "count"),
    [
        ("sam@bücher.example", "sam@XN--BCHER-KVA.example", 1),
        ("sam@straße.example", "sam@strasse.example", 2),  # two domains, although case folding makes them one
        ("sam:lee@pm.example", "sam:lee@pm.example", 2),  # each one's history says why there was no mail
        (None, None, 2),
    ],
)
def test_two_people_share_an_address_only_if_it_is_one_mailbox(
    creator: str | None, sender: str | None, count: int
) -> None:
    people = {"creator": ANA.model_copy(update={"email": creator}), "sent_by": SAM.model_copy(update={"email": sender})}
    assert len(recipients_of(rejected(SUMMARY.model_copy(update=people)))) == count


def test_white_space_in_a_title_is_collapsed() -> None:
    spread = SUMMARY.model_copy(update={"title": " Concrete\r\nBcc: all@pm.example\t\u2028works "})
    assert mail_of(rejected(spread)).subject == "Rejected: SC-014 Concrete Bcc: all@pm.example works (Riverside Tower)"


def test_a_title_of_invisible_characters_leaves_no_gap() -> None:
    blank = SUMMARY.model_copy(update={"title": " \u0007\u202e "})
    assert mail_of(rejected(blank)).subject == "Rejected: SC-014 (Riverside Tower)"


def test_a_very_long_title_is_cut() -> None:
    long = SUMMARY.model_copy(update={"title": "x" * 500})
    assert mail_of(rejected(long)).subject == f"Rejected: SC-014 {'x' * 149}… (Riverside Tower)"


@pytest.mark.parametrize("data", ONE_OF_EACH)
def test_a_repeated_event_gives_the_same_message_ids(data: MailData) -> None:
    first, again = mails_of(event_of(data), NOW), mails_of(event_of(data), NOW + timedelta(days=1))
    ids = [message_id(mail, "desk.example") for mail in first]
    assert ids == [message_id(mail, "desk.example") for mail in again]
    assert len(set(ids)) == len(ids)
    assert all(each.startswith("<") and each.endswith("@desk.example>") for each in ids)


def test_all_mails_about_a_commitment_are_in_one_thread() -> None:
    threads = {thread_id(mail_of(data), "desk.example") for data in (rejected(), export_failed(), resent())}
    assert len(threads) == 1
    assert thread_id(mail_of(rejected(commitment_id="8842")), "desk.example") not in threads


def test_each_day_and_reader_of_the_summary_has_a_thread_of_its_own() -> None:
    variants = (digest_ready(), digest_ready(local_date=date(2026, 11, 23)), digest_ready(recipient=ANA))
    assert len({thread_id(mail_of(data), "desk.example") for data in variants}) == len(variants)


def test_a_daily_summary_expires_a_day_after_it_was_due() -> None:
    late = mail_of(digest_ready(), time=NOW + timedelta(hours=5))
    assert not late.is_expired(NOW + timedelta(hours=24) - timedelta(seconds=1))
    assert late.is_expired(NOW + timedelta(hours=24))


@pytest.mark.parametrize("data", [rejected(), export_failed(), resent()])
def test_other_mails_expire_a_week_after_the_event(data: MailData) -> None:
    assert not mail_of(data).is_expired(NOW + timedelta(days=7) - timedelta(seconds=1))
    assert mail_of(data).is_expired(NOW + timedelta(days=7))


def test_only_the_daily_summary_is_not_about_a_commitment() -> None:
    assert [data for data in ONE_OF_EACH if mail_of(data).commitment_id is None] == [
        data for data in ONE_OF_EACH if isinstance(data, DigestReady)
    ]
    assert mail_of(rejected()).commitment_id == "8841"
    assert mail_of(resent()).recipient == DANA
