"""A mail that cannot be read stops no other one, and the notifier's questions cost no more with many mails."""

from datetime import timedelta

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import text, update
from structlog.testing import capture_logs

from sandbox.mailbox import Mailbox
from services.notifier.composing import Composer
from services.notifier.rules.delivery import MailState, SmtpAnswer
from services.notifier.rules.mails.mail import Mail
from services.notifier.storage import due, store
from services.notifier.storage.tables import MAIL
from services.notifier.work import LEASE, SendMails, refresh_gauges
from services.pipeline.database import Database
from services.pipeline.lease_clock import LeaseClock
from tests.calendar_checks import drop_calendar_checks
from tests.integration.notifier.notifier_process import Notifier
from tests.scanning import reading
from tests.unit.notifier.event_builders import ANA, DANA, SAM, export_failed, rejected

_FILL = """
insert into notifier.mail (event_id, recipient_id, recipient_name, recipient_email, kind, company_id, commitment_id,
    event_data, occurred_at, created_at, state, next_attempt_at, settled_at)
select gen_random_uuid(), 'p-' || n, 'P', 'p@example.com', 'rejected', 'co-' || n % 50, 'f-' || n, '{}',
       statement_timestamp(), statement_timestamp(), case when n <= :waiting then 'pending' else 'sent' end,
       case when n <= :waiting then timestamptz '2100-01-01' end, statement_timestamp()
from generate_series(1, :rows) n
"""


@pytest.mark.parametrize(
    "corruption",
    [
        {"event_data": "{"},
        {"event_data": "{}"},
        {"event_data": "[" * 2000 + "]" * 2000},
        {"kind": "from_a_later_release"},
        {"recipient_name": ""},
    ],
    ids=["no JSON", "a member missing", "nested too deeply", "an unknown kind", "no name"],
)
async def test_a_mail_that_cannot_be_read_is_set_aside_and_the_others_are_sent(
    notifier: Notifier,
    mailbox: Mailbox,
    corruption: dict[str, str],
) -> None:
    await notifier.consume(export_failed())
    async with notifier.database.begin() as db:
        await db.execute(update(MAIL).where(MAIL.c.recipient_id == SAM.id).values(corruption))

    with capture_logs() as logged:
        await notifier.send_what_is_due()
    await refresh_gauges(notifier.database)

    assert sorted(mailbox.recipients()) == sorted([ANA.email, DANA.email])
    states = {recipient: row.state for (_, recipient), row in (await notifier.rows()).items()}
    assert states[SAM.id] == MailState.SET_ASIDE
    assert REGISTRY.get_sample_value("work_set_aside", {"service": "notifier"}) == 1
    assert [line["event"] for line in logged if "set_aside" in line["event"]] == ["worker.row_set_aside"]


@pytest.mark.parametrize("column", ["created_at", "occurred_at", "next_attempt_at"])
@pytest.mark.parametrize("moment", ["200000-01-01", "0044-03-15 BC", "infinity", "-infinity"])
async def test_a_time_beyond_the_calendar_stops_no_other_mail(
    notifier: Notifier, mailbox: Mailbox, column: str, moment: str
) -> None:
    await notifier.consume(export_failed())
    await drop_calendar_checks(notifier.database, "notifier")
    async with notifier.database.begin() as db:
        await db.execute(
            update(MAIL).where(MAIL.c.recipient_id == SAM.id).values({column: text(f"timestamptz '{moment}'")})
        )

    while (await notifier.work.claim(notifier.database, 10, ())).jobs:
        pass
    await refresh_gauges(notifier.database)

    async with notifier.database.begin() as db:
        claimed = set(await db.scalars(text("select recipient_id from notifier.mail where attempts > 0")))
    assert claimed >= {ANA.id, DANA.id}
    assert mailbox.messages == []


