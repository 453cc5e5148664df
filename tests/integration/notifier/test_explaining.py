"""What the notifier tells of a commitment: to whom it wrote, and how that went, but no address."""

from datetime import timedelta

from sqlalchemy import func, insert, select, true, update

from sandbox.mailbox import Mailbox, MailFault, MailFaultKind
from schemas.story import NotifierPart
from services.notifier.explaining import TOPICS, explain
from services.notifier.storage.retention import sweep_contents
from services.notifier.storage.tables import MAIL
from services.notifier.storage.told import MAX_MAILS
from services.pipeline.explaining import no_tails
from tests.integration.notifier.notifier_process import Notifier
from tests.unit.notifier.event_builders import DANA, SAM, export_failed


async def told(notifier: Notifier, commitment_id: str) -> NotifierPart:
    return await explain(notifier.database, commitment_id, no_tails, notifier.clock)


async def test_each_mail_tells_its_reader_their_role_and_its_outcome(notifier: Notifier) -> None:
    event = export_failed()
    await notifier.consume(event)
    await notifier.send_what_is_due()

    part = await told(notifier, event.commitment_id)

    assert {(each.recipient, each.role, each.state, each.attempts) for each in part.mails} == {
        ("Ana Gil", "creator", "sent", 1),
        ("Sam Lee", "sender", "sent", 1),
        ("Dana Ruiz", "approver", "sent", 1),
    }
    assert all(each.settled_at and each.next_at is None for each in part.mails)


async def test_a_mail_that_is_put_off_tells_when_it_is_tried_again_and_why(
    notifier: Notifier, mailbox: Mailbox
) -> None:
    mailbox.faults.replace([MailFault(kind=MailFaultKind.REFUSE_FOR_NOW, recipient=SAM.email)])
    event = export_failed()
    await notifier.consume(event)
    await notifier.send_what_is_due()

    (waiting,) = [each for each in (await told(notifier, event.commitment_id)).mails if each.state != "sent"]

    assert (waiting.recipient, waiting.state, waiting.attempts) == ("Sam Lee", "pending", 1)
    assert waiting.next_at is not None
    assert waiting.answer


async def test_no_address_is_told_even_if_the_mail_server_names_one(notifier: Notifier, mailbox: Mailbox) -> None:
    mailbox.faults.replace([MailFault(kind=MailFaultKind.REFUSE_FOR_GOOD, recipient=DANA.email)])
    event = export_failed()
    await notifier.consume(event)
    await notifier.send_what_is_due()
    answer = f"550 5.1.1 <{DANA.email}>: no such mailbox"
    async with notifier.database.begin() as db:
        await db.execute(update(MAIL).where(MAIL.c.state == "failed").values(smtp_answer=answer))

    text = (await told(notifier, event.commitment_id)).model_dump_json()

    assert "550 5.1.1 <(address)>: no such mailbox" in text
    assert "@" not in text


async def test_after_the_contents_are_deleted_the_reader_is_an_id_without_a_role(notifier: Notifier) -> None:
    event = export_failed()
    await notifier.consume(event)
    await notifier.send_what_is_due()
    async with notifier.database.begin() as db:
        await sweep_contents(db, "", notifier.clock.now + timedelta(days=1))

    found = {
        (each.recipient_id, each.recipient, each.role) for each in (await told(notifier, event.commitment_id)).mails
    }

    assert (DANA.id, None, None) in found


async def test_of_what_it_never_heard_it_tells_where_it_would_be_read(notifier: Notifier) -> None:
    part = await told(notifier, "../a/b?c")
    assert (part.mails, [each.topic for each in part.traffic.readings]) == ((), TOPICS)


async def test_more_mails_than_are_told_are_said_to_be_left_out(notifier: Notifier) -> None:
    event = export_failed()
    await notifier.consume(event)
    assert not (await told(notifier, event.commitment_id)).may_be_cut
    columns = {each.name: each for each in MAIL.c} | {"event_id": func.gen_random_uuid()}
    one, numbers = select(MAIL).limit(1).subquery(), func.generate_series(1, MAX_MAILS).table_valued("n")
    values = [columns[name] if name == "event_id" else one.c[name] for name in columns]
    async with notifier.database.begin() as db:
        await db.execute(
            insert(MAIL).from_select(list(columns), select(*values).select_from(one.join(numbers, true())))
        )

    part = await told(notifier, event.commitment_id)

    assert (part.may_be_cut, len(part.mails)) == (True, MAX_MAILS)
