"""Sends the mails that are due: leases them, hands them to the mail server and records its answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from time import perf_counter
from typing import Any, Protocol

import structlog
from opentelemetry.trace import SpanKind

from schemas.envelope import Event, new_event
from schemas.events import EventData, MailSettled
from schemas.fields import MailOutcome
from services.notifier.composing import Composer
from services.notifier.metrics import MAIL_OLDEST_AGE_SECONDS, MAIL_SEND_SECONDS, MAILS
from services.notifier.rules.addresses import Address, Unusable, address_of
from services.notifier.rules.delivery import OPEN, Delivery, MailJob, Settlement, SmtpAnswer, settlement
from services.notifier.rules.mails.mail import Mail
from services.notifier.storage import due, store
from services.notifier.storage.due import MailKey
from services.pipeline import tracing
from services.pipeline.apart import apart
from services.pipeline.clock import Clock, utc_now
from services.pipeline.crash import crash_at
from services.pipeline.database import Database, Transaction
from services.pipeline.lease_clock import ClaimTime, LeaseClock
from services.pipeline.log_context import Ids, trace_id
from services.pipeline.logs import REPEAT_SECONDS, FailureLog
from services.pipeline.metrics import WORK_SET_ASIDE
from services.pipeline.seldom import Seldom
from services.pipeline.splitting import lease_due
from services.pipeline.work import BUSY_SECONDS, MAX_IDLE_SECONDS, Claimed

SOURCE = "countersign/notifier"
LEASE = timedelta(seconds=60)
"""Longer than the gateway's deadline, so that no mail is claimed again while it is being sent."""
CONCURRENCY = 4
REFRESH_SECONDS = 10.0

log = structlog.get_logger()


class Gateway(Protocol):
    """Sends messages to the mail server."""

    @property
    def send_seconds(self) -> float:
        """How long one attempt takes at most."""
        ...

    async def send(self, sender: str, recipient: Address, message: bytes) -> SmtpAnswer:
        """Try once to send `message` to `recipient`; every failure is an answer."""
        ...


@dataclass(frozen=True, slots=True)
class LeasedMail:
    """A mail to send, and the time of its claim."""

    job: MailJob
    time: ClaimTime

    @property
    def key(self) -> MailKey:
        """What identifies the mail's row."""
        return self.job.mail.event_id, self.job.mail.recipient.id


