"""The notifier forgets what a mail said, and keeps for long that there was one."""

from datetime import timedelta

from sandbox.mailbox import Mailbox
from services.notifier.storage.retention import sweep_contents, sweep_mails
from services.pipeline.database import Database
from tests.integration.notifier.test_sending import Notifier
from tests.integration.sweeping import sweep_all
from tests.unit.notifier.event_builders import rejected


async def test_a_settled_mail_loses_its_contents_first_and_is_not_sent_again(
    database: Database, mailbox: Mailbox
) -> None:
    notifier = Notifier(database, mailbox)
    await notifier.consume(rejected())
    await notifier.send_what_is_due()
    later = notifier.clock.now + timedelta(seconds=1)

    assert await sweep_all(database, sweep_contents, notifier.clock.now) == 0
    assert await sweep_all(database, sweep_contents, later) == 2
    assert await sweep_all(database, sweep_contents, later) == 0

    rows = (await notifier.rows()).values()
    assert {(row.event_data, row.recipient_name, row.recipient_email, row.together) for row in rows} == {
        ("", "", "", None)
    }
    assert await notifier.consume(rejected()) == [False]
    await notifier.send_what_is_due()
    assert len(mailbox.messages) == 2
    await notifier.gateway.hang_up()


async def test_open_mails_stay_however_old_they_are(database: Database, mailbox: Mailbox) -> None:
    notifier = Notifier(database, mailbox)
    await notifier.consume(rejected())
    later = notifier.clock.now + timedelta(days=3650)
    assert await sweep_all(database, sweep_contents, later) == 0
    assert await sweep_all(database, sweep_mails, later) == 0
    await notifier.send_what_is_due()
    assert await sweep_all(database, sweep_mails, later) == 2
    assert await notifier.rows() == {}
    await notifier.gateway.hang_up()
