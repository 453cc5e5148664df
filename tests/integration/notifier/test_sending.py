"""From an event to a settled mail on a real PostgreSQL and a real mail server."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from prometheus_client import REGISTRY
from sqlalchemy import Row, select, update

from sandbox.mailbox import Mailbox, MailFault, MailFaultKind
from services.notifier.handlers import COMMITMENT_HANDLERS, DIGEST_HANDLERS
from services.notifier.rules.delivery import MailJob, MailState
from services.notifier.rules.mails.mail_type import MailData
from services.notifier.smtp import SmtpGateway, SmtpServer
from services.notifier.storage.store import COMMITMENT_MAILS, DIGEST_MAILS, claim
from services.notifier.storage.tables import KERNEL, MAIL
from services.notifier.work import LEASE, LeasedMail, SendMails, refresh_gauges
from services.pipeline.database import Database
from services.pipeline.fold import fold
from services.pipeline.lease_clock import ClaimTime, LeaseClock
from services.pipeline.outbox import Outbox
from services.pipeline.worker import Worker
from tests.unit.notifier.event_builders import (
    ANA,
    COMPOSER,
    DANA,
    ONE_OF_EACH,
    SAM,
    digest_ready,
    event_of,
    export_failed,
    rejected,
)
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
        for handlers, store, is_digest in (
            (COMMITMENT_HANDLERS, COMMITMENT_MAILS, False),
            (DIGEST_HANDLERS, DIGEST_MAILS, True),
        ):
            events = [
                event_of(data, time or self.clock.now)
                for data in events_data
                if (data.topic == "digest.ready") is is_digest
            ]
            async with self.database.begin() as db:
                states = await store.load(db, sorted({event.subject for event in events}))
                folded = fold(handlers, states, events, self.clock.now)
                await store.save(db, folded.changes)
            assert folded.refused == []
            changed += [is_changed for _, is_changed in folded.outcomes]
        return changed

    async def send_what_is_due(self) -> None:
        """Run the worker until no mail is due or being sent."""
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
        rows = (await self.rows()).values()
        return not any(
            row.state == MailState.SENDING or (row.state == MailState.PENDING and row.next_attempt_at <= self.clock.now)
            for row in rows
        )


@pytest.fixture
async def notifier(database: Database, mailbox: Mailbox) -> AsyncIterator[Notifier]:
    notifier = Notifier(database, mailbox)
    yield notifier
    await notifier.gateway.hang_up()


def counted(kind: str, outcome: str) -> float:
    return REGISTRY.get_sample_value("mails_total", {"kind": kind, "outcome": outcome}) or 0.0


@asynccontextmanager
async def counting(kind: str, outcome: str, expected: int) -> AsyncIterator[None]:
    before = counted(kind, outcome)
    yield
    assert counted(kind, outcome) - before == expected


async def test_each_event_reaches_its_recipients(notifier: Notifier, mailbox: Mailbox) -> None:
    notifier.clock.now = digest_ready().due_at
    await notifier.consume(*ONE_OF_EACH)
    await notifier.send_what_is_due()
    assert Counter((each.subject.partition(":")[0], each.recipients[0]) for each in mailbox.messages) == Counter(
        [
            ("Rejected", ANA.email),
            ("Rejected", SAM.email),
            ("Export failed", ANA.email),
            ("Export failed", SAM.email),
            ("Export failed", DANA.email),
            ("Re-sent", DANA.email),
            ("ERP Integrations Daily Summary", DANA.email),
        ]
    )
    assert {row.state for row in (await notifier.rows()).values()} == {MailState.SENT}


async def test_a_repeated_event_sends_no_second_mail(notifier: Notifier, mailbox: Mailbox) -> None:
    assert await notifier.consume(rejected(), rejected()) == [True, False]
    assert await notifier.consume(rejected()) == [False]
    await notifier.send_what_is_due()
    assert await notifier.consume(rejected()) == [False]
    await notifier.send_what_is_due()
    assert len(mailbox.messages) == 2


async def test_settled_mails_are_published_except_those_of_the_daily_summary(notifier: Notifier) -> None:
    notifier.clock.now = digest_ready().due_at
    await notifier.consume(rejected(), digest_ready())
    await notifier.send_what_is_due()
    published = {(each["kind"], each["recipient_id"]): each for each in await notifier.settled()}
    assert set(published) == {("rejected", ANA.id), ("rejected", SAM.id)}
    assert published["rejected", ANA.id]["commitment_id"] == rejected().commitment_id
    assert published["rejected", ANA.id]["event_id"] == str(event_of(rejected()).id)
    assert {each["outcome"] for each in published.values()} == {"sent"}


async def test_a_refused_recipient_fails_alone_and_the_answer_is_kept(notifier: Notifier, mailbox: Mailbox) -> None:
    mailbox.faults.switch_on(MailFault(kind=MailFaultKind.REFUSE_FOR_GOOD, recipient=ANA.email))
    await notifier.consume(rejected())
    async with counting("rejected", "failed", 1), counting("rejected", "sent", 1):
        await notifier.send_what_is_due()
    rows = await notifier.rows()
    assert rows["rejected", ANA.id].state == MailState.FAILED
    assert rows["rejected", ANA.id].smtp_answer == "550 5.1.1 No such mailbox"
    assert rows["rejected", ANA.id].settled_at == notifier.clock.now
    assert rows["rejected", SAM.id].state == MailState.SENT


async def test_a_temporary_refusal_is_tried_again_later(notifier: Notifier, mailbox: Mailbox) -> None:
    mailbox.faults.switch_on(MailFault(kind=MailFaultKind.REFUSE_FOR_NOW, recipient=ANA.email, times=1))
    await notifier.consume(rejected())
    async with counting("rejected", "deferred", 1), counting("rejected", "repeated", 0):
        await notifier.send_what_is_due()
        assert (await notifier.rows())["rejected", ANA.id].state == MailState.PENDING
        notifier.clock.now += timedelta(seconds=5)
        await notifier.send_what_is_due()
    assert mailbox.recipients() == [ANA.email, SAM.email]
    assert len(mailbox.messages) == 2


async def test_a_mail_with_a_lost_answer_is_repeated_unchanged_and_counted(
    notifier: Notifier, mailbox: Mailbox
) -> None:
    mailbox.faults.switch_on(MailFault(kind=MailFaultKind.CUT_AFTER_DOT, recipient=DANA.email, times=1))
    await notifier.consume(digest_ready(due_at=notifier.clock.now))
    async with counting("digest", "repeated", 1), counting("digest", "sent", 1):
        await notifier.send_what_is_due()
        notifier.clock.now += timedelta(seconds=5)
        await notifier.send_what_is_due()
    first, again = mailbox.messages
    assert (first.was_answered, again.was_answered) == (False, True)
    assert first.source == again.source
    assert (await notifier.rows())["digest", DANA.id].lost_answers == 1


async def test_a_mail_whose_sender_died_is_sent_again_when_its_lease_expires(
    notifier: Notifier, mailbox: Mailbox
) -> None:
    await notifier.consume(export_failed())
    async with notifier.database.begin() as db:
        jobs = [notifier.leased(job) for job in await claim(db, 10, notifier.clock.now, LEASE)]
    assert len(jobs) == 3
    await asyncio.gather(*map(notifier.work.perform, jobs))  # the process dies before it settles
    async with notifier.database.begin() as db:
        assert await claim(db, 10, notifier.clock.now, LEASE) == []
    notifier.clock.now += LEASE
    async with counting("export_failed", "repeated", 3), counting("export_failed", "sent", 3):
        await notifier.send_what_is_due()
    copies = Counter(each.source for each in mailbox.messages)
    assert sorted(copies.values()) == [2, 2, 2]


async def test_a_sender_whose_lease_expired_cannot_settle_the_next_attempt(notifier: Notifier) -> None:
    await notifier.consume(digest_ready(due_at=notifier.clock.now))
    async with notifier.database.begin() as db:
        (late,) = [notifier.leased(job) for job in await claim(db, 10, notifier.clock.now, LEASE)]
    answer = await notifier.work.perform(late)
    notifier.clock.now += LEASE
    async with notifier.database.begin() as db:
        (second,) = [notifier.leased(job) for job in await claim(db, 10, notifier.clock.now, LEASE)]
        assert await notifier.work.settle(db, late, answer) == ()
    assert (await notifier.rows())["digest", DANA.id].state == MailState.SENDING
    async with notifier.database.begin() as db:
        await notifier.work.settle(db, second, answer)
    assert (await notifier.rows())["digest", DANA.id].state == MailState.SENT


async def test_two_workers_never_claim_the_same_mail(notifier: Notifier) -> None:
    await notifier.consume(export_failed())
    async with notifier.database.begin() as one, notifier.database.begin() as other:
        first = await claim(one, 2, notifier.clock.now, LEASE)
        second = await claim(other, 10, notifier.clock.now, LEASE)
    held = [job.mail.recipient.id for job in (*first, *second)]
    assert len(first) == 2
    assert sorted(held) == sorted([ANA.id, SAM.id, DANA.id])


async def test_an_expired_mail_is_counted_and_not_sent(notifier: Notifier, mailbox: Mailbox) -> None:
    await notifier.consume(digest_ready(due_at=notifier.clock.now - timedelta(hours=24)))
    await notifier.consume(rejected(), time=notifier.clock.now - timedelta(days=7))
    async with counting("digest", "expired", 1), counting("rejected", "expired", 2):
        await notifier.send_what_is_due()
    assert mailbox.messages == []
    assert {each["outcome"] for each in await notifier.settled()} == {"expired"}


async def test_a_mail_to_a_non_ascii_address_fails_without_an_attempt(notifier: Notifier, mailbox: Mailbox) -> None:
    unreachable = DANA.model_copy(update={"email": "石@acc.example"})
    await notifier.consume(digest_ready(due_at=notifier.clock.now, recipient=unreachable))
    await notifier.send_what_is_due()
    assert (await notifier.rows())["digest", DANA.id].state == MailState.FAILED
    assert mailbox.messages == []


async def test_the_mail_is_composed_from_the_stored_event_unchanged(notifier: Notifier, mailbox: Mailbox) -> None:
    event = rejected(reason='Größe "falsch"\n<b>石</b>', decided_by=DANA)
    await notifier.consume(event)
    await notifier.send_what_is_due()
    (to_ana,) = mailbox.to(ANA.email)
    assert to_ana.text.splitlines()[1:3] == ['Reason: Größe "falsch"', "  <b>石</b>"]
    assert 'Größe "falsch"<br>&lt;b&gt;石&lt;/b&gt;' in to_ana.html


async def test_the_age_of_the_oldest_unsettled_mail_is_measured(notifier: Notifier) -> None:
    await notifier.consume(digest_ready(due_at=notifier.clock.now))
    async with notifier.database.begin() as db:
        await db.execute(update(MAIL).values(created_at=notifier.clock.now - timedelta(minutes=10)))

    await refresh_gauges(notifier.database, notifier.clock)

    assert REGISTRY.get_sample_value("mail_oldest_age_seconds") == 600
