"""Decides what follows an attempt to send a mail: it is settled, or tried again later."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from services.notifier.rules.mails.mail import Mail

FIRST_DELAY = timedelta(seconds=5)
MAX_DELAY = timedelta(minutes=15)
MAX_LOST_ANSWERS = 5
MAX_BROKEN_ATTEMPTS = 100
"""With the delays between them, about a day: time to release a mended template."""
_MAX_DOUBLINGS = 20


class MailState(StrEnum):
    """The state of a mail; SENDING with an expired lease means that the sending process died.

    SET_ASIDE is a mail that cannot be read or recorded, until an operator acts.
    """

    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    EXPIRED = "expired"
    SET_ASIDE = "set_aside"


OPEN = (MailState.PENDING, MailState.SENDING)


class Delivery(StrEnum):
    """The outcome of one attempt; UNKNOWN means that the mail may have been delivered.

    BLOCKED means that the mail server objects to us instead of the mail: nothing is wrong with the recipient.
    BROKEN means that our own code raised an error before anything was sent.
    """

    ACCEPTED = "accepted"
    DEFERRED = "deferred"
    BLOCKED = "blocked"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    BROKEN = "broken"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class SmtpAnswer:
    """The outcome of one attempt, with the mail server's answer or, where there is none, the reason."""

    delivery: Delivery
    text: str


@dataclass(frozen=True, slots=True)
class MailJob:
    """A mail leased for its `attempt`-th attempt; the other counts are of earlier attempts with unknown outcome."""

    mail: Mail
    attempt: int
    lost_answers: int
    interruptions: int

    @property
    def is_repeat(self) -> bool:
        """Whether an earlier attempt may have delivered the mail already."""
        return self.lost_answers + self.interruptions > 0


@dataclass(frozen=True, slots=True)
class Settlement:
    """The state of a mail after an attempt; `next_attempt_at` is None if the state is final."""

    state: MailState
    next_attempt_at: datetime | None
    lost_answers: int


def settlement(job: MailJob, answer: SmtpAnswer, now: datetime) -> Settlement:
    """The state of the mail of `job` after `answer`.

    A mail with unknown outcome is repeated, because a lost mail is worse than a second copy. After MAX_LOST_ANSWERS
    it fails, so that a broken server does not flood the recipient with copies.
    A server that objects to us is asked again until that is mended: otherwise a wrong password would cost every mail.
    A mail that we fail to compose is tried again like a deferred one, and fails after MAX_BROKEN_ATTEMPTS.
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
        case Delivery.BROKEN if job.attempt >= MAX_BROKEN_ATTEMPTS:
            return Settlement(MailState.FAILED, None, lost_answers)
        case Delivery.DEFERRED | Delivery.BLOCKED | Delivery.UNKNOWN | Delivery.BROKEN:
            return Settlement(MailState.PENDING, min(now + delay(job.attempt), job.mail.expires_at), lost_answers)


def delay(attempt: int) -> timedelta:
    """How long to wait after the `attempt`-th attempt: FIRST_DELAY, doubled each time, at most MAX_DELAY."""
    doublings = min(attempt - 1, _MAX_DOUBLINGS)
    return min(FIRST_DELAY * (1 << doublings), MAX_DELAY)