class SendMails:
    """The work of sending mails."""

    name = "send_mails"

    def __init__(
        self, composer: Composer, gateway: Gateway, *, lease: timedelta = LEASE, clock: LeaseClock | None = None
    ) -> None:
        self._composer = composer
        self._gateway = gateway
        self._lease = lease
        self._clock = clock or LeaseClock()
        self._failures = FailureLog()
        self._blocked = Seldom(REPEAT_SECONDS)

    async def claim(self, database: Database, limit: int, held: Sequence[LeasedMail]) -> Claimed[LeasedMail]:
        """Lease at most `limit` mails that are due and not `held`."""
        asked_at, keys = self._clock.stopwatch(), [leased.key for leased in held]
        async with database.autocommit() as db:
            now, due_at = await due.next_due(db, self._clock.given_time(), keys)
        if due_at is None or due_at > now:
            return Claimed((), (due_at - now).total_seconds() if due_at else MAX_IDLE_SECONDS)
        time = self._clock.claim_time(now, asked_at)
        jobs = await self._lease_due(database, limit, now, keys)
        return Claimed([LeasedMail(job, time) for job in jobs], BUSY_SECONDS)

    async def _lease_due(self, database: Database, limit: int, now: datetime, held: Sequence[MailKey]) -> list[MailJob]:
        async def alone(db: Transaction, key: MailKey) -> list[MailJob]:
            return await store.claim(db, 1, now, self._lease, only=key)

        return await lease_due(
            database,
            self._failures,
            together=lambda db: store.claim(db, limit, now, self._lease, held=held),
            due_keys=lambda db: due.due_keys(db, limit, now, held),
            alone=alone,
            set_aside=store.set_aside,
        )

    async def perform(self, job: LeasedMail) -> SmtpAnswer:
        """Send the mail, unless it has expired or its lease is nearly over."""
        mail = job.job.mail
        if mail.is_expired(job.time.now()):
            return SmtpAnswer(Delivery.EXPIRED, "Not sent: it had expired.")
        recipient = address_of(mail.recipient.email)
        if isinstance(recipient, Unusable):
            return SmtpAnswer(Delivery.REFUSED, f"Not sent: {recipient.reason}.")
        message = await apart(partial(self._composer.compose, mail, recipient))
        if job.time.remaining_seconds(self._lease.total_seconds()) <= self._gateway.send_seconds:
            log.warning("mail.lease_nearly_over")
            return SmtpAnswer(Delivery.DEFERRED, "Not sent: the lease was nearly over.")
        return await self._send(job.job, recipient, message)

    async def _send(self, job: MailJob, recipient: Address, message: bytes) -> SmtpAnswer:
        if job.is_repeat:
            MAILS.labels(job.mail.kind, "repeated").inc()
        crash_at("notifier.before_send")
        with MAIL_SEND_SECONDS.time():
            started = perf_counter()
            answer = await self._gateway.send(self._composer.sender, recipient, message)
        crash_at("notifier.after_send")
        _trace_sent(job.mail, answer, perf_counter() - started)
        return answer

    def failed(self, job: LeasedMail, error: Exception) -> SmtpAnswer:
        """Return the answer for a mail that could not be composed."""
        del job
        return SmtpAnswer(Delivery.BROKEN, f"Not sent: composing it failed ({type(error).__name__}).")

    async def settle(self, db: Transaction, job: LeasedMail, result: SmtpAnswer) -> Sequence[Event[EventData]]:
        """Record the answer; return `mail.settled` of each commitment that the message was about, if it is settled."""
        now = job.time.now()
        settled = settlement(job.job, result, now)
        mails = await store.settle(db, job.job, settled, result, now)
        if not mails:
            log.warning("mail.settled_too_late", **self.described(job, result))
            return ()
        self._report(job.job, settled, result, len(mails))
        return () if settled.state in OPEN else _settled_events(mails, MailOutcome(settled.state), result, now)

    async def set_aside(self, db: Transaction, job: LeasedMail, why: str) -> None:
        """Take the mail, and those that go out with it, out of the claims."""
        for mail in (job.job.mail, *job.job.mail.others):
            await store.set_aside(db, (mail.event_id, mail.recipient.id), why, job.job.attempt)

    def ids(self, job: LeasedMail) -> Ids:
        """Return the event, the recipient, the commitment and the trace."""
        mail = job.job.mail
        return {
            "kind": mail.kind,
            "event_id": str(mail.event_id),
            "person_id": mail.recipient.id,
            "commitment_id": mail.commitment_id,
            "trace_id": trace_id(mail.traceparent),
        }

    def described(self, job: LeasedMail, result: SmtpAnswer) -> Mapping[str, Any]:
        """Return how its attempt ended."""
        return {"attempt": job.job.attempt, "delivery": result.delivery.value}

    def _report(self, job: MailJob, settled: Settlement, answer: SmtpAnswer, mails: int) -> None:
        """Count the message once, however many `mails` went out in it."""
        kind = job.mail.kind
        if settled.state in OPEN:
            self._report_open(kind, answer)
            return
        outcome = MailOutcome(settled.state)
        MAILS.labels(kind, outcome).inc()
        log.info("mail.settled", outcome=outcome, attempts=job.attempt, mails=mails)

    def _report_open(self, kind: str, answer: SmtpAnswer) -> None:
        """Count the attempt; an error of our set-up holds up every mail, so that the log says so as an error."""
        if answer.delivery is not Delivery.BLOCKED:
            MAILS.labels(kind, "deferred").inc()
            return
        MAILS.labels(kind, "blocked").inc()
        code = answer.text.split(" ", 1)[0]
        if (repeats := self._blocked.left_out(code)) is not None:
            log.error("mail.server_refuses_us", code=code, repeats=repeats)


def _trace_sent(mail: Mail, answer: SmtpAnswer, seconds: float) -> None:
    about = {
        "countersign.mail": mail.kind,
        "countersign.recipient": mail.recipient.id,
        "countersign.answer": answer.delivery,
    }
    failed = None if answer.delivery is Delivery.ACCEPTED else answer.delivery
    tracing.record("send mail", mail.traceparent, about, seconds, kind=SpanKind.CLIENT, failed=failed)


def _settled_events(
    mails: Sequence[Mail], outcome: MailOutcome, answer: SmtpAnswer, now: datetime
) -> Sequence[Event[EventData]]:
    """One event for each commitment, since only a commitment has a history that shows its mails."""
    reason = answer.text if outcome is MailOutcome.FAILED else None
    return [
        new_event(
            MailSettled(
                company_id=mail.data.company_id,
                event_id=str(mail.event_id),
                kind=mail.kind,
                recipient=mail.recipient,
                recipient_id=mail.recipient.id,
                commitment_id=mail.commitment_id,
                outcome=outcome,
                reason=reason,
                settled_at=now,
            ),
            source=SOURCE,
            time=now,
            traceparent=mail.traceparent,
        )
        for mail in mails
        if mail.commitment_id is not None
    ]


async def refresh_gauges(database: Database, clock: Clock = utc_now) -> None:
    """Set the age of the oldest unsettled mail, and how many are set aside, from the database."""
    async with database.autocommit() as db:
        MAIL_OLDEST_AGE_SECONDS.set(await store.oldest_unsettled_seconds(db, clock()))
        WORK_SET_ASIDE.labels("notifier").set(await store.count_set_aside(db))
