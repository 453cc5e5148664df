"""The queries of mails: inserted with their event, claimed under a lease, settled once."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, DateTime, Row, and_, case, func, literal, literal_column, select, true, update

from schemas.commitment import Person
from services.notifier.rules.delivery import MailJob, MailState, Settlement, SmtpAnswer
from services.notifier.rules.event_handlers import QueuedMails
from services.notifier.rules.mails.mail import TYPE_OF_KIND, Mail
from services.notifier.rules.mails.submission_refused import SUBMISSION_REFUSED
from services.notifier.rules.together import first_attempt_at, occasion_of
from services.notifier.storage.due import MailKey, due_mails
from services.notifier.storage.tables import MAIL
from services.notifier.storage.together import take_others, waits_for_others
from services.pipeline.apart import all_read
from services.pipeline.database import Transaction
from services.pipeline.fold import StateChange
from services.pipeline.writes import Writes

_CHECKED_COMPANY = func.min(MAIL.c.company_id).filter(MAIL.c.kind != SUBMISSION_REFUSED.kind)


class MailStore:
    """The queued mails of each commitment or each reader; their rows are inserted once, by (event id, recipient id)."""

    def __init__(self, subject: ColumnElement[str], *, where: ColumnElement[bool]) -> None:
        self._subject = subject
        self._where = where

    async def load(self, db: Transaction, keys: Sequence[str]) -> Mapping[str, QueuedMails]:
        """Return what is queued for every key; without a lock, because the columns read here never change."""
        queued = (
            select(self._subject, _CHECKED_COMPANY, func.array_agg(MAIL.c.event_id))
            .where(self._subject == func.any(list(keys)), self._where)
            .group_by(self._subject)
        )
        found = {key: QueuedMails(company_id, frozenset(ids)) for key, company_id, ids in await db.execute(queued)}
        return {key: found.get(key, QueuedMails()) for key in keys}

    async def save(self, _: Transaction, writes: Writes, changes: Sequence[StateChange[QueuedMails, Mail]]) -> None:
        """Insert the mails of all `changes`."""
        writes.insert(MAIL, [_row_of(each) for change in changes for each in change.rows])


COMMITMENT_MAILS = MailStore(MAIL.c.commitment_id, where=MAIL.c.commitment_id.is_not(None))
DIGEST_MAILS = MailStore(MAIL.c.recipient_id, where=MAIL.c.commitment_id.is_(None))


async def claim(
    db: Transaction,
    limit: int,
    now: datetime,
    lease: timedelta,
    *,
    held: Sequence[MailKey] = (),
    only: MailKey | None = None,
) -> list[MailJob]:
    """Lease at most `limit` mails that are due, including those whose earlier lease has expired, but not the `held`.

    Each has with it those that go out in the same message, which are leased as well.
    """
    chosen = due_mails(limit, now, held)
    if only is not None:
        chosen = chosen.where(MAIL.c.event_id == only[0], MAIL.c.recipient_id == only[1])
    due = chosen.with_for_update(skip_locked=True).cte("due")
    leased = {
        "state": MailState.SENDING,
        "attempts": MAIL.c.attempts + 1,
        "interruptions": MAIL.c.interruptions + case((MAIL.c.state == MailState.SENDING, 1), else_=0),
        "next_attempt_at": now + lease,
    }
    taken = (
        update(MAIL)
        .where(MAIL.c.event_id == due.c.event_id, MAIL.c.recipient_id == due.c.recipient_id)
        .values({**leased, "sent_with": case((waits_for_others(MAIL), MAIL.c.event_id), else_=MAIL.c.sent_with)})
        .returning(MAIL)
    )
    return [await _job_of(db, row, leased) for row in (await db.execute(taken)).all()]


async def settle(
    db: Transaction, job: MailJob, settled: Settlement, answer: SmtpAnswer, now: datetime
) -> Sequence[Mail]:
    """Record the result of the attempt of `job`; return the mails that it is the result of, which end together.

    There are none if its lease expired and another attempt has begun.
    """
    is_ours = and_(
        MAIL.c.recipient_id == job.mail.recipient.id,
        MAIL.c.state == MailState.SENDING,
        MAIL.c.attempts == job.attempt,
    )
    result = {
        "state": settled.state,
        "next_attempt_at": settled.next_attempt_at,
        "lost_answers": settled.lost_answers,
        "smtp_answer": answer.text,
        "settled_at": now if settled.next_attempt_at is None else None,
    }
    recorded = await db.execute(update(MAIL).where(MAIL.c.event_id == job.mail.event_id, is_ours).values(result))
    if recorded.rowcount == 0:
        return ()
    if not job.mail.others:
        return (job.mail,)
    theirs = and_(MAIL.c.event_id.in_([each.event_id for each in job.mail.others]), is_ours)
    ended = set(await db.scalars(update(MAIL).where(theirs).values(result).returning(MAIL.c.event_id)))
    return (job.mail, *(each for each in job.mail.others if each.event_id in ended))


async def set_aside(db: Transaction, key: MailKey, why: str, attempt: int | None = None) -> None:
    """Take a mail out of the claims; one whose next `attempt` has begun stays as it is."""
    event_id, recipient_id = key
    is_ours = true() if attempt is None else MAIL.c.attempts == attempt
    await db.execute(
        update(MAIL)
        .where(MAIL.c.event_id == event_id, MAIL.c.recipient_id == recipient_id, is_ours)
        .values(state=MailState.SET_ASIDE, next_attempt_at=None, smtp_answer=why)
    )


async def count_set_aside(db: Transaction) -> int:
    """Return how many mails are set aside."""
    counted = select(func.count()).select_from(MAIL).where(MAIL.c.state == literal_column("'set_aside'"))
    count: int = (await db.execute(counted)).scalar_one()
    return count


async def oldest_unsettled_seconds(db: Transaction, now: datetime) -> float:
    """Return the age of the oldest unsettled mail; 0 without one."""
    # in SQL, so that one far outside the calendar shows as it is
    age = func.extract("epoch", literal(now, DateTime(timezone=True)) - func.min(MAIL.c.created_at))
    seconds = (await db.execute(select(age).where(MAIL.c.next_attempt_at.is_not(None)))).scalar_one()
    return max(float(seconds or 0), 0.0)


def _row_of(each: Mail) -> dict[str, Any]:
    return {
        "event_id": each.event_id,
        "recipient_id": each.recipient.id,
        "recipient_name": each.recipient.name,
        "recipient_email": each.recipient.email or "",
        "kind": each.kind,
        "company_id": each.data.company_id,
        "commitment_id": each.commitment_id,
        "event_data": each.data.model_dump_json(by_alias=True, exclude_none=True),
        "occurred_at": each.occurred_at,
        "created_at": each.created_at,
        "traceparent": each.traceparent,
        "state": MailState.PENDING,
        "next_attempt_at": first_attempt_at(each),
        "together": occasion_of(each),
        "read_partition": each.place and each.place[0],
        "read_offset": each.place and each.place[1],
    }


async def _job_of(db: Transaction, row: Row[Any], leased: Mapping[str, Any]) -> MailJob:
    mail_type = TYPE_OF_KIND[row.kind]
    (data,) = await all_read(mail_type.data_type.model_validate_json, [row.event_data])
    person = Person(id=row.recipient_id, name=row.recipient_name, email=row.recipient_email)
    each = Mail(mail_type, row.event_id, person, data, row.occurred_at, row.created_at, row.traceparent)
    others = await take_others(db, each, row, leased)
    return MailJob(replace(each, others=others), row.attempts, row.lost_answers, row.interruptions)
