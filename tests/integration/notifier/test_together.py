"""Many rejections for one reason reach each person as one mail, whatever fails, and each commitment learns of it."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Row, select, text, update

from sandbox.mailbox import Mailbox, MailFault, MailFaultKind
from services.notifier.rules.addresses import Address
from services.notifier.rules.delivery import MailState
from services.notifier.rules.mails.mail_type import MailData
from services.notifier.rules.together import LONGEST_WAIT, MAX_APART, MAX_MAILS, WAIT
from services.notifier.storage.store import claim
from services.notifier.storage.tables import MAIL
from services.notifier.work import LEASE, LeasedMail
from services.pipeline.worker import Worker
from tests.calendar_checks import drop_calendar_checks
from tests.integration.notifier.notifier_process import Notifier
from tests.integration.notifier.test_sending import counting
from tests.scanning import reading
from tests.unit.notifier.event_builders import ANA, COMPOSER, SAM, SUMMARY, event_of, mail_of, rejected, rejections
from tests.waiting import eventually

MOMENT = timedelta(milliseconds=1)
ONE_EACH = sorted([ANA.email, SAM.email])
TO_ANA = SUMMARY.model_copy(update={"sent_by": ANA})


async def all_rows(notifier: Notifier) -> Sequence[Row[Any]]:
    async with notifier.database.begin() as db:
        return (await db.execute(select(MAIL).order_by(MAIL.c.commitment_id))).all()


async def states(notifier: Notifier) -> Counter[str]:
    return Counter(row.state for row in await all_rows(notifier))


async def claimed(notifier: Notifier) -> Sequence[LeasedMail]:
    return (await notifier.work.claim(notifier.database, 10, ())).jobs


async def change(notifier: Notifier, data: MailData, **values: Any) -> None:
    async with notifier.database.begin() as db:
        await db.execute(update(MAIL).where(MAIL.c.event_id == event_of(data).id).values(values))


def recipients(mailbox: Mailbox) -> list[str]:
    """The recipient of each mail."""
    return [mail.recipients[0] for mail in mailbox.messages]


def listed(mailbox: Mailbox, address: str | None) -> list[int]:
    """How many commitments each mail to `address` lists."""
    return [mail.text.count("https://pm.example/commitments/") for mail in mailbox.to(address)]


async def test_many_rejections_are_one_mail_to_each_person_and_each_commitment_learns_of_it(
    notifier: Notifier, mailbox: Mailbox
) -> None:
    several = rejections(25)
    async with counting("rejected", "sent", 2):
        await notifier.consume(*several)
        await notifier.send_what_is_due()

    assert sorted(recipients(mailbox)) == ONE_EACH
    assert {mail.subject for mail in mailbox.messages} == {"Rejected: 25 commitments (Riverside Tower)"}
    assert listed(mailbox, ANA.email) == listed(mailbox, SAM.email) == [25]
    assert await states(notifier) == {MailState.SENT: 50}
    told = Counter((each["commitment_id"], each["recipient_id"], each["outcome"]) for each in await notifier.settled())
    assert told == {(data.commitment_id, who.id, "sent"): 1 for data in several for who in (ANA, SAM)}
    named = {(each["commitment_id"], each["event_id"]) for each in await notifier.settled()}
    assert named == {(data.commitment_id, str(event_of(data).id)) for data in several}


async def test_a_rejection_alone_is_the_same_mail_as_ever(notifier: Notifier, mailbox: Mailbox) -> None:
    await notifier.consume(rejected())
    await notifier.send_what_is_due()

    (mail,) = mailbox.to(ANA.email)
    assert mail.subject == mail_of(rejected()).subject
    assert mail.text.startswith("Dana Ruiz rejected SC-014. It will not be exported to QuickBooks.")


async def test_a_rejection_waits_for_others_but_not_longer(notifier: Notifier, mailbox: Mailbox) -> None:
    await notifier.consume(rejected())
    await notifier.send_what_is_due(after=WAIT - MOMENT)
    assert mailbox.messages == []

    await notifier.send_what_is_due(after=MOMENT)
    assert sorted(recipients(mailbox)) == ONE_EACH


async def test_it_waits_on_while_others_still_come(notifier: Notifier, mailbox: Mailbox) -> None:
    for data in rejections(4):
        await notifier.consume(data)
        await notifier.send_what_is_due(after=WAIT - MOMENT)
    assert mailbox.messages == []

    await notifier.send_what_is_due(after=MOMENT)
    assert listed(mailbox, ANA.email) == [4]


async def test_it_goes_at_last_although_others_still_come_and_late_ones_are_a_second_mail(
    notifier: Notifier, mailbox: Mailbox
) -> None:
    second = timedelta(seconds=1)
    for data in rejections(20):
        await notifier.consume(data)
        await notifier.send_what_is_due(after=second)
    await notifier.send_what_is_due()

    in_time = LONGEST_WAIT // second
    assert listed(mailbox, ANA.email) == listed(mailbox, SAM.email) == [in_time, 20 - in_time]
    assert await states(notifier) == {MailState.SENT: 40}


async def test_at_most_a_hundred_go_in_one_mail(notifier: Notifier, mailbox: Mailbox) -> None:
    await notifier.consume(*rejections(MAX_MAILS + 30, summary=TO_ANA))
    await notifier.send_what_is_due()

    assert sorted(listed(mailbox, ANA.email)) == [30, MAX_MAILS]
    assert len({each["commitment_id"] for each in await notifier.settled()}) == 100  # the first that it reads
    assert await states(notifier) == {MailState.SENT: MAX_MAILS + 30}


async def test_what_differs_is_not_mixed(notifier: Notifier, mailbox: Mailbox) -> None:
    other_address = TO_ANA.model_copy(update={"creator": ANA.model_copy(update={"email": "ana@elsewhere.example"})})
    await notifier.consume(
        *rejections(2, 1, TO_ANA),
        *rejections(2, 11, TO_ANA, reason="Another reason."),
        *rejections(2, 21, TO_ANA, decided_by=SAM),
        *rejections(2, 31, TO_ANA, company_id="c-2"),
        *rejections(2, 41, other_address),
    )
    await notifier.send_what_is_due()

    assert Counter(recipients(mailbox)) == {ANA.email: 4, "ana@elsewhere.example": 1}
    assert set(listed(mailbox, None)) == {2}
    numbers = sorted(mail.text.partition("SC-")[2][:1] for mail in mailbox.messages)
    assert numbers == ["1", "1", "1", "1", "1"]
    assert len({mail.headers["Message-ID"] for mail in mailbox.messages}) == 5


async def test_rejections_on_another_day_are_another_mail_even_if_all_are_queued_at_once(
    notifier: Notifier, mailbox: Mailbox
) -> None:
    await notifier.consume(*rejections(3, 1, TO_ANA), time=notifier.clock.now - timedelta(days=2))
    await notifier.consume(*rejections(2, 11, TO_ANA), time=notifier.clock.now)
    await notifier.consume(*rejections(2, 21, TO_ANA), time=notifier.clock.now - MAX_APART)
    await notifier.send_what_is_due()

    assert sorted(listed(mailbox, ANA.email)) == [3, 4]


async def test_a_process_that_dies_before_it_sends_leaves_the_same_message_to_the_next_one(
    notifier: Notifier, mailbox: Mailbox
) -> None:
    await notifier.consume(*rejections(25, summary=TO_ANA))
    notifier.clock.now += WAIT
    (lost,) = await claimed(notifier)
    await notifier.consume(*rejections(3, 31, TO_ANA))
    assert await claimed(notifier) == ()
    async with counting("rejected", "repeated", 1), counting("rejected", "sent", 2):
        await notifier.send_what_is_due(after=LEASE)

    assert sorted(listed(mailbox, ANA.email)) == [3, 25]
    lost_message = COMPOSER.compose(lost.job.mail, Address("ana.gil", "pm.example"))
    assert [mail.source for mail in mailbox.messages].count(lost_message) == 1
    assert await states(notifier) == {MailState.SENT: 28}


async def test_a_process_that_dies_after_it_sent_leaves_a_repeat_that_is_the_same_byte_for_byte(
    notifier: Notifier, mailbox: Mailbox
) -> None:
    await notifier.consume(*rejections(25))
    notifier.clock.now += WAIT
    await asyncio.gather(*map(notifier.work.perform, await claimed(notifier)))  # and dies before it settles
    await notifier.consume(*rejections(3, 31))

    async with counting("rejected", "repeated", 2):
        await notifier.send_what_is_due(after=LEASE)

    copies = Counter(mail.source for mail in mailbox.messages)
    assert sorted(copies.values()) == [1, 1, 2, 2]
    assert sorted(listed(mailbox, ANA.email)) == [3, 25, 25]
    assert {(row.interruptions, row.attempts) for row in (await all_rows(notifier))} == {(1, 2), (0, 1)}
    assert await states(notifier) == {MailState.SENT: 56}


async def test_a_lost_answer_is_repeated_unchanged_and_late_ones_go_in_a_second_mail(
    notifier: Notifier, mailbox: Mailbox
) -> None:
    mailbox.faults.switch_on(MailFault(kind=MailFaultKind.CUT_AFTER_DOT, recipient=ANA.email, times=1))
    await notifier.consume(*rejections(25, summary=TO_ANA))
    await notifier.send_what_is_due()
    assert {(row.state, row.lost_answers) for row in await all_rows(notifier)} == {(MailState.PENDING, 1)}
    await notifier.consume(*rejections(2, 31, TO_ANA))
    async with counting("rejected", "repeated", 1), counting("rejected", "sent", 2):
        await notifier.send_what_is_due(after=timedelta(seconds=5))

    first, *later = mailbox.messages
    assert [mail.source for mail in later].count(first.source) == 1
    assert sorted(listed(mailbox, ANA.email)) == [2, 25, 25]


async def test_two_processes_send_one_mail_to_each_person(notifier: Notifier, mailbox: Mailbox) -> None:
    await notifier.consume(*rejections(25), *rejections(25, 101, reason="Another reason."))
    notifier.clock.now += WAIT
    stopping = asyncio.Event()
    workers = [
        asyncio.create_task(
            Worker(notifier.database, notifier.outbox, notifier.work, concurrency=1, max_idle_seconds=0.01).run(
                stopping
            )
        )
        for _ in range(4)
    ]

    async def is_done() -> bool:
        return await states(notifier) == {MailState.SENT: 100}

    await eventually(is_done)
    stopping.set()
    await asyncio.gather(*workers)

    assert sorted(recipients(mailbox)) == sorted(2 * ONE_EACH)
    assert set(listed(mailbox, None)) == {25}


async def test_while_one_process_takes_them_another_one_takes_none_of_them(notifier: Notifier) -> None:
    await notifier.consume(*rejections(25, summary=TO_ANA))
    notifier.clock.now += WAIT
    async with notifier.database.begin() as one, notifier.database.begin() as other:
        (first,) = await claim(one, 1, notifier.clock.now, LEASE)
        assert await claim(other, 10, notifier.clock.now, LEASE) == []
    assert len(first.mail.others) == 24
    assert await claimed(notifier) == ()


async def test_a_refusal_fails_all_and_says_why(notifier: Notifier, mailbox: Mailbox) -> None:
    mailbox.faults.switch_on(MailFault(kind=MailFaultKind.REFUSE_FOR_GOOD, recipient=ANA.email))
    await notifier.consume(*rejections(5))
    async with counting("rejected", "failed", 1), counting("rejected", "sent", 1):
        await notifier.send_what_is_due()

    assert await states(notifier) == {MailState.FAILED: 5, MailState.SENT: 5}
    reasons = Counter((each["recipient_id"], each.get("reason")) for each in await notifier.settled())
    assert reasons == {(ANA.id, "550 5.1.1 No such mailbox"): 5, (SAM.id, None): 5}


async def test_a_person_without_an_address_fails_for_all_and_a_late_mail_expires_for_all(
    notifier: Notifier, mailbox: Mailbox
) -> None:
    nobody = TO_ANA.model_copy(update=dict.fromkeys(("creator", "sent_by"), ANA.model_copy(update={"email": None})))
    await notifier.consume(*rejections(3, 1, nobody))
    await notifier.consume(*rejections(4, 11, TO_ANA), time=notifier.clock.now - timedelta(days=7))
    async with counting("rejected", "failed", 1), counting("rejected", "expired", 1):
        await notifier.send_what_is_due()

    assert mailbox.messages == []
    assert Counter(each["outcome"] for each in await notifier.settled()) == {"failed": 3, "expired": 4}


async def test_a_temporary_refusal_is_tried_again_later_as_one_mail(notifier: Notifier, mailbox: Mailbox) -> None:
    mailbox.faults.switch_on(MailFault(kind=MailFaultKind.REFUSE_FOR_NOW, recipient=ANA.email, times=1))
    await notifier.consume(*rejections(5, summary=TO_ANA))
    async with counting("rejected", "deferred", 1):
        await notifier.send_what_is_due()
    assert {(row.state, row.attempts) for row in await all_rows(notifier)} == {(MailState.PENDING, 1)}

    await notifier.send_what_is_due(after=timedelta(seconds=5))
    assert listed(mailbox, ANA.email) == [5]


async def test_a_process_whose_lease_expired_settles_none_of_the_next_attempt(notifier: Notifier) -> None:
    await notifier.consume(*rejections(5, summary=TO_ANA))
    notifier.clock.now += WAIT
    (late,) = await claimed(notifier)
    answer = await notifier.work.perform(late)
    notifier.clock.now += LEASE
    (second,) = await claimed(notifier)
    async with notifier.database.begin() as db:
        assert await notifier.work.settle(db, late, answer) == ()
    assert await states(notifier) == {MailState.SENDING: 5}
    async with notifier.database.begin() as db:
        assert len(await notifier.work.settle(db, second, answer)) == 5
    assert await states(notifier) == {MailState.SENT: 5}


@pytest.mark.parametrize("place", range(5))
@pytest.mark.parametrize(
    "corruption",
    [
        {"event_data": "{"},
        {"created_at": text("timestamptz 'infinity'")},
        {"occurred_at": text("timestamptz '200000-01-01'")},
        {"next_attempt_at": text("timestamptz '-infinity'"), "event_data": "{}"},
    ],
    ids=["no JSON", "created beyond the calendar", "happened beyond the calendar", "always due"],
)
async def test_one_that_cannot_be_read_keeps_none_of_the_others_from_going_together(
    notifier: Notifier, mailbox: Mailbox, place: int, corruption: dict[str, Any]
) -> None:
    several = sorted(rejections(5, summary=TO_ANA), key=lambda data: event_of(data).id)
    await notifier.consume(*several)
    await drop_calendar_checks(notifier.database, "notifier")
    await change(notifier, several[place], **corruption)
    notifier.clock.now += WAIT

    for _ in range(3):  # one claim sets it aside, and another one finds the others
        for job in await claimed(notifier):
            async with notifier.database.begin() as db:
                await notifier.work.settle(db, job, await notifier.work.perform(job))

    assert max(listed(mailbox, ANA.email)) in {4, 5}
    async with notifier.database.begin() as db:
        found = await db.scalars(
            text("select state from notifier.mail where event_id <> :odd"), {"odd": event_of(several[place]).id}
        )
        assert set(found) == {MailState.SENT}


async def test_those_whose_leader_was_set_aside_after_an_attempt_go_alone(notifier: Notifier, mailbox: Mailbox) -> None:
    await notifier.consume(*rejections(3, summary=TO_ANA))
    notifier.clock.now += WAIT
    (lost,) = await claimed(notifier)
    async with notifier.database.begin() as db:
        await db.execute(update(MAIL).where(MAIL.c.event_id == lost.job.mail.event_id).values(event_data="{"))
    await notifier.send_what_is_due(after=LEASE)

    assert listed(mailbox, ANA.email) == [1, 1]
    assert await states(notifier) == {MailState.SENT: 2, MailState.SET_ASIDE: 1}


async def test_all_are_set_aside_if_the_result_cannot_be_recorded_and_sent_again_once_mended(
    notifier: Notifier, mailbox: Mailbox
) -> None:
    await notifier.consume(*rejections(3, summary=TO_ANA))
    notifier.clock.now += WAIT
    (leased,) = await claimed(notifier)
    async with notifier.database.begin() as db:
        await notifier.work.set_aside(db, leased, "Its result cannot be recorded.")
    assert await states(notifier) == {MailState.SET_ASIDE: 3}
    async with notifier.database.begin() as db:
        await db.execute(text("update notifier.mail set state = 'pending', next_attempt_at = now()"))
    await notifier.send_what_is_due()

    assert listed(mailbox, ANA.email) == [3]
    assert await states(notifier) == {MailState.SENT: 3}


async def test_one_that_is_mended_alone_goes_alone(notifier: Notifier, mailbox: Mailbox) -> None:
    several = rejections(3, summary=TO_ANA)
    await notifier.consume(*several)
    notifier.clock.now += WAIT
    (leased,) = await claimed(notifier)
    follower = leased.job.mail.others[0].event_id
    async with notifier.database.begin() as db:
        await notifier.work.set_aside(db, leased, "Its result cannot be recorded.")
        mended = {"state": "pending", "next_attempt_at": notifier.clock.now}
        await db.execute(update(MAIL).where(MAIL.c.event_id == follower).values(mended))
    await notifier.send_what_is_due()

    assert listed(mailbox, ANA.email) == [1]
    assert await states(notifier) == {MailState.SENT: 1, MailState.SET_ASIDE: 2}


async def test_what_the_previous_release_queues_or_takes_goes_alone(notifier: Notifier, mailbox: Mailbox) -> None:
    several = rejections(5, summary=TO_ANA)
    await notifier.consume(*several)
    lease_end = notifier.clock.now + LEASE
    await change(notifier, several[0], together=None, next_attempt_at=notifier.clock.now)  # it does not know the column
    await change(notifier, several[1], state="sending", attempts=1, next_attempt_at=lease_end)  # and takes this one
    await notifier.send_what_is_due()
    assert sorted(listed(mailbox, ANA.email)) == [1, 3]

    await notifier.send_what_is_due(after=LEASE)
    assert sorted(listed(mailbox, ANA.email)) == [1, 1, 3]
    assert await states(notifier) == {MailState.SENT: 5}


async def test_what_the_previous_release_takes_after_a_death_is_settled_by_it_alone(
    notifier: Notifier, mailbox: Mailbox
) -> None:
    await notifier.consume(*rejections(3, summary=TO_ANA))
    notifier.clock.now += WAIT
    (lost,) = await claimed(notifier)
    notifier.clock.now += LEASE
    leader = lost.job.mail.event_id
    lease = {"state": "sending", "attempts": 2, "interruptions": 1, "next_attempt_at": notifier.clock.now + LEASE}
    async with notifier.database.begin() as db:  # it takes the first, and sends it as a mail of its own
        await db.execute(update(MAIL).where(MAIL.c.event_id == leader).values(lease))
    assert await claimed(notifier) == ()
    async with notifier.database.begin() as db:
        sent = {"state": "sent", "next_attempt_at": None, "settled_at": notifier.clock.now}
        await db.execute(update(MAIL).where(MAIL.c.event_id == leader).values(sent))

    await notifier.send_what_is_due()
    assert listed(mailbox, ANA.email) == [1, 1]
    assert await states(notifier) == {MailState.SENT: 3}


async def test_all_that_waits_is_not_read_to_take_the_others_of_one_mail(notifier: Notifier) -> None:
    for occasion in range(40):
        await notifier.consume(*rejections(25, 1 + 25 * occasion, TO_ANA, reason=f"Reason {occasion}."))
    async with notifier.database.autocommit() as db:
        await db.exec_driver_sql("vacuum analyze notifier.mail")
    notifier.clock.now += WAIT
    async with reading(notifier.database, "notifier", "mail") as read:
        leased = (await notifier.work.claim(notifier.database, 1, ())).jobs

    assert [len(each.job.mail.others) for each in leased] == [24]
    assert (read.scans, read.index_entries < 300) == (0, True), read
