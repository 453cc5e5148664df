"""A notifier that a test runs step by step: a real database, a real mail server, and a clock that the test sets."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import Row, select

from sandbox.mailbox import Mailbox
from services.notifier.handlers import COMMITMENT_HANDLERS, DIGEST_HANDLERS
from services.notifier.rules.delivery import MailJob, MailState
from services.notifier.rules.mails.mail_type import MailData
from services.notifier.rules.together import WAIT
from services.notifier.smtp import SmtpGateway, SmtpServer
from services.notifier.storage import due
from services.notifier.storage.store import COMMITMENT_MAILS, DIGEST_MAILS
from services.notifier.storage.tables import KERNEL, MAIL
from services.notifier.work import LEASE, LeasedMail, SendMails
from services.pipeline.database import Database
from services.pipeline.lease_clock import ClaimTime, LeaseClock
from services.pipeline.outbox import Outbox
from services.pipeline.worker import Worker
from services.pipeline.writes import Writes
from tests.folding import fold
from tests.unit.notifier.event_builders import COMPOSER, event_of
from tests.waiting import eventually

Rows = dict[tuple[str, str], Row[Any]]


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now

    def seconds(self) -> float:
        return self.now.timestamp()


class Notifier:
    """The notifier's parts, run step by step."""

    def __init__(self, database: Database, mailbox: Mailbox) -> None:
        self.database = database
        self.clock = Clock()
        self.outbox = Outbox(KERNEL)
        self.gateway = SmtpGateway(SmtpServer.from_url(mailbox.smtp_url), send_seconds=10)
        self.work = SendMails(COMPOSER, self.gateway, clock=LeaseClock(self.clock, self.clock.seconds))

    async def consume(self, *events_data: MailData, time: datetime | None = None) -> list[bool]:
        """Handle the events as one batch; return for each whether it changed anything."""
        changed: list[bool] = []
        writes = Writes()
        async with self.database.begin() as db:
            for handlers, store, is_digest in (
                (COMMITMENT_HANDLERS, COMMITMENT_MAILS, False),
                (DIGEST_HANDLERS, DIGEST_MAILS, True),
            ):
                events = [
                    event_of(data, time or self.clock.now)
                    for data in events_data
                    if (data.topic == "digest.ready") is is_digest
                ]
                states = await store.load(db, sorted({event.subject for event in events}))
                folded = fold(handlers, states, events, self.clock.now)
                await store.save(db, writes, folded.changes)
                assert folded.refused == []
                changed += [is_changed for _, is_changed in folded.outcomes]
            await writes.execute(db)
        return changed

    async def send_what_is_due(self, *, after: timedelta = WAIT) -> None:
        """Run the worker until no mail is due or being sent; first let the time pass that mails wait for others."""
        self.clock.now += after
        worker = Worker(self.database, self.outbox, self.work, concurrency=4, max_idle_seconds=0.02)
        stopping = asyncio.Event()
        running = asyncio.create_task(worker.run(stopping))
        await eventually(self._is_idle)
        stopping.set()
        await running

    def leased(self, job: MailJob) -> LeasedMail:
        """The mail as it is leased now."""
        seconds = self.clock.seconds()
        return LeasedMail(job, ClaimTime(self.clock.now, seconds, seconds, self.clock.seconds))

    async def rows(self) -> Rows:
        async with self.database.begin() as db:
            return {(row.kind, row.recipient_id): row for row in await db.execute(select(MAIL))}

    async def settled(self) -> list[dict[str, Any]]:
        """The data of the published `mail.settled` events."""
        async with self.database.begin() as db:
            return [orjson.loads(row.value)["data"] for row in await self.outbox.oldest(db, 100)]

    async def _is_idle(self) -> bool:
        """Whether the worker sends no mail and none may be sent: one that waits for others of its occasion may not."""
        leased = (MAIL.c.state == MailState.SENDING) & (MAIL.c.next_attempt_at == self.clock.now + LEASE)
        async with self.database.begin() as db:
            sending = await db.execute(select(MAIL.c.event_id).where(leased).limit(1))
            return sending.first() is None and not await due.due_keys(db, 1, self.clock.now, ())
