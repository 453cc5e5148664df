"""What follows an attempt: the mail is settled, or tried again."""

from datetime import timedelta

import pytest

from services.notifier.rules.delivery import (
    MAX_BROKEN_ATTEMPTS,
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
def test_a_final_answer_settles_the_mail(delivery: Delivery, state: MailState) -> None:
    settled = settlement(job(), SmtpAnswer(delivery, ""), NOW)
    assert (settled.state, settled.next_attempt_at, settled.lost_answers) == (state, None, 0)


@pytest.mark.parametrize("delivery", [Delivery.DEFERRED, Delivery.BLOCKED])
def test_a_mail_that_has_to_wait_is_tried_again_after_growing_delays(delivery: Delivery) -> None:
    waits = [settlement(job(attempt), SmtpAnswer(delivery, "451"), NOW).next_attempt_at for attempt in (1, 2, 3)]
    assert waits == [NOW + timedelta(seconds=seconds) for seconds in (5, 10, 20)]


def test_the_delay_is_at_most_15_minutes() -> None:
    assert delay(9) == delay(1_000_000) == timedelta(minutes=15)


def test_a_lost_answer_is_counted_and_the_mail_repeated() -> None:
    settled = settlement(job(), SmtpAnswer(Delivery.UNKNOWN, "cut"), NOW)
    assert (settled.state, settled.lost_answers) == (MailState.PENDING, 1)
    assert settled.next_attempt_at == NOW + timedelta(seconds=5)


def test_a_mail_fails_after_too_many_lost_answers() -> None:
    settled = settlement(job(lost_answers=MAX_LOST_ANSWERS - 1), SmtpAnswer(Delivery.UNKNOWN, "cut"), NOW)
    assert (settled.state, settled.next_attempt_at) == (MailState.FAILED, None)


def test_a_mail_that_cannot_be_composed_is_tried_again_with_growing_delays_and_fails_after_a_day() -> None:
    broken = SmtpAnswer(Delivery.BROKEN, "KeyError")
    first, last = settlement(job(1), broken, NOW), settlement(job(MAX_BROKEN_ATTEMPTS), broken, NOW)

    assert (first.state, first.next_attempt_at) == (MailState.PENDING, NOW + timedelta(seconds=5))
    assert (last.state, last.next_attempt_at) == (MailState.FAILED, None)
    waits = [delay(attempt) for attempt in range(1, MAX_BROKEN_ATTEMPTS)]
    assert timedelta(hours=20) < sum(waits, timedelta()) < timedelta(hours=28)


def test_interruptions_do_not_make_a_mail_fail() -> None:
    settled = settlement(job(attempt=100, interruptions=99), SmtpAnswer(Delivery.DEFERRED, "451"), NOW)
    assert settled.state is MailState.PENDING


def test_the_next_attempt_is_no_later_than_the_expiry() -> None:
    mail = mail_of(digest_ready())
    late = mail.expires_at - timedelta(seconds=1)
    settled = settlement(MailJob(mail, 20, 0, 0), SmtpAnswer(Delivery.DEFERRED, "451"), late)
    assert settled.next_attempt_at == mail.expires_at


@pytest.mark.parametrize(("earlier", "is_repeat"), [((0, 0), False), ((1, 0), True), ((0, 1), True)])
def test_an_attempt_is_a_repeat_only_after_an_unknown_outcome(earlier: tuple[int, int], is_repeat: bool) -> None:  # noqa: FBT001 - a column of the table
    assert job(2, *earlier).is_repeat is is_repeat
