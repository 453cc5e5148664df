"""Sends the mails that are due: leases them, hands them to the mail server and records its answer."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from schemas.envelope import Event, new_event
from schemas.events import EventData, MailSettled
from schemas.fields import MailOutcome
from services.notifier.composing import Composer, smtp_address
from services.notifier.metrics import MAIL_OLDEST_AGE_SECONDS, MAIL_SEND_SECONDS, MAILS
from services.notifier.rules.delivery import OPEN, Delivery, MailJob, Settlement, SmtpAnswer, settlement
from services.notifier.storage import store
from services.pipeline.clock import Clock, utc_now
from services.pipeline.crash import crash_at
from services.pipeline.database import Database, Transaction

SOURCE = "countersign/notifier"
LEASE = timedelta(seconds=60)
"""Longer than the gateway's deadline, so that no mail is claimed again while it is being sent."""
CONCURRENCY = 4
REFRESH_SECONDS = 5.0

log = structlog.get_logger()


class Gateway(Protocol):
    """Sends messages to the mail server."""

    async def send(self, sender: str, recipient: str, message: bytes) -> SmtpAnswer:
        """Try once to send `message` to `recipient`; every failure is an answer."""
        ...


class SendMails:
    """The work of sending mails."""

    name = "send_mails"

    def __init__(
        self, composer: Composer, gateway: Gateway, *, lease: timedelta = LEASE, clock: Clock = utc_now
    ) -> None:
        self._composer = composer
        self._gateway = gateway
        self._lease = lease
        self._clock = clock

    async def claim(self, db: Transaction, limit: int) -> Sequence[MailJob]:
        """Lease at most `limit` mails that are due."""
        return await store.claim(db, limit, self._clock(), self._lease)

    async def perform(self, job: MailJob) -> SmtpAnswer:
        """Send the mail, unless it has expired."""
        if job.mail.is_expired(self._clock()):
            return SmtpAnswer(Delivery.EXPIRED, "Not sent: it had expired.")
        recipient = smtp_address(job.mail.recipient)
        if recipient is None:
            return SmtpAnswer(Delivery.REFUSED, "Not sent: mail servers do not accept the characters of this address.")
        message = self._composer.compose(job.mail, recipient)
        if job.is_repeat:
            MAILS.labels(job.mail.kind, "repeated").inc()
        crash_at("notifier.before_send")
        with MAIL_SEND_SECONDS.time():
            answer = await self._gateway.send(self._composer.sender, recipient, message)
        crash_at("notifier.after_send")
        return answer

    async def settle(self, db: Transaction, job: MailJob, result: SmtpAnswer) -> Sequence[Event[EventData]]:
        """Record the answer; return `mail.settled` if the mail is settled and about a commitment."""
        now = self._clock()
        settled = settlement(job, result, now)
        if not await store.settle(db, job, settled, result, now):
            return ()
        return self._report(job, settled, now)

    def _report(self, job: MailJob, settled: Settlement, now: datetime) -> Sequence[Event[EventData]]:
        kind = job.mail.kind
        if settled.state in OPEN:
            MAILS.labels(kind, "deferred").inc()
            return ()
        outcome = MailOutcome(settled.state)
        MAILS.labels(kind, outcome).inc()
        log.info("mail.settled", kind=kind, outcome=outcome, event_id=str(job.mail.event_id), attempts=job.attempt)
        if job.mail.commitment_id is None:
            return ()  # only a commitment has a history that shows its mails
        data = MailSettled(
            company_id=job.mail.data.company_id,
            event_id=str(job.mail.event_id),
            kind=kind,
            recipient=job.mail.recipient,
            recipient_id=job.mail.recipient.id,
            commitment_id=job.mail.commitment_id,
            outcome=outcome,
            settled_at=now,
        )
        return (new_event(data, source=SOURCE, time=now, traceparent=job.mail.traceparent),)


async def refresh_gauges(database: Database, clock: Clock = utc_now) -> None:
    """Set the age of the oldest unsettled mail from the database."""
    async with database.begin() as db:
        oldest = await store.oldest_unsettled(db)
    MAIL_OLDEST_AGE_SECONDS.set(max((clock() - oldest).total_seconds(), 0.0) if oldest else 0.0)
