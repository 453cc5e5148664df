"""From an event to a settled mail on a real PostgreSQL and a real mail server."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import update
from structlog.testing import capture_logs

from sandbox.mailbox import Mailbox, MailFault, MailFaultKind
from services.notifier.rules.delivery import MailState
from services.notifier.smtp import NO_SMTPUTF8
from services.notifier.storage.store import claim
from services.notifier.storage.tables import MAIL
from services.notifier.work import LEASE, refresh_gauges
from tests.integration.notifier.notifier_process import Notifier
from tests.unit.notifier.event_builders import (
    ANA,
    DANA,
    ONE_OF_EACH,
    SAM,
    SUMMARY,
    digest_ready,
    event_of,
    export_failed,
    rejected,
    submission_refused,
)


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
            ("Question", SAM.email),
            ("Answered", DANA.email),
            ("Export failed", ANA.email),
            ("Export failed", SAM.email),
            ("Export failed", DANA.email),
            ("Re-sent", DANA.email),
            ("Not received by accounting", ANA.email),
            ("Not received by accounting", SAM.email),
            ("ERP Integrations Daily Summary", DANA.email),
        ]
    )
    assert {row.state for row in (await notifier.rows()).values()} == {MailState.SENT}


async def test_a_refused_submission_that_names_another_company_keeps_no_mail_from_anybody(notifier: Notifier) -> None:
    assert await notifier.consume(submission_refused(company_id="c-2")) == [True]
    assert await notifier.consume(rejected()) == [True]
    assert await notifier.consume(submission_refused(company_id="c-2", message_hash="b" * 64)) == [True]
    mailed = {
        ("submission_refused", ANA.id),
        ("submission_refused", SAM.id),
        ("rejected", ANA.id),
        ("rejected", SAM.id),
    }
    assert (await notifier.rows()).keys() == mailed


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
    reasons = {each["recipient_id"]: each.get("reason") for each in await notifier.settled()}
    assert reasons == {ANA.id: "550 5.1.1 No such mailbox", SAM.id: None}


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


@pytest.mark.parametrize(
    ("email", "reason"),
    [
        (None, "no address"),
        ("ana:gil@pm.example", "the email address contains invalid characters before the @-sign: ':'"),
        ("ana(site)@pm.example", "the email address contains invalid characters before the @-sign: '(', ')'"),
        ("ana%pm.example@relay.example", "mail servers do not agree what !, % or =? before the @-sign means"),
    ],
)
async def test_a_mail_without_an_address_that_means_the_same_everywhere_fails_at_once_and_says_why(
    notifier: Notifier, mailbox: Mailbox, email: str | None, reason: str
) -> None:
    creator = ANA.model_copy(update={"email": email})
    await notifier.consume(rejected(SUMMARY.model_copy(update={"creator": creator})))
    async with counting("rejected", "failed", 1), counting("rejected", "sent", 1):
        await notifier.send_what_is_due()
    row = (await notifier.rows())["rejected", ANA.id]
    assert (row.state, row.attempts, row.smtp_answer) == (MailState.FAILED, 1, f"Not sent: {reason}.")
    assert mailbox.recipients() == [SAM.email]
    reasons = {each["recipient_id"]: each.get("reason") for each in await notifier.settled()}
    assert reasons == {ANA.id: f"Not sent: {reason}.", SAM.id: None}


async def test_a_domain_is_written_as_idna_2008_does(notifier: Notifier, mailbox: Mailbox) -> None:
    recipient = DANA.model_copy(update={"email": "dana@straße.example"})
    await notifier.consume(digest_ready(due_at=notifier.clock.now, recipient=recipient))
    await notifier.send_what_is_due()
    assert mailbox.recipients() == ["dana@xn--strae-oqa.example"]
    assert mailbox.messages[0].headers["To"] == "Dana Ruiz <dana@xn--strae-oqa.example>"


async def test_a_mail_to_a_non_ascii_address_is_sent_where_the_server_takes_it(
    notifier: Notifier, mailbox: Mailbox
) -> None:
    recipient = DANA.model_copy(update={"email": "石@acc.example", "name": "石 Größe"})
    await notifier.consume(digest_ready(due_at=notifier.clock.now, recipient=recipient))
    await notifier.send_what_is_due()
    assert mailbox.recipients() == ["石@acc.example"]
    assert mailbox.messages[0].headers["To"] == "石 Größe <石@acc.example>"


async def test_a_mail_to_a_non_ascii_address_fails_where_the_server_does_not_take_it(
    notifier: Notifier, mailbox: Mailbox
) -> None:
    mailbox.takes_utf8 = False
    creator = ANA.model_copy(update={"email": "石@pm.example"})
    await notifier.consume(rejected(SUMMARY.model_copy(update={"creator": creator})))
    await notifier.send_what_is_due()
    row = (await notifier.rows())["rejected", ANA.id]
    assert (row.state, row.smtp_answer) == (MailState.FAILED, NO_SMTPUTF8)
    assert mailbox.recipients() == [SAM.email]


async def test_a_server_that_refuses_us_delays_every_mail_and_is_logged_as_an_error(
    notifier: Notifier, mailbox: Mailbox
) -> None:
    mailbox.faults.switch_on(MailFault(kind=MailFaultKind.REFUSE_TO_RELAY, times=2))
    await notifier.consume(rejected())
    with capture_logs() as lines:
        async with counting("rejected", "blocked", 2), counting("rejected", "deferred", 0):
            await notifier.send_what_is_due()
    assert {row.state for row in (await notifier.rows()).values()} == {MailState.PENDING}
    logged = [line for line in lines if line["event"] == "mail.server_refuses_us"]
    assert [(line["log_level"], line["code"]) for line in logged] == [("error", "554")]
    notifier.clock.now += timedelta(seconds=5)
    async with counting("rejected", "sent", 2):
        await notifier.send_what_is_due()
    assert mailbox.recipients() == [ANA.email, SAM.email]


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
