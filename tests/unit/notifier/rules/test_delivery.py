"""What an attempt means for its mail: the end, another attempt, or a doubt."""

from datetime import timedelta

import pytest

from services.notifier.rules.delivery import (
    MAX_LOST_ANSWERS,
    Delivery,
    MailJob,
    MailState,
    SmtpAnswer,
    delay,
    settlement,
)
from tests.unit.notifier.event_builders import NOW, digest_ready, mail_of, rejected


def job(attempt: int = 1, lost_answers: int = 0, interruptions: int = 0) -> MailJob:
    return MailJob(mail_of(rejected()), attempt, lost_answers, interruptions)


@pytest.mark.parametrize(
    ("delivery", "state"),
    [
        (Delivery.ACCEPTED, MailState.SENT),
        (Delivery.REFUSED, MailState.FAILED),
        (Delivery.EXPIRED, MailState.EXPIRED),
    ],
)
def test_a_final_answer_ends_the_mail(delivery: Delivery, state: MailState) -> None:
    settled = settlement(job(), SmtpAnswer(delivery, ""), NOW)
    assert (settled.state, settled.next_attempt_at, settled.lost_answers) == (state, None, 0)


def test_a_deferred_mail_is_tried_again_a_little_later_each_time() -> None:
    waits = [
        settlement(job(attempt), SmtpAnswer(Delivery.DEFERRED, "451"), NOW).next_attempt_at for attempt in (1, 2, 3)
    ]
    assert waits == [NOW + timedelta(seconds=seconds) for seconds in (5, 10, 20)]


def test_waiting_grows_to_a_quarter_of_an_hour_and_no_further() -> None:
    assert delay(9) == delay(1_000_000) == timedelta(minutes=15)


def test_a_lost_answer_is_remembered_and_the_mail_repeated() -> None:
    settled = settlement(job(), SmtpAnswer(Delivery.UNKNOWN, "cut"), NOW)
    assert (settled.state, settled.lost_answers) == (MailState.PENDING, 1)
    assert settled.next_attempt_at == NOW + timedelta(seconds=5)


def test_a_server_that_never_answers_does_not_get_copies_without_end() -> None:
    settled = settlement(job(lost_answers=MAX_LOST_ANSWERS - 1), SmtpAnswer(Delivery.UNKNOWN, "cut"), NOW)
    assert (settled.state, settled.next_attempt_at) == (MailState.FAILED, None)


def test_a_mail_whose_process_died_often_is_still_tried() -> None:
    settled = settlement(job(attempt=100, interruptions=99), SmtpAnswer(Delivery.DEFERRED, "451"), NOW)
    assert settled.state is MailState.PENDING


def test_no_attempt_is_planned_beyond_the_mails_use() -> None:
    mail = mail_of(digest_ready())
    late = mail.expires_at - timedelta(seconds=1)
    settled = settlement(MailJob(mail, 20, 0, 0), SmtpAnswer(Delivery.DEFERRED, "451"), late)
    assert settled.next_attempt_at == mail.expires_at


@pytest.mark.parametrize(("earlier", "is_repeat"), [((0, 0), False), ((1, 0), True), ((0, 1), True)])
def test_only_an_attempt_after_a_doubtful_one_is_a_repeat(earlier: tuple[int, int], is_repeat: bool) -> None:  # noqa: FBT001 - a column of the table
    assert job(2, *earlier).is_repeat is is_repeat
