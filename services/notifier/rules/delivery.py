"""Decides what an attempt to send a mail means for it: the end, another attempt later, or a doubt."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from schemas.fields import MailOutcome
from services.notifier.rules.mails.mail import Mail

FIRST_DELAY = timedelta(seconds=5)
MAX_DELAY = timedelta(minutes=15)
MAX_LOST_ANSWERS = 5
_MAX_DOUBLINGS = 20


class MailState(StrEnum):
    """Where a mail stands; a sending one whose lease has run out was interrupted by the death of its process."""

    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    EXPIRED = "expired"


OPEN = (MailState.PENDING, MailState.SENDING)
OUTCOMES = {
    MailState.SENT: MailOutcome.SENT,
    MailState.FAILED: MailOutcome.FAILED,
    MailState.EXPIRED: MailOutcome.EXPIRED,
}


class Delivery(StrEnum):
    """How an attempt ended."""

    ACCEPTED = "accepted"
    DEFERRED = "deferred"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class SmtpAnswer:
    """How an attempt ended, in the mail server's words where it had any."""

    delivery: Delivery
    text: str


@dataclass(frozen=True, slots=True)
class MailJob:
    """A mail under lease for its `attempt`-th attempt, with what earlier ones left open."""

    mail: Mail
    attempt: int
    lost_answers: int
    interruptions: int

    @property
    def is_repeat(self) -> bool:
        """Whether an earlier attempt may have reached the person already."""
        return self.lost_answers + self.interruptions > 0


@dataclass(frozen=True, slots=True)
class Settlement:
    """What becomes of a mail after an attempt; `next_attempt_at` is None at its end."""

    state: MailState
    next_attempt_at: datetime | None
    lost_answers: int


def settlement(job: MailJob, answer: SmtpAnswer, now: datetime) -> Settlement:
    """What `answer` means for the mail of `job`.

    A message that was handed over without an answer is repeated, because losing a mail is worse than a second copy;
    after MAX_LOST_ANSWERS it fails instead, so that a broken server does not bury the person in copies.
    """
    lost_answers = job.lost_answers + (answer.delivery is Delivery.UNKNOWN)
    match answer.delivery:
        case Delivery.ACCEPTED:
            return Settlement(MailState.SENT, None, lost_answers)
        case Delivery.REFUSED:
            return Settlement(MailState.FAILED, None, lost_answers)
        case Delivery.EXPIRED:
            return Settlement(MailState.EXPIRED, None, lost_answers)
        case Delivery.UNKNOWN if lost_answers >= MAX_LOST_ANSWERS:
            return Settlement(MailState.FAILED, None, lost_answers)
        case Delivery.DEFERRED | Delivery.UNKNOWN:
            return Settlement(MailState.PENDING, min(now + delay(job.attempt), job.mail.expires_at), lost_answers)


def delay(attempt: int) -> timedelta:
    """How long to wait after the `attempt`-th attempt: doubled each time, up to MAX_DELAY."""
    doublings = min(attempt - 1, _MAX_DOUBLINGS)
    return min(FIRST_DELAY * (1 << doublings), MAX_DELAY)
