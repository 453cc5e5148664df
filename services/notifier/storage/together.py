"""Finds the mails that go out in one message.

The first that is due of an occasion takes the others with it and leads them from then on: `sent_with` names it, and
what happens to it happens to all in the same transaction. They follow it for as long as it is open, so a mail whose
leader was set aside goes out alone.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from pydantic import ValidationError
from sqlalchemy import (
    ColumnElement,
    DateTime,
    FromClause,
    Row,
    Select,
    and_,
    literal,
    literal_column,
    or_,
    select,
    tuple_,
    update,
)

from services.notifier.rules.mails.mail import Mail
from services.notifier.rules.together import LONGEST_WAIT, MAX_APART, MAX_MAILS, WAIT
from services.notifier.storage.tables import MAIL
from services.pipeline.database import Transaction


def waits_for_others(mail: FromClause) -> ColumnElement[bool]:
    """Whether others may still take it with them; in the words of the index, which parameters might not match."""
    return and_(
        mail.c.together.is_not(None),
        mail.c.sent_with.is_(None),
        mail.c.attempts == literal_column("0"),
        mail.c.state == literal_column("'pending'"),
    )


_CONTENTS = select(MAIL.c.event_id, MAIL.c.event_data, MAIL.c.traceparent)
_LEADER = MAIL.alias("leader")
FOLLOWS = (
    select(1)
    .where(
        _LEADER.c.event_id == MAIL.c.sent_with,
        _LEADER.c.recipient_id == MAIL.c.recipient_id,
        _LEADER.c.event_id != MAIL.c.event_id,
        _LEADER.c.next_attempt_at.is_not(None),
    )
    .correlate(MAIL)
    .exists()
)
"""Whether a mail goes out with another one that is open."""

_OTHER = MAIL.alias("other")
_OTHER_OF_OCCASION = select(1).where(_OTHER.c.together == MAIL.c.together, waits_for_others(_OTHER)).correlate(MAIL)
_IS_FIRST = ~_OTHER_OF_OCCASION.where(
    tuple_(_OTHER.c.next_attempt_at, _OTHER.c.event_id) < tuple_(MAIL.c.next_attempt_at, MAIL.c.event_id)
).exists()


def leads_if_together(now: datetime) -> ColumnElement[bool]:
    """Whether a mail that is due may go: where others of its occasion wait, only the first, once no more of them come.

    There is one first mail, so that two processes do not share the others between them.
    """
    has_waited = MAIL.c.next_attempt_at <= now - (LONGEST_WAIT - WAIT)
    is_quiet = ~_OTHER_OF_OCCASION.where(_OTHER.c.next_attempt_at > now).exists()
    return or_(~waits_for_others(MAIL), and_(_IS_FIRST, or_(has_waited, is_quiet)))


async def take_others(db: Transaction, leader: Mail, row: Row[Any], leased: Mapping[str, Any]) -> tuple[Mail, ...]:
    """Lease with the values `leased` the mails that go out with `leader`, whose `row` is leased already.

    They are chosen before the first attempt, so that a repeat is the same message. One that cannot be read is left out:
    it is set aside once it is due itself.
    """
    if row.sent_with != leader.event_id:
        return ()
    chosen = _waiting(leader, row.together) if row.attempts == 1 else _following(leader, row.attempts)
    found = await db.execute(chosen.with_for_update(skip_locked=True))
    others = tuple(filter(None, (_mail_like(leader, each) for each in found)))
    if others:
        ids = [each.event_id for each in others]
        taken = update(MAIL).where(MAIL.c.event_id.in_(ids), MAIL.c.recipient_id == leader.recipient.id)
        await db.execute(taken.values({**leased, "sent_with": leader.event_id}))
    return others


def _waiting(leader: Mail, together: str) -> Select[Any]:
    at = literal(leader.occurred_at, DateTime(timezone=True))
    is_close = MAIL.c.occurred_at.between(at - MAX_APART, at + MAX_APART)
    waiting = _CONTENTS.where(MAIL.c.together == together, waits_for_others(MAIL), is_close)
    return waiting.order_by(MAIL.c.next_attempt_at, MAIL.c.event_id).limit(MAX_MAILS - 1)


def _following(leader: Mail, attempt: int) -> Select[Any]:
    """Those that were leased each time with it; the previous release may have sent one of them alone meanwhile."""
    return _CONTENTS.where(
        MAIL.c.sent_with == leader.event_id,
        MAIL.c.recipient_id == leader.recipient.id,
        MAIL.c.event_id != leader.event_id,
        MAIL.c.next_attempt_at.is_not(None),
        MAIL.c.attempts == attempt - 1,
    )


def _mail_like(leader: Mail, row: Row[Any]) -> Mail | None:
    """The mail of `row`, which has the times of its leader; None if it cannot be read."""
    try:
        data = leader.type.data_type.model_validate_json(row.event_data)
    except ValidationError:
        return None
    return replace(leader, event_id=row.event_id, data=data, traceparent=row.traceparent)