async def test_a_mail_that_was_set_aside_is_sent_once_an_operator_has_mended_it(
    notifier: Notifier,
    mailbox: Mailbox,
) -> None:
    await notifier.consume(rejected())
    async with notifier.database.begin() as db:
        await db.execute(update(MAIL).values(kind="odd"))
    await notifier.send_what_is_due()
    assert mailbox.messages == []
    async with notifier.database.begin() as db:
        mended = {"kind": "rejected", "state": "pending", "next_attempt_at": notifier.clock()}
        await db.execute(update(MAIL).values(mended))

    await notifier.send_what_is_due()

    assert sorted(mailbox.recipients()) == sorted([ANA.email, SAM.email])


class BrokenComposer(Composer):
    """A composer whose templates have a mistake."""

    def __init__(self) -> None:
        super().__init__("erp@desk.example", "https://desk.example")

    def compose(self, mail: Mail, address: str) -> bytes:
        raise KeyError(mail.kind, address)


async def test_a_mail_that_cannot_be_composed_is_tried_again_later_and_logged_once(
    notifier: Notifier,
    mailbox: Mailbox,
) -> None:
    await notifier.consume(rejected())
    notifier.work = SendMails(
        BrokenComposer(), notifier.gateway, clock=LeaseClock(notifier.clock, notifier.clock.seconds)
    )
    with capture_logs() as logged:
        for _ in range(3):
            await notifier.send_what_is_due()
            notifier.clock.now += timedelta(minutes=1)

    rows = (await notifier.rows()).values()
    assert {(row.state, row.attempts) for row in rows} == {(MailState.PENDING, 3)}
    # two mails each time, and each time a new worker
    assert [line["event"] for line in logged if "exc_info" in line] == 3 * ["worker.job_failed"]
    assert mailbox.messages == []


async def test_a_mail_is_not_sent_when_its_lease_is_nearly_over(
    notifier: Notifier,
    mailbox: Mailbox,
) -> None:
    await notifier.consume(export_failed())
    claimed = await notifier.work.claim(notifier.database, 1, ())
    notifier.clock.now += LEASE - timedelta(seconds=5)

    answer: SmtpAnswer = await notifier.work.perform(claimed.jobs[0])

    assert answer.delivery == "deferred"
    assert mailbox.messages == []


async def test_a_mail_that_this_process_is_sending_is_not_claimed_again_after_its_lease(
    notifier: Notifier,
) -> None:
    await notifier.consume(export_failed())
    first = await notifier.work.claim(notifier.database, 10, ())
    notifier.clock.now += 2 * LEASE

    again = await notifier.work.claim(notifier.database, 10, first.jobs)

    assert (len(first.jobs), len(again.jobs)) == (3, 0)


async def test_looking_for_mails_that_are_due_reads_no_others(database: Database) -> None:
    async with database.begin() as db:
        await db.execute(text(_FILL), {"rows": 50_000, "waiting": 500})
    async with database.autocommit() as db:
        await db.exec_driver_sql("vacuum analyze notifier.mail")
    async with reading(database, "notifier", "mail") as read, database.begin() as db:
        now, due_at = await due.next_due(db, None, ())
        assert await store.oldest_unsettled_seconds(db, now) >= 0
        assert await store.count_set_aside(db) == 0
        assert await store.claim(db, 10, now, LEASE) == []

    assert due_at is not None
    assert due_at > now
    assert (read.scans, read.index_entries < 10) == (0, True)


async def test_claiming_mails_reads_only_those(notifier: Notifier) -> None:
    async with notifier.database.begin() as db:
        await db.execute(text(_FILL), {"rows": 50_000, "waiting": 500})
    await notifier.consume(export_failed())
    async with notifier.database.autocommit() as db:
        await db.exec_driver_sql("vacuum analyze notifier.mail")
    async with reading(notifier.database, "notifier", "mail") as read:
        claimed = await notifier.work.claim(notifier.database, 10, ())

    assert len(claimed.jobs) == 3
    # at most all that wait, if it is looked up at once which of them lead others, but never those that are settled
    assert (read.scans, read.index_entries < 1_200) == (0, True)
